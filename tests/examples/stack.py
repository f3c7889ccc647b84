#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Measures how much stack each public function of the library can need.

    stack.py [--flags "-O2 ..."] [--path] COMPILER...

GCC reports the frame of every function (-fstack-usage) and the calls between functions
(-fcallgraph-info). Calls are taken from a build without inlining, frames from the real one: a
function that was inlined there has no frame of its own. GCC does not report the target of a call
through a pointer. A call of a member, "->map(...)", is assumed to reach every function that any
initialiser assigns to a member of that name; a call of a parameter, every function in the arguments
of its caller's calls.
"""

import argparse
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
FLAGS = ["-ffreestanding", "-std=gnu11", "-fno-stack-protector", "-Iinclude", "-Isrc"]
NO_INLINE = ["-fno-inline", "-fno-ipa-icf", "-fno-partial-inlining"]
# These call functions of the library's user, whose stack is not part of the figure.
CALLERS_OWN = {"src/backend/iommu/addr.c:translate", "src/backend/xen.c:bus_of",
               "src/backend/xen.c:in_pool", "src/backend/xen.c:page_of",
               "src/base/buffer.c:maintain_by_bus", "src/base/buffer.c:maintain_lines",
               "dmah_vtd_faults", "dmah_iommu_want_poll"}
# These call nothing but functions of the library's user, whatever the names of their arguments.
ONLY_CALLERS_OWN = {"src/fw/fw.c:report", "dmah_fw_found", "dmah_fw_id",
                    "dmah_fw_range", "dmah_fw_flags", "src/fw/acpi.c:at_phys", "src/fw/pci.c:read_reg",
                    "src/fw/setup.c:map_registers", "src/fw/setup.c:capability_of",
                    "src/fw/dmar.c:named", "src/fw/ivrs.c:named", "src/fw/iort.c:named",
                    "src/hw/virtio/init.c:viommu_read", "src/hw/virtio/init.c:viommu_write", "src/hw/virtio/queue.c:viommu_read", "src/hw/virtio/queue.c:viommu_write",
                    "src/hw/virtio/space.c:viommu_read", "src/hw/virtio/space.c:viommu_write",
                    "src/fw/viot.c:named", "src/fw/rimt.c:named", "src/fw/dt.c:named"}
# Recursion: the levels of a page table at most.
RECURSIVE = {"free_table": 5, "clean_table": 5}
# Not part of the figure either.
HOST = re.compile(r"^(dmah_host_\w+|mem(cpy|set|move|cmp)|__\w+)$")


def sources():
    out = []
    for path, _, names in os.walk(os.path.join(ROOT, "src")):
        out += [os.path.relpath(os.path.join(path, n), ROOT) for n in names if n.endswith(".c")]
    return sorted(out)


def compile_all(cc, flags, out):
    """Compile every source. Returns the texts of the .ci files."""
    def one(source):
        name = os.path.join(out, source.replace("/", "_")[:-2])
        subprocess.run([cc] + FLAGS + flags + ["-fcallgraph-info=su", "-c", source,
                                               "-o", name + ".o"], cwd=ROOT, check=True)
        with open(name + ".ci", encoding="utf-8") as f:
            return f.read()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, sources()))


def key(title):
    """A title such as "src/core/map.c:map_one.isra.0" without the optimiser's suffix."""
    file, _, name = title.rpartition(":")
    name = name.split(".")[0]
    return file + ":" + name if file else name


def frames(texts):
    """Bytes of each function's own frame."""
    out = collections.defaultdict(int)
    for text in texts:
        for title, label in re.findall(r'node: \{ title: "([^"]+)" label: "([^"]*)"', text):
            size = re.search(r"(\d+) bytes \(([\w,]+)\)", label)
            if size:
                if size.group(2) == "dynamic":
                    sys.exit("stack.py: the frame of %s has no limit" % title)
                out[key(title)] = max(out[key(title)], int(size.group(1)))
    return out


def edges(texts):
    """The functions that each function calls."""
    out = collections.defaultdict(set)
    for text in texts:
        for a, b in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', text):
            out[key(a)].add(key(b))
        for title in re.findall(r'node: \{ title: "([^"]+)"', text):
            out[key(title)]  # Functions that call nothing have an entry, too.
    return out


def texts_of_src():
    """{file: text without comments} of src/."""
    out = {}
    for path, _, names in os.walk(os.path.join(ROOT, "src")):
        for name in names:
            if name.endswith((".c", ".h")):
                with open(os.path.join(path, name), encoding="utf-8") as f:
                    text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
                out[os.path.relpath(os.path.join(path, name), ROOT)] = text
    return out


def functions(texts):
    """{(file, name): body} of the functions in @texts."""
    out = {}
    for file, text in texts.items():
        for found in re.finditer(r"^(?:[\w*]+ )+\**(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", text,
                                 re.M | re.S):
            out[file, found.group(1)] = found.group(2)
    return out


def pointers(texts):
    """The names of the functions that initialisers assign to each (member of a format, member)."""
    out = collections.defaultdict(set)
    for file, text in texts.items():
        for member, function in re.findall(r"\.(\w+)\s*=\s*(\w+)\b", text):
            out[file.startswith("src/pt/"), member].add(function)
    return out


def arguments(name, texts):
    """Every word in the arguments of calls of @name: a function among them may be called by it."""
    out = set()
    for text in texts.values():
        for found in re.finditer(r"\b%s\(" % name, text):
            end, open_ = found.end(), 1
            while open_ and end < len(text):
                open_ += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            out |= set(re.findall(r"\w+", text[found.end():end]))
    return out


def called_by_pointer(title, texts, body, assigned):
    """Names that the indirect calls of @title may reach; not every one is a function's."""
    file, _, name = title.rpartition(":")
    out = set()
    for (where, function), text in body.items():
        if function == name and (not file or where == file or where.endswith(".h")):
            for owner, member in re.findall(r"(\w+)(?:->|\.)(\w+)(?:\(| :)", text):
                out |= assigned[owner in ("fmt", "format"), member]
            # (condition ? this : that)(...)
            for choice in re.findall(r"\(([^;{}]*\?[^;{}()]*)\)\(", text):
                out |= set(re.findall(r"\w+", choice))
    return out or arguments(name, texts)


class Depth:
    """The deepest path below each function."""

    def __init__(self, frame, calls):
        self.frame = frame
        self.calls = calls
        self.known = {}
        self.path = []

    def of(self, name):
        if name in self.known:
            return self.known[name]
        if HOST.match(name):
            return 0, ()
        if name in self.path:
            sys.exit("stack.py: recursion: " + " > ".join(self.path + [name]))
        self.path.append(name)
        times = RECURSIVE.get(name.rpartition(":")[2], 1)
        below = self.calls[name] - ({name} if times > 1 else set())
        deepest = max([self.of(callee) for callee in below] or [(0, ())])
        self.path.pop()
        self.known[name] = deepest[0] + times * self.frame[name], (name,) + deepest[1]
        return self.known[name]


def public():
    """The functions that include/dmah declares."""
    out = set()
    for name in os.listdir(os.path.join(ROOT, "include", "dmah")):
        if name.endswith(".h") and name != "host.h":
            with open(os.path.join(ROOT, "include", "dmah", name), encoding="utf-8") as f:
                out |= set(re.findall(r"^[^\s#/*].*?\b(dmah_\w+)\(", f.read(), re.M))
    return out


def call_graph(cc, flags):
    """The functions that each function may call, also through pointers."""
    with tempfile.TemporaryDirectory() as out:
        calls = edges(compile_all(cc, flags + NO_INLINE, out))
    texts = texts_of_src()
    body, assigned = functions(texts), pointers(texts)
    known = collections.defaultdict(set)
    for title in calls:
        known[title.rpartition(":")[2]].add(title)
    for title in list(calls):
        if "__indirect_call" in calls[title]:
            calls[title].discard("__indirect_call")
            if title in ONLY_CALLERS_OWN:
                continue
            reached = set()
            for name in called_by_pointer(title, texts, body, assigned):
                reached |= known[name]
            if not reached and title not in CALLERS_OWN:
                sys.exit("stack.py: nothing is known of the call through a pointer in " + title)
            calls[title] |= reached
    return calls


def measure(cc, flags, calls):
    """{public function: (bytes, the functions on its deepest path)}"""
    with tempfile.TemporaryDirectory() as out:
        frame = frames(compile_all(cc, flags, out))
    depth = Depth(frame, calls)
    return {name: depth.of(name) for name in sorted(public() & (set(calls) | set(frame)))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--flags", default="-O2")
    parser.add_argument("--path", action="store_true", help="print the functions on each path")
    parser.add_argument("compiler", nargs="+")
    args = parser.parse_args()
    flags = args.flags.split()
    calls = call_graph(args.compiler[0], flags)
    for cc in args.compiler:
        print(cc)
        for name, (size, path) in sorted(measure(cc, flags, calls).items(), key=lambda x: -x[1][0]):
            print("  %5d %s%s" % (size, name, "  " + " > ".join(path[1:]) if args.path else ""))


if __name__ == "__main__":
    main()
