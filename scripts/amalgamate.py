#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Write all of src/ into one C file, in which only the public API is external.

    scripts/amalgamate.py --output FILE         the one file; needs include/ on the include path
    scripts/amalgamate.py --dist DIR            DIR/dmah.c and DIR/dmah/*.h

The files of src/sources.txt follow each other, each behind the headers of src/ that it is the first
to include. Functions and tables that no public header declares become static. A static name that
two files use gets the name of its file appended; the macros of a file end with it.
"""

import argparse
import collections
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True

import tree

INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]\n', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# A token that cannot be an identifier of its own: text, comment, member.
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(?:\.|->)\s*\w+|\w+', re.DOTALL)
ATTRIBUTE = r"(?:__attribute__\(\(.*?\)\)\s*)?"
# Declarations stand at the beginning of a line; what is within a function is indented.
FUNCTION = re.compile(r"^(%s)((?:[A-Za-z_]\w*[\s*]+)+)(\w+)\(" % ATTRIBUTE, re.MULTILINE)
DATA = re.compile(r"^((?:[A-Za-z_]\w*[\s*]+)+)(\w+)((?:\[[^\]]*\])*)\s*(?:=|;)", re.MULTILINE)
TAG = re.compile(r"^(?:struct|union|enum)\s+(\w+)\s*\{", re.MULTILINE)
ENUM = re.compile(r"^enum(?:\s+\w+)?\s*\{(.*?)\}", re.MULTILINE | re.DOTALL)
DEFINE = re.compile(r"^#\s*define\s+(\w+)", re.MULTILINE)
GUARD = re.compile(r"#ifndef (\w+)\n#define \1\n")


def blank(text):
    """The text without the words of its comments and strings; every character keeps its place."""
    def empty(found):
        return re.sub(r"[^\n]", " ", found.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', empty, text, flags=re.DOTALL)


class Unit:
    """One file of the library, or a header without a guard in the file that includes it."""

    def __init__(self, path, text):
        self.path = path
        self.text = text

    def statics(self):
        """Names of file scope that the linker does not see."""
        code = blank(self.text)
        names = set()
        for found in FUNCTION.finditer(code):
            if "static" in (found.group(1) + found.group(2)).split():
                names.add(found.group(3))
        for found in DATA.finditer(code):
            if "static" in found.group(1).split():
                names.add(found.group(2))
        names.update(TAG.findall(code))
        for body in ENUM.findall(code):
            names.update(re.findall(r"(?:^|,)\s*(\w+)", body))
        return names

    def macros(self):
        return set(DEFINE.findall(self.text))

    def rename(self, names):
        suffix = "_" + re.sub(r"\W", "_", os.path.splitext(self.path)[0])

        def one(found):
            word = found.group()
            return word + suffix if word in names else word
        self.text = TOKEN.sub(one, self.text)

    def localise(self, public):
        """Make static what is neither static nor public."""
        code = blank(self.text)
        marks = []
        for found in FUNCTION.finditer(code):
            words = (found.group(1) + found.group(2)).split()
            if ("static" in words or "typedef" in words or "return" in words or "else" in words
                    or found.group(3) in public):
                continue
            marks.append((found.start(), "extern" in words))
        for found in DATA.finditer(code):
            words = found.group(1).split()
            if set(words) & {"static", "typedef", "return", "goto"} or found.group(2) in public:
                continue
            if words[0] in ("struct", "union", "enum") and len(words) == 1:
                continue    # struct name;
            marks.append((found.start(), "extern" in words))
        for start, extern in sorted(marks, reverse=True):
            rest = self.text[start:]
            if extern:
                rest = rest.replace("extern ", "", 1)
            self.text = self.text[:start] + "static " + rest


class Amalgamation:
    def __init__(self, root):
        self.root = root
        self.seen = set()
        self.system = []
        self.units = []      # Unit, or the text between units
        self.read = set()    # absolute paths
        headers = [f for f in tree.files(root) if re.match(r"include/dmah/[^/]+\.h$", f)]
        self.read.update(os.path.join(root, h) for h in headers + ["src/sources.txt"])
        self.public = set(re.findall(
            r"\bdmah_\w+", COMMENT.sub("", "".join(tree.read(root, h) for h in headers))))

    def source(self, path):
        path = os.path.join("src", path)
        self.read.add(os.path.join(self.root, path))
        return tree.read(self.root, path)

    def add(self, path, header):
        text = self.source(path)
        if header and GUARD.search(text):
            if path in self.seen:
                return
            self.seen.add(path)
            text = GUARD.sub("", text, count=1)
            end = text.rindex("#endif")
            text = text[:end].rstrip() + "\n"
        text = re.sub(r"^/\* SPDX[^\n]*\n", "", text)
        pieces = INCLUDE.split(text)
        body = pieces[0]
        for kind, name, rest in zip(pieces[1::3], pieces[2::3], pieces[3::3]):
            if kind == "<":
                if name not in self.system:
                    self.system.append(name)
                body += rest
                continue
            target = os.path.join(os.path.dirname(path), name)
            if not os.path.exists(os.path.join(self.root, "src", target)):
                target = name
            inner = self.source(target)
            if GUARD.search(inner):
                self.add(target, True)
                body += rest
            else:
                body += self.template(target) + rest
        unit = Unit(path, body)
        unit.header = header
        self.units.append(unit)

    def template(self, path):
        """The text of a header without a guard, which belongs to the file that includes it; templates may include others."""
        def replace(found):
            kind, name = found.groups()
            if kind == "<" or GUARD.search(self.source(name)):
                return self.note(found, path)
            return self.template(name)

        return INCLUDE.sub(replace, re.sub(r"^/\* SPDX[^\n]*\n", "", self.source(path)))

    def note(self, found, within):
        kind, name = found.groups()
        if kind == "<":
            if name not in self.system:
                self.system.append(name)
        else:
            self.add(name, True)
        return ""

    def text(self):
        names = [l for l in tree.read_list(self.root, "src/sources.txt")]
        for name in names:
            if name != "core/extern.c":
                self.add(name, False)
        users = collections.Counter()
        for unit in self.units:
            for name in unit.statics() | unit.macros():
                users[name] += 1
        macros = set()
        for unit in self.units:
            if unit.header:
                macros |= unit.macros()
        out = []
        for unit in self.units:
            own = unit.statics()
            if not unit.header:
                unit.rename({n for n in own if users[n] > 1} | (unit.macros() & macros))
            unit.localise(self.public)
            out.append("/* ---- src/%s ---- */\n\n%s\n" % (unit.path, re.sub(r"\n{3,}", "\n\n", unit.text).strip()))
            if not unit.header:
                out += ["#undef %s\n" % m for m in sorted(unit.macros() - macros)]
        version = re.search(r'#define DMAH_VERSION "([^"]+)"', tree.read(self.root, "include/dmah/version.h"))
        head = ("/* SPDX-License-Identifier: MIT OR GPL-2.0-only */\n"
                "/*\n * dmah %s: all of the library in one file. Generated by scripts/amalgamate.py from src/; only the\n"
                " * functions of the public headers are external. Compile with the folder of dmah/ on the include path.\n"
                " */\n" % version.group(1))
        head += "/* Functions that the headers have inline are symbols of this file as well. */\n#define DMAH_INLINE\n"
        head += "".join("#pragma GCC diagnostic ignored \"%s\"\n" % w
                        for w in ("-Wmissing-prototypes", "-Wunused-function", "-Wunused-const-variable"))
        rest = [n for n in ("dmah/addr.h", "dmah/device.h", "dmah/dmah.h", "dmah/fault.h", "dmah/ring.h",
                            "dmah/smmuv2.h", "dmah/smmuv3.h", "dmah/vtd.h") if n not in self.system]
        head += "".join("#include <%s>\n" % n for n in sorted(self.system + rest))
        return head + "\n" + "\n".join(out)


def write(path, text):
    """Write a file only where it changes, so that nothing is built again without need."""
    try:
        with open(path, encoding="utf-8") as f:
            if f.read() == text:
                return
    except OSError:
        pass
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--output", help="the file to write")
    parser.add_argument("--depfile", help="a file for the build system: the files that were read")
    parser.add_argument("--dist", help="the folder to fill: dmah.c, dmah/*.h and the licences")
    args = parser.parse_args()
    if not args.output and not args.dist:
        parser.error("--output or --dist is needed")
    one = Amalgamation(tree.ROOT)
    text = one.text()
    if args.output:
        write(args.output, text)
        # The time of the output tells the build system that this ran.
        os.utime(args.output)
    if args.depfile:
        read = sorted(one.read | {os.path.abspath(__file__)})
        write(args.depfile, "%s: %s\n" % (args.output, " ".join(read)))
    if args.dist:
        write(os.path.join(args.dist, "dmah.c"), text)
        shutil.rmtree(os.path.join(args.dist, "dmah"), ignore_errors=True)
        for path in tree.files(tree.ROOT):
            if re.match(r"include/dmah/[^/]+\.h$", path):
                write(os.path.join(args.dist, "dmah", os.path.basename(path)), tree.read(tree.ROOT, path))
            elif path.startswith("LICENSES/"):
                write(os.path.join(args.dist, path), tree.read(tree.ROOT, path))


if __name__ == "__main__":
    main()
