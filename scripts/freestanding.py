#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The library is freestanding: show it, for every architecture, as TAP.

Every file below src/ and drivers/ is compiled with no headers but the compiler's own freestanding ones and with
conversion warnings as errors; the objects are linked into one, and what is then still undefined must
be the host contract (dmah_host_*) and nothing else but what a freestanding compiler may call by
itself. Every symbol that an object of src/ shows to the linker begins with dmah_, and no room of src/
uses a symbol of another room that the table of ARCHITECTURE.md does not let it include. The one file
that scripts/amalgamate.py makes of src/ shows the linker the public API alone. And nothing in src/, include/ or drivers/ includes a header of a port, a test or the lab;
drivers know of the library what dmah/dmah.h has.

For x86-64 the check build (-DDMAH_CHECK) is compiled as well: it adds code, not needs.
"""

import collections
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import amalgamate
import layers
import tree

ROOT = os.environ.get("DMAH_ROOT") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# name, compiler prefix, further flags
ARCHES = [
    ("x86-64", "x86_64-linux-gnu-", []),
    ("x86-64 check build", "x86_64-linux-gnu-", ["-DDMAH_CHECK"]),
    ("aarch64", "aarch64-linux-gnu-", []),
    ("armhf", "arm-linux-gnueabihf-", []),
    ("riscv64", "riscv64-linux-gnu-", []),
]

FLAGS = ["-ffreestanding", "-nostdinc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror",
         "-Wconversion", "-Wundef", "-Wmissing-prototypes", "-fno-stack-protector", "-fno-pie",
         "-fno-common", "-U_FORTIFY_SOURCE"]

# GCC may emit calls of the four memory functions even when freestanding (its manual, "Standards"),
# and of libgcc's integer arithmetic where the machine lacks an instruction: 64-bit division and
# shifts on 32-bit arm, counting of bits there and on riscv64 without Zbb.
ALLOWED = re.compile(r"^(dmah_host_\w+|memcpy|memmove|memset|memcmp"
                     r"|__aeabi_\w+|__u?(div|mod|divmod)[ds]i[34]|__(clz|ctz|ffs|popcount)[ds]i2)$")

# The headers that C11 demands of a freestanding implementation (section 4, paragraph 6), and stdatomic.h, which
# is the compiler's own as well.
STD = {"float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h",
       "stdint.h", "stdnoreturn.h", "stdatomic.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


class Tap:
    def __init__(self):
        self.lines = []
        self.count = 0
        self.bad = 0

    def report(self, name, problems):
        self.count += 1
        self.lines.append("%s %d - %s" % ("not ok" if problems else "ok", self.count, name))
        for line in problems:
            self.lines.append("# " + line)
        self.bad += bool(problems)

    def leave(self):
        print("1..%d" % self.count)
        print("\n".join(self.lines))
        sys.exit(1 if self.bad else 0)


def files(top, suffixes):
    out = []
    for path, _, names in os.walk(os.path.join(ROOT, top)):
        out += [os.path.relpath(os.path.join(path, n), ROOT) for n in names
                if n.endswith(suffixes)]
    return sorted(out)


def includes():
    """Return the includes in src/, include/ and drivers/ that are not allowed."""
    bad = []
    names = files("src", (".c", ".h", ".inc")) + files("include", (".h",))
    for name in names + files("drivers", (".c", ".h")):
        with open(os.path.join(ROOT, name), encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                kind, what = found.groups()
                where = "%s:%d: " % (name, number)
                if what in STD and kind == "<":
                    continue
                places = ["include", "src"] if name.startswith("src/") else ["include"]
                if kind == '"':
                    places.insert(0, os.path.dirname(name))
                if name.startswith("drivers/") and kind == "<" and what != "dmah/dmah.h":
                    bad.append(where + "includes %s: a driver wants <dmah/dmah.h> alone" % what)
                for place in places:
                    path = os.path.normpath(os.path.join(place, what))
                    if os.path.exists(os.path.join(ROOT, path)):
                        own = "drivers" if name.startswith("drivers/") else "src"
                        if path.split(os.sep)[0] not in (own, "include"):
                            bad.append(where + "includes %s, which is outside the library" % path)
                        break
                else:
                    bad.append(where + "includes %s, which is neither the library's nor a "
                               "freestanding header" % what)
    return bad


def call(argv):
    proc = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return proc.returncode, proc.stdout.decode(errors="replace").splitlines()


def symbols(prefix, obj):
    """Return the external symbols that an object defines, with the letter of nm, and those it uses."""
    status, text = call([prefix + "nm", "-g", obj])
    if status != 0:
        raise RuntimeError("\n".join(text))
    defined, used = {}, set()
    for line in text:
        *_, kind, name = line.split()
        if kind in "Uvw":
            used.add(name)
        else:
            defined[name] = kind
    return defined, used


def misnamed(prefix, objects):
    """Return a line for each symbol of the objects, (source, object), that does not begin with dmah_."""
    return ["%s defines %s" % (source, name) for source, obj in objects
            for name in sorted(symbols(prefix, obj)[0]) if not name.startswith("dmah_")]


def check_symbols(tap, name, prefix, objects):
    tap.report("%s: every external symbol of src begins with dmah_" % name, misnamed(prefix, objects))
    if not objects or not name.startswith("x86-64"):
        return    # one architecture's symbols are those of all
    rooms, problems = layers.read_table(tree.read(ROOT, "ARCHITECTURE.md"))
    excused = tree.read_list(ROOT, layers.ALLOWED)
    # An object that is no function, such as a page-table format or a table of functions, may belong to a
    # lower or higher room: its declaration decides.
    words = {h: set(re.findall(r"\w+", tree.read(ROOT, h)))
             for h in files("include", (".h",)) + files("src", (".h",))}

    def declared(symbol, room):
        return any(symbol in w and layers.allowed(room, h, rooms) for h, w in words.items())

    home, users, data = {}, collections.defaultdict(list), set()
    for source, obj in objects:
        defined, used = symbols(prefix, obj)
        for symbol, kind in defined.items():
            home[symbol] = source
            if kind in "BDR":
                data.add(symbol)
        for symbol in used:
            users[symbol].append(source)
    for symbol in sorted(users):
        for source in users[symbol]:
            target = home.get(symbol)
            room = layers.room_of(source, rooms)
            if symbol in data and declared(symbol, room):
                continue
            if target and source not in excused and not layers.allowed(room, target, rooms):
                problems.append("%s uses %s of %s" % (source, symbol, target))
    tap.report("%s: symbols are used along the arrows of ARCHITECTURE.md" % name, problems)


def check_one_file(tap, name, gcc, prefix, flags, objects, work):
    """The library as one file: it compiles, and shows the linker the public API and no more."""
    one = amalgamate.Amalgamation(ROOT)
    source, obj = os.path.join(work, "dmah.c"), os.path.join(work, "dmah.o")
    amalgamate.write(source, one.text())
    status, text = call([gcc] + FLAGS + flags + ["-O1", "-Iinclude", "-c", source, "-o", obj])
    problems = text if status != 0 else []
    if not problems:
        shown = set(symbols(prefix, obj)[0])
        # In a build with options the names of some functions carry them: dmah/config.h.
        public = {s for _, o in objects for s in symbols(prefix, o)[0]
                  if re.sub(r"_with_(check|locks).*", "", s) in one.public}
        problems = ["shows %s, which is not public" % s for s in sorted(shown - public)]
        problems += ["%s is missing" % s for s in sorted(public - shown)]
        problems += ["needs " + s for s in sorted(symbols(prefix, obj)[1]) if not ALLOWED.match(s)]
    tap.report("%s: one file of all sources shows the public API alone" % name, problems)


def check(tap, name, prefix, flags, sources, work):
    gcc = prefix + "gcc"
    if not shutil.which(gcc):
        for what in ("compiles", "symbols", "one file", "links with the host contract alone"):
            tap.report("%s %s" % (name, what), ["%s is not installed" % gcc])
        return
    _, own = call([gcc, "-print-file-name=include"])
    out = os.path.join(work, name.replace(" ", "-"))
    os.makedirs(out)
    if "aarch64" in prefix:
        # the outline atomics are libgcc's, which a freestanding program may not have
        flags = flags + ["-mno-outline-atomics"]

    def one(source):
        obj = os.path.join(out, source.replace("/", "-") + ".o")
        argv = [gcc] + FLAGS + flags + ["-isystem", own[0], "-Iinclude", "-Isrc", "-c", source,
                                        "-o", obj]
        return source, obj, call(argv)

    objects = []
    problems = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for source, obj, (status, text) in pool.map(one, sources):
            if status == 0:
                objects.append((source, obj))
            else:
                problems += ["%s:" % source] + text
    tap.report("%s: %d files compile freestanding" % (name, len(sources)), problems)

    src = [(s, o) for s, o in objects if s.startswith("src/")]
    check_symbols(tap, name, prefix, src)
    # The symbols of one 64-bit and one 32-bit architecture, and of the check build, are those of all.
    if not problems and (name.startswith("x86-64") or name == "armhf"):
        check_one_file(tap, name, gcc, prefix, flags + ["-isystem", own[0]], src, work)
    objects = [o for _, o in objects]
    name += ": links with the host contract alone"
    if problems:
        tap.report(name, ["not all files compiled"])
        return
    whole = os.path.join(out, "whole.o")
    status, text = call([gcc, "-nostdlib", "-r", "-o", whole] + objects)
    if status != 0:
        tap.report(name, text)
        return
    status, text = call([prefix + "nm", "-u", whole])
    undefined = [line.split()[-1] for line in text if line.strip()]
    problems = ["undefined: " + s for s in undefined if not ALLOWED.match(s)]
    # No host call at all would mean that the wrong thing was linked.
    if status == 0 and not any(s.startswith("dmah_host_") for s in undefined):
        problems.append("not a single dmah_host_ function is called")
    tap.report(name, problems if status == 0 else text)


def main():
    tap = Tap()
    sources = files("src", (".c",))
    tap.report("src has source files", [] if sources else ["none found below src/"])
    listed = ["src/" + l for l in tree.read_list(ROOT, "src/sources.txt")]
    tap.report("src/sources.txt lists every C file of src",
               ["%s is not listed" % f for f in sources if f not in listed] +
               ["%s is not there" % f for f in listed if f not in sources] +
               ["%s comes twice" % f for f in sorted(set(listed)) if listed.count(f) > 1])
    tap.report("src, include and drivers know of no port, lab or test", includes())
    sources += files("drivers", (".c",))
    with tempfile.TemporaryDirectory(prefix="dmah-freestanding-") as work:
        for name, prefix, flags in ARCHES:
            if sources:
                check(tap, name, prefix, flags, sources, work)
    tap.leave()


if __name__ == "__main__":
    main()
