#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Compare the includes of all C files with the table of ARCHITECTURE.md.

The table has the columns "room" and "may include". A room is a folder or, for an exception, one
file; a file belongs to the longest room that its path begins with. A file may include headers of its own room, and of every
room that the row names; `folder/*` names all rooms below a folder, and a file itself alone. Findings, one a line:

  - an include that the table does not allow, with file and line;
  - an include in the library that no file of the library answers;
  - a C file that belongs to no room, and a row that names no folder;
  - a circle in the table itself;
  - a circle of includes between files of different folders. name.c and name.h count as one file here.

    scripts/layers.py [ROOT]        exit status 1 if there are findings
    scripts/layers.py --graph       print which room includes which, with counts
"""

import collections
import os
import re
import sys

sys.dont_write_bytecode = True

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:(<)([^>]+)>|"([^"]+)"|(\w+))')
ROW = re.compile(r"^\|([^|]*)\|([^|]*)\|\s*$")
HEADING = ("room", "may include")
# The one include whose name the preprocessor computes: a port's header of inline functions.
COMPUTED = {("include/dmah/host.h", "DMAH_HOST_INLINE")}


# Files whose includes are still against the table. The list only shrinks.
ALLOWED = "scripts/layers-allowed.txt"

# Files that become part of Linux include its headers, some of which have names of files here.
FOR_LINUX = "linux/series/patches/"


def below(path, room):
    return path == room or path.startswith(room + "/")


def named(room, name):
    """Does this name of the right column stand for the room?"""
    return room == name or (name.endswith("/*") and room is not None and room.startswith(name[:-1]))


def read_table(text):
    """Return {room: [room, ...]} and findings."""
    rooms = {}
    findings = []
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        row = ROW.match(line)
        if not row:
            inside = False
            continue
        left, right = (cell.strip() for cell in row.groups())
        if (left, right) == HEADING:
            inside = True
        elif inside and not set(left) <= set("-: "):
            where = "ARCHITECTURE.md:%d: " % number
            names = re.findall(r"`([^`]+)`", right)
            room = left.strip("`").rstrip("/")
            if room in rooms:
                findings.append(where + "a second row for " + room)
            if not names and right != "nothing":
                findings.append(where + "the row of %s names no folder and is not 'nothing'" % room)
            rooms[room] = [n.rstrip("/") for n in names]
    if not rooms:
        findings.append("ARCHITECTURE.md: no table with the columns 'room' and 'may include'")
    return rooms, findings


def room_of(path, rooms):
    best = None
    for room in rooms:
        if below(path, room) and (best is None or len(room) > len(best)):
            best = room
    return best


def home_of(path, rooms):
    """Return the room that others see: the row of a single file is about that file's own includes."""
    return room_of(os.path.dirname(path) or path, rooms)


def allowed(source, target, rooms):
    """May a file of the room source include a file at the path target?"""
    own = home_of(target, rooms)
    if target in rooms[source]:
        return True
    return own == source or any(named(own, name) for name in rooms[source])


def circle(graph):
    """Strongly connected components of more than one node, by Tarjan's algorithm, not recursive."""
    index, low, on, stack, out = {}, {}, set(), [], []
    for root in sorted(graph):
        if root in index:
            continue
        work = [(root, iter(sorted(graph[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on.add(root)
        while work:
            node, edges = work[-1]
            for to in edges:
                if to not in index:
                    index[to] = low[to] = len(index)
                    stack.append(to)
                    on.add(to)
                    work.append((to, iter(sorted(graph.get(to, ())))))
                    break
                if to in on:
                    low[node] = min(low[node], index[to])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = []
                    while True:
                        part.append(stack.pop())
                        on.discard(part[-1])
                        if part[-1] == node:
                            break
                    if len(part) > 1:
                        out.append(sorted(part))
    return out


class Resolver:
    """Find the file that an include names."""

    def __init__(self, files, rooms):
        self.files = set(files)
        self.rooms = rooms
        self.ends = collections.defaultdict(list)
        for f in files:
            parts = f.split("/")
            for i in range(len(parts)):
                self.ends["/".join(parts[i:])].append(f)

    def find(self, source, name, angle):
        """Return a path, or None for what is not of this tree."""
        own = os.path.normpath(os.path.join(os.path.dirname(source), name))
        if not angle and own in self.files:
            return own
        if below(source, "src") or below(source, "include"):
            # The library's search path is known: include/ and src/.
            for place in ("include", "src"):
                path = os.path.normpath(os.path.join(place, name))
                if path in self.files:
                    return path
            return None
        if angle and not name.startswith("dmah/") and name != "linux/dmah.h":
            return None
        found = self.ends.get(os.path.normpath(name), [])
        if len(found) > 1:
            # The build's -I decides among headers of one name; an allowed one is taken to be meant.
            room = room_of(source, self.rooms)
            found = [f for f in found if room and allowed(room, f, self.rooms)] or found
        return found[0] if found else None


def includes(path, text):
    """Yield (line number, name, angle bracket, computed) for each include outside comments."""
    comment = False
    for number, line in enumerate(text.split("\n"), 1):
        if comment:
            comment = "*/" not in line
            continue
        found = INCLUDE.match(line)
        if found:
            angle, a, q, computed = found.groups()
            yield number, a or q or computed, bool(angle), bool(computed)
        elif "/*" in line and "*/" not in line.split("/*")[-1]:
            comment = True


def check(root, excused=()):
    with open(os.path.join(root, "ARCHITECTURE.md"), encoding="utf-8") as f:
        rooms, findings = read_table(f.read())
    files = [f for f in tree.files(root) if f.endswith((".c", ".h", ".inc", ".cc")) and not f.startswith(FOR_LINUX)]
    for room, names in rooms.items():
        if not os.path.exists(os.path.join(root, room)):
            findings.append("ARCHITECTURE.md: there is no %s" % room)
        for name in names:
            if not any(named(r, name) for r in rooms) and not os.path.isfile(os.path.join(root, name)):
                findings.append("ARCHITECTURE.md: %s (row of %s) has no row" % (name, room))
    resolver = Resolver(files, rooms)
    arrows = collections.Counter()
    units = collections.defaultdict(set)
    for path in files:
        room = room_of(path, rooms)
        if room is None:
            findings.append("%s: its folder is in no row of ARCHITECTURE.md's table" % path)
            continue
        for number, name, angle, computed in includes(path, tree.read(root, path)):
            where = "%s:%d: " % (path, number)
            if computed:
                if below(room, "src") or below(room, "include"):
                    if (path, name) not in COMPUTED:
                        findings.append(where + "includes by a macro, %s" % name)
                continue
            target = resolver.find(path, name, angle)
            if target is None:
                if not angle and (below(room, "src") or below(room, "include")):
                    findings.append(where + "no file of the library answers to %s" % name)
                continue
            units[os.path.splitext(path)[0]].add(os.path.splitext(target)[0])
            own = home_of(target, rooms)
            if own != home_of(path, rooms):
                arrows[room, own] += 1
            if own is not None and not allowed(room, target, rooms):
                findings.append(where + "includes %s: %s may not include %s" % (target, room, own))
    table = {room: {r for r in rooms if r != room and any(named(r, n) for n in names)}
             for room, names in rooms.items()}
    for part in circle(table):
        findings.append("ARCHITECTURE.md: the table has a circle: " + ", ".join(part))
    for part in circle({u: t - {u} for u, t in units.items()}):
        if len({os.path.dirname(u) for u in part}) > 1 and not any(
                u + end in excused for u in part for end in (".c", ".h")):
            findings.append("a circle of includes: " + ", ".join(part))
    return findings, arrows


def main():
    args = sys.argv[1:]
    graph = "--graph" in args
    args = [a for a in args if a != "--graph"]
    root = args[0] if args else tree.ROOT
    excused = tree.read_list(root, ALLOWED)
    findings, arrows = check(root, excused)
    if graph:
        for (source, target), count in sorted(arrows.items()):
            print("%-24s -> %-24s %d" % (source, target, count))
        return
    findings = [l for l in findings if re.sub(r":\d+:", ":", l).split(": ")[0] not in excused]
    for line in findings:
        print(line)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
