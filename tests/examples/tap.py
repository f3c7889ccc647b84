# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Prints test results as TAP."""


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, condition, name, details=""):
        """Print one result, and @details below it if @condition is false. Returns @condition."""
        self.count += 1
        print("%sok %d - %s" % ("" if condition else "not ", self.count, name))
        if not condition:
            self.failed += 1
            for line in str(details).splitlines():
                print("# " + line)
        return condition

    def done(self):
        """Print the plan. Returns the exit status."""
        print("1..%d" % self.count)
        return 1 if self.failed else 0
