#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Each rule of the converter on a small source.

    test_cases.py CONVERT_DIR [--write] [NAME...]

A case is a file in cases/. Its sections begin with "=== ": "before FILE" holds a source, "after FILE"
the source as it must become ("before" alone: nothing in it changes), "left" the rules of the sites that
stay, in their order, and "options" arguments of the command. Each rule of rules.py needs a case that
leaves a site for it, unless UNTESTED gives the reason. --write puts the present results into the
files, for review.
"""

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
CONVERT = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.dirname(CONVERT))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

from convert import command, scan  # noqa: E402
from convert.rules import RULES  # noqa: E402
from vm.ktap import Tap  # noqa: E402

CASES = os.path.join(HERE, "cases")
# Rules that no small source shows.
UNTESTED = {
    "many_users": "needs 150 files", "shared_struct": "needs 400 files", "time_limit": "test_cli.py",
    "failed": "a bug in the converter", "overlap": "a bug in the converter", "count": "test_cli.py",
    "does_not_compile": "needs a configured kernel", "depends": "is shown by its cause",
    "moves_to": "is shown by its cause", "struct_unknown": "a typed member has a structure"}


def sections(path):
    """[(title, text)] of a case."""
    out = []
    with open(path) as f:
        for line in f:
            if line.startswith("=== "):
                out.append([line[4:].strip(), ""])
            elif out:
                out[-1][1] += line
    return [tuple(s) for s in out]


def run(case):
    """(report, {file: text afterwards}) of a case."""
    d = tempfile.mkdtemp(prefix="dmah-convert-test.")
    try:
        options = []
        names = []
        for title, text in case:
            if title.startswith("before "):
                names.append(title[7:])
                os.makedirs(os.path.dirname(os.path.join(d, names[-1])), exist_ok=True)
                with open(os.path.join(d, names[-1]), "w") as f:
                    f.write(text)
            elif title == "options":
                options = text.split()
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = command.main(["--json", "--jobs", "1", "--cache", os.path.join(d, ".cache"),
                                   "--kernel", d] + options + [d])
        report = json.loads(out.getvalue())
        report["status"] = status
        after = {}
        for n in names:
            with open(os.path.join(d, n)) as f:
                after[n] = f.read()
        return report, after
    finally:
        shutil.rmtree(d)


def left(report):
    return "".join("%s\n" % s["rule"] for s in report["sites"] if s["rule"])


def check(name, case):
    """Lines that say what is wrong with the result of a case."""
    report, after = run(case)
    before = {t[7:]: text for t, text in case if t.startswith("before ")}
    wanted = dict(before, **{t[6:]: text for t, text in case if t.startswith("after ")})
    rules = "".join(text for t, text in case if t == "left")
    wrong = []
    if left(report).split() != rules.split():
        wrong.append("left: %s; expected: %s" % (left(report).split(), rules.split()))
    for n in wanted:
        if after[n].splitlines() != wanted[n].splitlines():
            wrong += ["%s is not as expected:" % n] + ["  " + l for l in after[n].splitlines()]
        gone = len(scan.calls(before[n])) - len(scan.calls(after[n]))
        said = sum(s["rule"] is None for s in report["sites"] if s["file"] == n)
        if gone != said:
            wrong.append("%s: %d sites are gone, the report says %d" % (n, gone, said))
    if report["status"] != (1 if rules.split() else 0):
        wrong.append("status %d" % report["status"])
    return wrong


def write(path, case):
    """Put the present result into the file."""
    report, after = run(case)
    before = {t[7:]: text for t, text in case if t.startswith("before ")}
    with open(path) as f:
        head = f.read().split("=== ")[0]
    with open(path, "w") as f:
        f.write(head)
        for title, text in case:
            if title.startswith("before ") or title == "options":
                f.write("=== %s\n%s" % (title, text))
        for n in sorted(after):
            if after[n] != before[n]:
                f.write("=== after %s\n%s" % (n, after[n]))
        if left(report):
            f.write("=== left\n" + left(report))


def main():
    names = [a for a in sys.argv[2:] if not a.startswith("-")]
    files = names or sorted(n[:-5] for n in os.listdir(CASES) if n.endswith(".case"))
    tap, rules = Tap(), set()
    for name in files:
        path = os.path.join(CASES, name + ".case")
        case = sections(path)
        if "--write" in sys.argv:
            write(path, case)
            continue
        wrong = check(name, case)
        tap.case(not wrong, name, notes=wrong)
        rules.update("".join(text for t, text in case if t == "left").split())
    if "--write" in sys.argv:
        return 0
    if not names:
        with open(os.path.join(CONVERT, "meson.build")) as f:
            installed = f.read()
        absent = [n for n in sorted(os.listdir(CONVERT)) if n.endswith(".py") and "'%s'" % n not in installed]
        tap.case(not absent, "each file of the command is installed", notes=absent)
        missing = sorted(set(RULES) - rules - set(UNTESTED))
        tap.case(not missing, "each rule has a case", notes=missing)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
