#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Tells which functions take the instructions of an operation, inlined ones too: callgrind's lines by the function around each.

    bench/profile.py BENCH [--markdown FILE]

BENCH is build/bench/bench/dmah-bench. The rows are those of docs/performance.md whose instructions have a target."""

import os
import re
import subprocess
import sys
import tempfile

# Each row: a name, a case and a number of live mappings that select few rows, and the text of the row as --rows prints it.
WANTED = [
    ("a map and an unmap, lazy", "handle", 1024, "handle vtd lazy, 1024 live, random, 1 thread, 4096 bytes, 0 ns"),
    ("a map and an unmap, strict, latency 0", "handle", 1024,
     "handle vtd strict, 1024 live, random, 1 thread, 4096 bytes, 0 ns"),
    ("a map and an unmap, direct", "handle", 1024, "handle direct none, 1024 live, random, 1 thread, 4096 bytes, 0 ns"),
    ("a map and an unmap that bounce, with the copies", "handle", 1024,
     "handle bounce none, 1024 live, random, 1 thread, 4096 bytes, 0 ns"),
    ("a map and an unmap of 64 KiB", "handle", 1024, "handle vtd lazy, 1024 live, random, 1 thread, 65536 bytes, 0 ns"),
    ("a map and an unmap of 2 MiB", "handle", 256, "handle vtd lazy, 256 live, random, 1 thread, 2097152 bytes, 0 ns"),
    ("a replace, lazy", "replace", 1024, "replace vtd lazy, 1024 live, random, 1 thread, 4096 bytes, 0 ns"),
    ("a mapping in a ring, 32 popped at once", "ring-32", 1024,
     "ring-32 vtd lazy, 1024 live, fifo, 1 thread, 4096 bytes, 0 ns"),
    ("a vector of 8", "vec-8", 64, "vec-8 vtd lazy, 64 live, random, 1 thread, 32768 bytes, 0 ns"),
    ("a vector of 128", "vec-128", 64, "vec-128 vtd lazy, 64 live, random, 1 thread, 524288 bytes, 0 ns"),
    ("a sync of a bounced mapping, with the copy", "sync-bounced-copy", 1024,
     "sync-bounced-copy bounce none, 1024 live, random, 1 thread, 4096 bytes, 0 ns"),
]
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MOST = 3  # functions of a file that are named


def functions(path):
    """The function of each line of a C file."""
    names = {}
    try:
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
    except OSError:
        return names
    name, start = None, 0
    for number, line in enumerate(lines, 1):
        heads = [m for m in re.findall(r"\b(\w+)\(", line) if not m.startswith("__")]
        if heads and re.match(r"[A-Za-z_]", line) and not line.rstrip().endswith(";"):
            name, start = heads[0], number
            run = re.match(r"WORK_RUN\((\w+)", line)
            if run:
                names[number] = run.group(1)
        if line == "}" and name:
            for at in range(start, number + 1):
                names[at] = name
            name = None
    return names


class Lines:
    """Names of functions by file and line."""

    def __init__(self):
        self.files = {}

    def name(self, path, line, fn):
        if path not in self.files:
            self.files[path] = functions(path)
        return self.files[path].get(line, fn)


def place(path):
    """A source file's name for readers: "iova/cache" for src/iova/cache.h."""
    path = os.path.relpath(path, ROOT) if os.path.isabs(path) else path
    return re.sub(r"^src/|\.[ch]$", "", path) if not path.startswith("..") else os.path.basename(path)


def parse(path, lines):
    """Returns the row's number, its operations and instructions by file and function."""
    row = ops = None
    files, fns = {}, {}
    file = fn = "?"
    line, skip = 0, False
    cost = {}

    def named(table, text):
        match = re.match(r"\((\d+)\)(?: (.*))?$", text)
        if not match:
            return text
        if match.group(2) is not None:
            table[match.group(1)] = match.group(2)
        return table[match.group(1)]

    with open(path, encoding="utf-8") as f:
        for text in f:
            text = text.rstrip("\n")
            match = re.search(r"Trigger:.*row (\d+) ops (\d+)", text)
            if match:
                row, ops = int(match.group(1)), int(match.group(2))
            elif text.startswith(("fl=", "fi=", "fe=")):
                file = named(files, text[3:])
            elif text.startswith("fn="):
                fn = named(fns, text[3:])
            elif text.startswith(("cfl=", "cfi=")):
                named(files, text[4:])
            elif text.startswith("cfn="):
                named(fns, text[4:])
            elif text.startswith("calls="):
                skip = True
            else:
                match = re.match(r"([+\-*]?\d*) (\d+)", text)
                if not match:
                    continue
                at = match.group(1)
                if at == "*":
                    pass
                elif at[0] in "+-":
                    line += int(at)
                else:
                    line = int(at)
                if skip:
                    skip = False
                    continue
                name = place(file), lines.name(file, line, fn)
                cost[name] = cost.get(name, 0) + int(match.group(2))
    return row, ops, cost


def measure(bench, case, live, lines):
    """Instructions of an operation by file and function, by the row's text."""
    select = ["--case", case, "--live", str(live)]
    rows = subprocess.run([bench, "--rows"] + select, check=True, capture_output=True, text=True).stdout.split("\n")
    found = {}
    with tempfile.TemporaryDirectory(prefix="dmah-profile-") as folder:
        subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=%s/out" % folder,
                        "--log-file=%s/log" % folder, bench, "--counted"] + select, check=True,
                       stdout=subprocess.DEVNULL)
        for name in os.listdir(folder):
            row, ops, cost = parse(os.path.join(folder, name), lines) if name.startswith("out") else (None, 0, {})
            if row is not None and ops:
                found[rows[row]] = {k: v / ops for k, v in cost.items()}
    return found


def parts(cost):
    """The parts in words: files, the largest first, each with its largest functions."""
    files = {}
    for (path, name), value in cost.items():
        files.setdefault(path, []).append((value, name))
    words, rest = [], 0
    for path, inside in sorted(files.items(), key=lambda f: -sum(v for v, _ in f[1])):
        total = sum(v for v, _ in inside)
        if total < 0.5:
            rest += total
            continue
        named = ["`%s` %.0f" % (n, v) for v, n in sorted(inside, reverse=True)[:MOST] if v >= 0.5]
        words.append("%s %.0f (%s)" % (path, total, ", ".join(named)) if named else "%s %.0f" % (path, total))
    return ", ".join(words + (["others %.0f" % rest] if rest >= 0.5 else []))


def main():
    if len(sys.argv) not in (2, 4) or (len(sys.argv) == 4 and sys.argv[2] != "--markdown"):
        sys.exit("usage: profile.py BENCH [--markdown FILE]")
    bench = os.path.abspath(sys.argv[1])
    lines = Lines()
    done = {}
    text = ["<!-- run: profile -->", "| an operation | instructions | of which |", "| --- | ---: | --- |"]
    for what, case, live, row in WANTED:
        if (case, live) not in done:
            done[case, live] = measure(bench, case, live, lines)
        if row not in done[case, live]:
            sys.exit("profile.py: no counted row \"%s\"" % row)
        cost = done[case, live][row]
        total = sum(cost.values())
        text.append("| %s | %.0f | %s |" % (what, total, parts(cost)))
    text.append("<!-- end -->\n")
    if len(sys.argv) == 4:
        with open(sys.argv[3], "w", encoding="utf-8") as f:
            f.write("\n".join(text))
    else:
        print("\n".join(text[1:-1]))


main()
