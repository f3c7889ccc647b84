#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""checkpatch --strict of Linux 7.3 over ports/linux: nothing but what checkpatch.txt explains. TAP."""

import glob
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "lab"))

import vm  # noqa: E402
from vm import source  # noqa: E402

PORT = os.path.join(ROOT, "ports", "linux")
BAD = "/* A comment that is longer than a hundred columns, which the kernel's style does not have in a file of its own. */\n"


def findings(script, files):
    """{(file, type): [lines]}"""
    done = subprocess.run(["perl", script, "--strict", "--no-tree", "--terse", "--show-types", "-f"] + files,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    found = {}
    for line in done.stdout.splitlines():
        m = re.match(r"(\S+?):\d+: (?:ERROR|WARNING|CHECK):(\w+): ", line)
        if m:
            found.setdefault((os.path.basename(m.group(1)), m.group(2)), []).append(line)
    if done.returncode not in (0, 1) or "total:" not in done.stdout:
        raise vm.Error("checkpatch.pl failed: " + (done.stderr or done.stdout)[-500:])
    return found


def excused():
    with open(os.path.join(HERE, "checkpatch.txt")) as f:
        lines = [l.split(None, 2) for l in f if l.strip() and not l.startswith("#")]
    return {(name, kind): reason for name, kind, reason in lines}


def main():
    tap = vm.Tap()
    try:
        script = source.Source("7.3").path("scripts", "checkpatch.pl")
        files = sorted(glob.glob(os.path.join(PORT, "*.[ch]")) + glob.glob(os.path.join(PORT, "include", "linux", "*.h")))
        found = findings(script, files)
        with tempfile.TemporaryDirectory() as work:
            path = os.path.join(work, "bad.h")
            with open(path, "w") as f:
                f.write("/* SPDX-License-Identifier: GPL-2.0-only */\n" + BAD)
            tap.case(("bad.h", "LONG_LINE_COMMENT") in findings(script, [path]), "checkpatch finds a long comment")
    except vm.Error as err:
        print("Bail out! %s" % str(err).replace("\n", "\n# "))
        return 1
    stays = excused()
    new = [line for key, lines in found.items() if key not in stays for line in lines]
    tap.case(not new, "%d files: checkpatch --strict finds nothing that is not explained" % len(files), notes=new)
    gone = ["%s %s" % key for key in stays if key not in found]
    tap.case(not gone, "all that is explained is still there", notes=gone)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
