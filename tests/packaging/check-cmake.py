#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Build with the CMake lines of examples/cmake and of docs/porting.md, and run the program. TAP.

The guide's lines are the blocks that open with ```cmake. They are for a project that has a target
kernel and the source tree in the folder dmah: this test makes one, with the files of examples/port.
"""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.environ["DMAH_ROOT"]
BEFORE = ("cmake_minimum_required(VERSION 3.18)\nproject(kernel C)\n"
          "add_executable(kernel dmah/examples/port/main.c dmah/examples/port/port.c)\n")


def build(source, work):
    """Return the problems of configuring, building and running a project."""
    for argv in (["cmake", "-S", source, "-B", work, "-DDMAH=" + ROOT],
                 ["cmake", "--build", work], [os.path.join(work, "kernel")]):
        try:
            proc = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
        except OSError as err:
            return ["%s: %s" % (argv[0], err.strerror)]
        if proc.returncode:
            return [" ".join(argv) + ":"] + proc.stdout.decode().split("\n")[-30:]
    return []


def main():
    cases = []
    with open(os.path.join(ROOT, "docs", "porting.md"), encoding="utf-8") as f:
        blocks = re.findall(r"^```cmake\n(.*?)^```", f.read(), re.MULTILINE | re.DOTALL)
    with tempfile.TemporaryDirectory(prefix="dmah-cmake-") as work:
        cases.append(("examples/cmake builds and runs",
                      build(os.path.join(ROOT, "examples", "cmake"), os.path.join(work, "example"))))
        cases.append(("docs/porting.md has CMake lines", [] if blocks else ["no block opens with ```cmake"]))
        if blocks:
            source = os.path.join(work, "guide")
            os.makedirs(source)
            with open(os.path.join(source, "CMakeLists.txt"), "w", encoding="utf-8") as f:
                f.write(BEFORE + "".join(blocks))
            os.symlink(ROOT, os.path.join(source, "dmah"))
            cases.append(("the lines of docs/porting.md build and run", build(source, os.path.join(work, "out"))))
    print("1..%d" % len(cases))
    for number, (name, problems) in enumerate(cases, 1):
        print("%s %d - %s" % ("not ok" if problems else "ok", number, name))
        for line in problems:
            print("# " + line)
    sys.exit(1 if any(p for _, p in cases) else 0)


if __name__ == "__main__":
    main()
