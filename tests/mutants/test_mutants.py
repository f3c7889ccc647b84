#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""scripts/mutants.py on a project of two files: each verdict that it can give is given. TAP."""

import fcntl
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

import mutant_bench  # noqa: E402
import mutant_list  # noqa: E402
import mutants  # noqa: E402
import runner  # noqa: E402

# An invariant that is easy to break: a counter never goes below 0.
TOY = {
    "meson.build": """project('toy', 'c')
cmocka = dependency('cmocka')
cmocka = declare_dependency(dependencies: cmocka,
  link_whole: static_library('test-filter', 'filter.c', dependencies: cmocka))
t = executable('t', 't.c', 'counter.c', dependencies: cmocka)
other = executable('other', 'other.c', dependencies: cmocka)
test('t', t, suite: ['toy'], protocol: 'tap', timeout: 5)
test('other', other, suite: ['toy'], protocol: 'tap', timeout: 5)
test('boot', find_program('boot.py'), suite: ['linux-toy'], protocol: 'tap', timeout: 5)
""",
    "meson_options.txt": """option('tests', type: 'feature', value: 'auto')
option('tools', type: 'feature', value: 'auto')
option('check', type: 'boolean', value: false)
""",
    "counter.c": """int down(int n);
int down(int n)
{
	if (n == 0)
		return 0;
	return n - 1;
}
""",
    "t.c": """#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
int down(int n);
static int before;
static void test_zero(void **state)
{
	(void)state;
	assert_int_equal(down(0), 0);
	before = 1;
}
static void test_one(void **state)
{
	(void)state;
	assert_int_equal(down(1), 0);
}
static void test_two(void **state)
{
	(void)state;
	assert_int_equal(down(2) + before, down(1) + 1 + before);
	if (before)
		assert_int_not_equal(down(5), 5);
}
int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(test_zero), cmocka_unit_test(test_one),
		cmocka_unit_test(test_two) };
	return cmocka_run_group_tests(t, NULL, NULL);
}
""",
    # Does not compile once counter.c has the word for it: so a mutant must not build it.
    "other.c": """#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "counter.c"
#ifdef ONLY_ONE
#error this program has no case that the mutant names
#endif
static void test_other(void **state)
{
	(void)state;
	assert_int_equal(down(3), 2);
}
int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(test_other) };
	return cmocka_run_group_tests(t, NULL, NULL);
}
""",
    "boot.py": """#!/usr/bin/env python3
import os, sys
text = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "counter.c")).read()
if "nowhere" in text:
    print("Bail out! the module does not build")
    sys.exit(1)
good = "n == 0" in text
print("1..1")
print("%s 1 - lazy: it counts" % ("ok" if good else "not ok"))
sys.exit(not good)
""",
}


def mutant(name, old, new, expect="toy"):
    return ("mutant: %s\nbreaks: 0\nfile: counter.c\nexpect: %s\n---- old\n%s\n---- new\n%s\n"
            "---- end\n" % (name, expect, old, new))


HANG = ("\tif (n == 0)", "\tfor (volatile int i = 0; !i;)\n\t\t;\n\tif (n == 0)")
DIE = "{\n\textern int raise(int);\n\treturn raise(9);\n\t}"
# Name of the case, the mutant, a part of its line, True for a catch.
VERDICTS = [
    ("a fault is caught", mutant("a", "n == 0", "n == 77"), "caught   a", True),
    ("a fault is caught by the case it names", mutant("b", "n == 0", "n == 77", "toy/test_z*"), "by t: test_zero", True),
    ("only the program that has the case is built",
     mutant("b2", "int down(int n);", "#define ONLY_ONE\nint down(int n);", "toy/test_zero"), "list.txt:19: SURVIVED", False),
    ("a hang is caught", mutant("c", *HANG, "toy/test_one"), "timed out", True),
    ("a crash is caught", mutant("c2", "return 0;", DIE, "toy/test_zero"), "killed by signal", True),
    ("a case that needs an earlier one is caught",
     mutant("c3", "\treturn n - 1;", "\treturn n == 5 ? 5 : n - 1;", "toy/test_two"), "by t: test_two", True),
    ("a fault that nothing notices has survived", mutant("d", "n == 0", "n <= 0"), ": SURVIVED", False),
    ("one that another case notices has survived",
     mutant("e", "n == 0", "n == 77", "toy/test_one"), "SURVIVED the cases", False),
    ("one that does not compile is an error", mutant("f", "n == 0", "n == nowhere"), "does not compile", False),
    ("one that does not apply is an error", mutant("g", "n == 5", "n == 77"), "has the old text 0 times", False),
    ("one that applies twice is an error", mutant("h", "return", "retire"), "2 times", False),
    ("one for an unknown suite is an error",
     mutant("i", "n == 0", "n == 77", "nosuch"), "no suite 'nosuch'", False),
    ("one for an unknown case is an error",
     mutant("i2", "n == 0", "n == 77", "toy/test_none"), "with a case 'test_none'", False),
    ("a boot's case catches", mutant("l", "n == 0", "n == 77", "linux-toy/*it?counts"), "lazy: it counts", True),
    ("a module that does not compile is no catch",
     mutant("m", "n == 0", "n == nowhere", "linux-toy/*it?counts"), "does not run: boot: Bail out!", False),
]
# Lists that stop everything.
REFUSED = [
    ("a list that is not understood is an error", "mutant: j\nbraeks: 1\n", "unknown key"),
    ("a list that ends early is an error", "mutant: k\nbreaks: 1\n", "has no '---- end'"),
    ("two mutants of one name are an error", mutant("n", "n == 0", "n") * 2, "the name n is taken"),
]


class Work:
    """The project, a list, and the directory of the copies."""

    def __init__(self, path):
        self.source = os.path.join(path, "source")
        self.place = os.path.join(path, "b")
        self.list = os.path.join(path, "list.txt")
        os.mkdir(self.source)
        for name, text in TOY.items():
            with open(os.path.join(self.source, name), "w", encoding="utf-8") as f:
                f.write(text)
        shutil.copy(os.path.join(ROOT, "tests", "filter.c"), self.source)
        os.chmod(os.path.join(self.source, "boot.py"), 0o755)

    def run(self, text, count=1):
        """(output, tally, survivors) of a list."""
        with open(self.list, "w", encoding="utf-8") as f:
            f.write(text)
        lines = []
        try:
            tally, survived = mutants.execute(
                self.source, self.place, mutant_list.load([self.list], mutant_bench.CONFIGS), count, 20,
                lines.append)
        except (mutant_list.ListError, mutants.Busy) as err:
            lines.append(str(err))
            tally, survived = runner.Tally(), 0
            tally.failed = 1
        return "\n".join(lines), tally, survived

    def kill(self, text, number):
        """Runs a list in a process, and ends that with a signal while the mutant hangs; its exit status."""
        with open(self.list, "w", encoding="utf-8") as f:
            f.write(text)
        log = os.path.join(self.place, "0", "log", "c.t.out")
        if os.path.exists(log):
            os.unlink(log)
        proc = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--run", self.source,
                                 self.place, self.list], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Not before the program itself runs: until then it is a child that does not yet end with its parent.
        while proc.poll() is None and not (os.path.exists(log) and self.running()):
            time.sleep(0.01)    # Nothing depends on how long that is.
        proc.send_signal(number)
        return proc.wait()

    def running(self):
        """Processes that run a program of the copies."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                path = os.readlink("/proc/%s/exe" % pid)
            except OSError:
                continue    # it has ended, or belongs to somebody else
            if path.startswith(self.place + os.sep):
                found.append(int(pid))
        return found

    def free(self):
        """True if no process holds the lock of the copies. A child of a killed run may hold it for a moment."""
        with open(os.path.join(self.place, "lock"), "a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
        return True

    def broken(self):
        """True if the copy holds a mutant."""
        with open(os.path.join(self.place, "0", "tree", "counter.c"), encoding="utf-8") as f:
            return f.read() != TOY["counter.c"]


class Tap:
    def __init__(self, count):
        print("1..%d" % count)
        self.number = 0
        self.bad = 0

    def case(self, good, what, text=""):
        self.number += 1
        print("%s %d - %s" % ("ok" if good else "not ok", self.number, what), flush=True)
        if not good:
            print("\n".join("# " + l for l in text.split("\n")))
            self.bad = 1


def verdicts(tap, work, count):
    """All mutants in one run."""
    got, tally, survived = work.run("".join(text for _, text, _, _ in VERDICTS), count)
    lines = [l for l in got.split("\n") if " (invariant 0)" in l]
    for what, text, want, caught in VERDICTS:
        name = text.split("\n")[0][len("mutant: "):]
        own = [l for l in lines if " %s (inv" % name in l]
        tap.case(len(own) == 1 and want in own[0] and own[0].startswith("caught" if caught else "FAILED"), what, got)
    passed = sum(l.startswith("caught") for l in lines)
    lost = sum("SURVIVED" in l for l in lines)
    tap.case((tally.passed, tally.failed, survived) == (passed, len(VERDICTS) - passed, lost), "they are counted", got)
    tap.case("caught only because a test hung: c" in got.split("\n"), "hangs are named", got)
    tap.case(not work.broken(), "the copy is whole at the end", got)


def ends(tap, work):
    """A run that is killed, or beside another one."""
    fault = mutant("a", "n == 0", "n == 77", "toy/test_zero")
    status = work.kill(mutant("c", *HANG, "toy/test_one"), signal.SIGTERM)
    tap.case(status == 128 + signal.SIGTERM and not work.broken(),
             "a run that is asked to end takes its mutant back", "status %s" % status)
    status = work.kill(mutant("c", *HANG, "toy/test_one"), signal.SIGKILL)
    tap.case(status == -signal.SIGKILL and work.broken(), "one that is killed cannot", "status %s" % status)
    end = time.monotonic() + 60
    while (work.running() or not work.free()) and time.monotonic() < end:
        time.sleep(0.01)
    left = work.running()
    tap.case(not left, "but the program that hung ends with it", "still there: %s" % left)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    # As if make had been killed too: an object that is newer than its source and is not what the source says.
    for path in glob.glob(os.path.join(work.place, "0", "native", "t.p", "*.o")):
        with open(path, "wb"):
            pass
    got, tally, _ = work.run(fault)
    tap.case(tally.passed == 1 and not work.broken(), "the run after that begins with a new copy", got)
    with open(os.path.join(work.place, "lock"), "a", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        got, tally, _ = work.run(fault)
    tap.case(tally.failed == 1 and "in use by another run" in got, "two runs do not share a copy", got)


def refused(tap, work):
    for what, text, want in REFUSED:
        got, tally, survived = work.run(text)
        tap.case(want in got and tally.total == tally.failed == 1 and not survived, what, got)


def main():
    tap = Tap(len(VERDICTS) + 3 + len(REFUSED) + 5)
    with tempfile.TemporaryDirectory(prefix="dmah-mutants-") as path:
        work = Work(path)
        verdicts(tap, work, 2)
        refused(tap, work)
        ends(tap, work)
    sys.exit(tap.bad)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        signal.signal(signal.SIGTERM, mutants.stop)
        mutants.execute(sys.argv[2], sys.argv[3],
                        mutant_list.load([sys.argv[4]], mutant_bench.CONFIGS), 1, 20)
    else:
        main()
