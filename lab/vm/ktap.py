# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""KTAP, the kernel's form of TAP (Documentation/dev-tools/ktap): read from messages, written as TAP."""

import re

STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[CT]\d+\])? ?")
RESULT = re.compile(r"^( *)(not ok|ok) (\d+)(?: -)?(?: ([^#]*))?(?:# *(.*))?$")
PLAN = re.compile(r"^( *)1\.\.(\d+)(?: *# *(.*))?$")
VERSION = re.compile(r"^( *)K?TAP version \d+$")


class Case:
    """One result: name, verdict ("ok", "not ok" or "skip"), and the diagnostic lines before it."""

    def __init__(self, name, verdict, remark="", notes=()):
        self.name = name
        self.verdict = verdict
        self.remark = remark
        self.notes = list(notes)

    def __repr__(self):
        return "%s %s" % (self.verdict, self.name)


def stamped(line):
    """A message without its time."""
    return STAMP.sub("", line.rstrip("\r\n"))


def parse(lines):
    """The cases in some lines. What was planned and did not come is a failed case at the end.

    The line that sums up subtests is not counted beside them.
    """
    cases = []
    notes = []
    deeper = 0      # results seen since the last one, below its indentation
    planned = {}    # indentation: (planned, seen)
    for line in map(stamped, lines):
        if VERSION.match(line):
            missing(cases, planned, len(VERSION.match(line).group(1)))
            notes = []
            continue
        plan = PLAN.match(line)
        if plan:
            indent = len(plan.group(1))
            seen = planned.get(indent, (None, 0))[1]
            planned[indent] = (int(plan.group(2)), seen)
            continue
        result = RESULT.match(line)
        if not result:
            if line.lstrip().startswith("# "):
                notes.append(line.strip())
            continue
        indent = len(result.group(1))
        want, seen = planned.get(indent, (None, 0))
        planned[indent] = (want, seen + 1)
        below = [i for i in planned if i > indent]
        for i in below:
            missing(cases, planned, i)
        verdict, number, name, remark = result.group(2, 3, 4, 5)
        if re.match("skip", remark or "", re.I):
            verdict = "skip"
        if not below:
            cases.append(Case((name or "").strip() or number, verdict, remark or "", notes))
        notes = []
    for indent in list(planned):
        missing(cases, planned, indent)
    return cases


def missing(cases, planned, indent):
    """Close the plan of that indentation."""
    for deeper in [i for i in planned if i >= indent]:
        want, seen = planned.pop(deeper)
        if want is not None and seen != want:
            cases.append(Case("(%d of %d planned results came)" % (seen, want), "not ok"))


class Tap:
    """Writes TAP: the plan comes last, with what was written."""

    def __init__(self, write=print):
        self.n = 0
        self.failed = 0
        self.write = write

    def case(self, verdict, name, remark="", notes=()):
        """One result: a verdict of Case, or a condition that had to hold."""
        self.n += 1
        good = verdict in ("ok", "skip") if isinstance(verdict, str) else verdict
        word = "ok" if good else "not ok"
        if word == "not ok":
            self.failed += 1
        tail = " # SKIP " + re.sub("(?i)^skip *", "", remark) if verdict == "skip" else ""
        self.write("%s %d - %s%s" % (word, self.n, name.replace("#", "no. "), tail))
        if word == "not ok":
            for line in notes:
                self.write("# " + line.lstrip("# "))

    def run(self, tests):
        """Call each function of the dictionary tests whose name begins with test_: a case each, red where it raises."""
        for name, function in list(tests.items()):
            if name.startswith("test_"):
                try:
                    function()
                    self.case("ok", name[5:])
                except Exception as err:  # pylint: disable=broad-except
                    self.case("not ok", name[5:], notes=["%s: %s" % (type(err).__name__, err)])
        return self.done()

    def done(self):
        """The plan; returns an exit status."""
        self.write("1..%d" % self.n)
        return 1 if self.failed or not self.n else 0
