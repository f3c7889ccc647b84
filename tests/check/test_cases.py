#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Small traces of public bug reports and of every format, each with its findings.

    test_cases.py DMAH [--print]

The traces are in cases/, and their findings in cases/expected.txt: the file, the exit status, and the
findings as LINE:KIND, with ! for an error, ? for a note and <LINE for the map; below it text that the
output must have. cases/formats has a line or two of each format, and cases/ok traces
on which the first version of the check was right.
--print writes a new expected.txt, without its texts, for review.
"""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

from vm.ktap import Tap  # noqa: E402

DMAH = os.path.abspath(sys.argv[1])
CASES = os.path.join(HERE, "cases")


def run(*args):
    done = subprocess.run([DMAH, "check", *args], cwd=CASES, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def findings(name):
    status, out, _ = run("--json", name)
    short = ["%s%s:%s%s" % ("!" if f["severity"] == "error" else "?", f["line"], f["kind"],
                            "<%d" % f["map_line"] if f["map_line"] else "")
             for f in json.loads(out)]
    return " ".join([str(status), *short])


def traces():
    for folder in ("", "formats", "ok"):
        for name in sorted(os.listdir(os.path.join(CASES, folder))):
            if name != "expected.txt" and os.path.isfile(os.path.join(CASES, folder, name)):
                yield os.path.join(folder, name)


def read_expected():
    expected = {}
    with open(os.path.join(CASES, "expected.txt")) as f:
        for line in f:
            if line.startswith("#") or not line.strip():
                continue
            if line[0].isspace():
                texts.append(line.strip())
            else:
                name, _, short = line.strip().partition(" ")
                texts = []
                expected[name] = (short, texts)
    return expected


def check(name, short, texts):
    got = findings(name)
    if got != short:
        return "expected %s\nfound    %s" % (short, got)
    _, out, err = run(name)
    for text in texts:
        if text not in out + err:
            return "no \"%s\" in\n%s%s" % (text, out, err)
    return None


def main():
    if "--print" in sys.argv:
        for name in traces():
            print(name, findings(name))
        return 0
    expected = read_expected()
    tap = Tap()
    tap.case(set(expected) == set(traces()), "every trace has an expectation")
    for name, (short, texts) in expected.items():
        why = check(name, short, texts)
        tap.case(why is None, name, notes=(why or "").splitlines())
    return tap.done()


sys.exit(main())
