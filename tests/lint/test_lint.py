#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The checks of the lint suite find what they are for: small trees, each wrong in one way. TAP."""

import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.environ.get("DMAH_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

import freestanding
import language
import layers

TABLE = """
| room | may include |
|---|---|
| `include/dmah` | nothing |
| `src/base` | `include/dmah` |
| `src/core` | `include/dmah`, `src/base` |
| `src/hw/a` | `include/dmah` |
| `src/hw/b` | `include/dmah` |
| `tests` | `include/dmah`, `src/*` |
"""

GOOD = {
    "ARCHITECTURE.md": TABLE,
    "include/dmah/dmah.h": "#include <stdint.h>\n",
    "src/base/count.h": "#include <dmah/dmah.h>\n",
    "src/base/base.c": '#include "count.h"\n#include "base/count.h"\n',
    "src/core/map.h": '#include "base/count.h"\n',
    "src/core/map.c": '/*\n#include "hw/a/a.h"\n*/\n#include "core/map.h"\n',
    "src/hw/a/a.h": "#include <dmah/dmah.h>\n",
    "src/hw/b/b.h": "#include <dmah/dmah.h>\n",
    "tests/test.c": '#include "core/map.h"\n#include <a.h>\n#include "generated.h"\n',
}

# name, files that differ from GOOD, a part of the finding
LAYERS = [
    ("an upward arrow", {"src/base/count.h": '#include "core/map.h"\n'},
     "src/base/count.h:1: includes src/core/map.h"),
    ("an upward arrow by a path with dots", {"src/base/base.c": '\n# include "../core/map.h"\n'},
     "src/base/base.c:2: includes src/core/map.h"),
    ("a neighbour's header", {"src/hw/a/a.h": '#include "hw/b/b.h"\n'},
     "src/hw/a/a.h:1: includes src/hw/b/b.h"),
    ("a public header that includes the library", {"include/dmah/dmah.h": '#include "core/map.h"\n'},
     "include/dmah/dmah.h:1: includes src/core/map.h"),
    ("the library includes a test", {"tests/t.h": "", "src/core/map.c": '#include "../../tests/t.h"\n'},
     "src/core/map.c:1: includes tests/t.h"),
    ("a header that is not there", {"src/core/map.c": '#include "core/gone.h"\n'},
     "no file of the library answers to core/gone.h"),
    ("an include by a macro", {"src/core/map.c": "#include HEADER\n"}, "includes by a macro"),
    ("a folder without a row", {"src/new/new.c": ""}, "src/new/new.c: its folder is in no row"),
    ("a row without a folder", {"ARCHITECTURE.md": TABLE + "| `src/gone` | nothing |\n"},
     "there is no src/gone"),
    ("a row of one file speaks for that file alone",
     {"ARCHITECTURE.md": TABLE + "| `src/core/fast.c` | `src/core`, `src/hw/a` |\n",
      "src/core/fast.c": '#include "core/map.h"\n#include "hw/a/a.h"\n',
      "src/core/slow.c": '#include "hw/a/a.h"\n'},
     "src/core/slow.c:1: includes src/hw/a/a.h: src/core may not include src/hw/a"),
    ("a name without a row", {"ARCHITECTURE.md": TABLE.replace("`src/*`", "`src/gone`")},
     "src/gone (row of tests) has no row"),
    ("no table", {"ARCHITECTURE.md": "# nothing\n"}, "no table"),
    ("a circle in the table",
     {"ARCHITECTURE.md": TABLE.replace("| `src/base` | `include/dmah` |",
                                       "| `src/base` | `include/dmah`, `src/core` |")},
     "the table has a circle: src/base, src/core"),
    ("a circle between folders of one room",
     {"tests/x/x.h": "#include \"y/y.h\"\n", "tests/y/y.h": "", "tests/y/y.c": "#include \"x/x.h\"\n"},
     "a circle of includes: tests/x/x, tests/y/y"),
]

# name, path, text, is there a finding?
LANGUAGE = [
    ("a comment that opens with what", "a.c", "/* what the device wrote */", True),
    ("the same with a capital", "a.c", "/* What the device wrote. */", True),
    ("in a block", "a.c", "/*\n * Whether it is one.\n */", True),
    ("behind a line", "a.c", "int a; /* whose it is */", True),
    ("a line comment", "a.c", "// where it lies", True),
    ("a line comment that goes on", "a.c", "// Take the lock,\n// what it protects is small.", False),
    ("a word within a comment", "a.c", "/* Return what the device wrote. */", False),
    ("a longer word", "a.c", "/* Whatsoever */", False),
    ("a string", "a.c", 'const char *a = "/* what a string */";', False),
    ("kernel-doc: the summary", "a.h", "/**\n * dmah_f() - whether it is one.\n */", True),
    ("kernel-doc: a member", "a.h", "/**\n * struct a - a thing.\n * @b: where it lies.\n */", True),
    ("kernel-doc: Return", "a.h", "/**\n * f() - do it.\n *\n * Return: what it found.\n */", True),
    ("kernel-doc that is right", "a.h",
     "/**\n * f() - tell if it is one.\n * @b: address of the first byte.\n */", False),
    ("a second paragraph may open so", "a.h", "/*\n * Do it.\n *\n * Where there is none, fail.\n */",
     False),
    ("a shell comment", "a.sh", "# What it does", True),
    ("a shell comment that goes on", "a.sh", "# Do it,\n# what else", False),
    ("a docstring", "a.py", 'def f():\n    """What it is."""\n', True),
    ("a docstring that is right", "a.py", 'def f():\n    """Return what it is."""\n', False),
    ("a Python comment behind code", "a.py", "x = 1  # whether it is so", True),
    ("a help text", "Makefile", "run: ## what it does", True),
    ("a forbidden word in a document", "a.md", "The queue is told of it.", True),
    ("a forbidden word in an identifier", "a.c", "int DMAH_EHUNG;", True),
    ("a forbidden word in capitals", "a.c", "/* A THIEF. */", True),
    ("a longer word that holds one", "a.md", "A stored manifold.", False),
    ("other people's text", "LICENSES/a.txt", "as told", False),
]


class Tap:
    def __init__(self):
        self.count = 0
        self.bad = 0

    def case(self, name, good, text=""):
        self.count += 1
        print("%s %d - %s" % ("ok" if good else "not ok", self.count, name))
        if not good:
            self.bad += 1
            for line in str(text).split("\n"):
                print("# " + line)


def write(root, files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as f:
            f.write(text)


def test_layers(tap, work):
    root = os.path.join(work, "good")
    write(root, GOOD)
    findings, arrows = layers.check(root)
    tap.case("layers: a tree that follows its table", not findings, findings)
    tap.case("layers: the arrows are counted", arrows["src/core", "src/base"] == 1, arrows)
    for number, (name, files, part) in enumerate(LAYERS):
        root = os.path.join(work, str(number))
        write(root, dict(GOOD, **files))
        findings, _ = layers.check(root)
        tap.case("layers: " + name, any(part in f for f in findings), findings)


def test_language(tap):
    for name, path, text, expected in LANGUAGE:
        found = list(language.check_text(path, text))
        tap.case("language: " + name, bool(found) == expected, found)


def test_symbols(tap, work):
    """A symbol without the prefix is seen; a static one, a type and a declaration are not."""
    for name, text, expected in [
            ("a function", "int iommu_init(void);\nint iommu_init(void) { return 0; }\n", True),
            ("a variable", "extern int pool;\nint pool = 1;\n", True),
            ("a common or zeroed variable", "int pool;\n", True),
            ("a constant table", "extern const int t[2];\nconst int t[2] = { 1, 2 };\n", True),
            ("a weak function", "__attribute__((weak)) int f(void) { return 0; }\n", True),
            ("right names", "static int f(void) { return 1; }\nint other(void);\n"
             "int dmah_f(void);\nint dmah_f(void) { return f() + other(); }\n", False)]:
        source = os.path.join(work, "symbol.c")
        write(work, {"symbol.c": text})
        subprocess.run(["gcc", "-c", "-w", source, "-o", source + ".o"], check=True)
        found = freestanding.misnamed("", [("symbol.c", source + ".o")])
        tap.case("symbols: " + name, bool(found) == expected, found)


def test_script(tap, work):
    """The scripts fail where there is a finding, and not where there is none."""
    for name, text, status in [("a finding", "/* What. */\n", 1), ("none", "/* Nothing. */\n", 0)]:
        root = os.path.join(work, "script")
        write(root, {"a.c": text})
        out = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "language.py"), root],
                             stdout=subprocess.PIPE, check=False)
        tap.case("language.py: exit status with " + name, out.returncode == status, out.stdout)
    root = os.path.join(work, "script2")
    for name, files, status in [("none", GOOD, 0), ("a finding", {"src/base/x.c": '#include "core/map.h"\n'}, 1)]:
        write(root, files)
        out = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "layers.py"), root],
                             stdout=subprocess.PIPE, check=False)
        tap.case("layers.py: exit status with " + name, out.returncode == status, out.stdout)


def main():
    tap = Tap()
    work = tempfile.mkdtemp(prefix="dmah-lint-")
    try:
        test_layers(tap, os.path.join(work, "layers"))
        test_language(tap)
        test_symbols(tap, work)
        test_script(tap, work)
    finally:
        shutil.rmtree(work)
    print("1..%d" % tap.count)
    sys.exit(1 if tap.bad else 0)


if __name__ == "__main__":
    main()
