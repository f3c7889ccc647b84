#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Break the library on purpose, one fault at a time, and expect the suites to go red.

The mutants are listed in tests/mutants/*.txt. Each one names the invariant that it breaks, a file,
the exact text to replace (it must occur exactly once in the file), what to put there, and the suites
that must notice:

    mutant: unmap-without-invalidation
    breaks: 1
    why: a strict unmap returns while the IOTLB still holds the entry
    file: src/backend/iommu.c
    expect: shared core
    ---- old
    	dmah_inv_range(dom, iova, len);
    ---- new
    ---- end

"expect" names suites; "suite/case" (with shell wildcards) demands that this very case goes red.
Optional: "config: check" builds with -Dcheck=true, "config: asan" with the sanitizers. Several "file/old/new" groups may follow each
other, with "---- and" between them, when a fault needs more than one place. Lines that start with "#" between
mutants are comments.

Every mutant is applied in a copy of the tree below build/mutants, built there, tested, and taken
back. One that survives, does not apply, or does not compile is a failure. Before all that the
suites must be green without a mutant. The last lines are "N caught, N survived" and the totals.
"""

import argparse
import concurrent.futures
import fnmatch
import glob
import os
import queue
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import runner

CONFIGS = {
    # "CC" names the compiler, the rest goes to meson setup.
    # -O1 without debugging information: built often, run briefly
    "native": ["-Doptimization=1", "-Ddebug=false", "-Dtests=enabled", "-Dtools=auto"],
    "asan": ["CC=clang-14", "-Doptimization=1", "-Dtests=enabled", "-Dtools=auto",
             "-Db_sanitize=address,undefined", "-Db_lundef=false",
             "-Dc_args=-fno-sanitize-recover=all"],
    "check": ["-Doptimization=1", "-Ddebug=false", "-Dtests=enabled", "-Dtools=auto",
              "-Dcheck=true"],
}
# A mutant need not compile without warnings: "unused variable" is not what the suites are to find.
ALWAYS = ["-Dwerror=false"]
OPERATIONS = "20000"


class ListError(Exception):
    pass


class Mutant:
    def __init__(self, name, where):
        self.name = name
        self.where = where
        self.breaks = ""
        self.why = ""
        self.config = "native"
        self.expect = []   # (suite, case pattern or None)
        self.edits = []    # [file, old, new]

    def __str__(self):
        return "%s (invariant %s)" % (self.name, self.breaks)


def parse(path):
    """Read one list; raise ListError with file and line where it is not understood."""
    mutants = []
    current = None
    part = None      # which text block is being read: "old", "new"
    block = []
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    for number, line in enumerate(lines, 1):
        where = "%s:%d: " % (path, number)
        if line.startswith("---- "):
            word = line[5:].strip()
            if current is None:
                raise ListError(where + "text before any mutant")
            if part:
                current.edits[-1][{"old": 1, "new": 2}[part]] = "\n".join(block)
            block = []
            if word == "old" and part is None:
                if not current.edits or current.edits[-1][1] is not None:
                    raise ListError(where + "no file: line for this text")
                part = "old"
            elif word == "new" and part == "old":
                part = "new"
            elif word == "end" and part == "new":
                part = None
                check(current, where)
                mutants.append(current)
                current = None
            elif word == "and" and part == "new":
                part = None
            else:
                raise ListError(where + "'---- %s' does not belong here" % word)
            continue
        if part:
            block.append(line)
            continue
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        value = value.strip()
        if not colon:
            raise ListError(where + "neither 'key: value' nor a comment: " + line)
        if key == "mutant":
            if current is not None:
                raise ListError(where + "%s has no '---- end'" % current.name)
            current = Mutant(value, where)
            continue
        if current is None:
            raise ListError(where + "'%s:' before 'mutant:'" % key)
        if key in ("breaks", "why"):
            setattr(current, key, value)
        elif key == "config":
            if value not in CONFIGS:
                raise ListError(where + "no such configuration: " + value)
            current.config = value
        elif key == "file":
            current.edits.append([value, None, None])
        elif key == "expect":
            for word in value.split():
                suite, slash, case = word.partition("/")
                current.expect.append((suite, case if slash else None))
        else:
            raise ListError(where + "unknown key '%s'" % key)
    if current is not None:
        raise ListError("%s: the last mutant, %s, has no '---- end'" % (path, current.name))
    return mutants


def check(m, where):
    for what, have in (("breaks:", m.breaks), ("expect:", m.expect), ("file:", m.edits)):
        if not have:
            raise ListError(where + "%s has no '%s'" % (m.name, what))
    for name, old, new in m.edits:
        if old is None or new is None:
            raise ListError(where + "%s: %s has no old or new text" % (m.name, name))
        if old == new:
            raise ListError(where + "%s: old and new text are the same" % m.name)
        if not old.strip():
            raise ListError(where + "%s: the old text is empty" % m.name)


def copy_tree(source, target):
    """Bring a copy of the source tree up to date; unchanged files keep their time for ninja."""
    keep = set()
    for path, dirs, names in os.walk(source):
        rel = os.path.relpath(path, source)
        if rel == ".":
            dirs[:] = [d for d in dirs if d not in ("build", ".git")]
        for n in names:
            keep.add(os.path.normpath(os.path.join(rel, n)))
    for path, _, names in os.walk(target):
        for n in names:
            if os.path.normpath(os.path.relpath(os.path.join(path, n), target)) not in keep:
                os.unlink(os.path.join(path, n))
    for name in keep:
        src, dst = os.path.join(source, name), os.path.join(target, name)
        try:
            with open(src, "rb") as a, open(dst, "rb") as b:
                if a.read() == b.read():
                    continue
        except OSError:
            pass
        os.makedirs(os.path.dirname(dst), exist_ok=True)
        shutil.copyfile(src, dst)
        shutil.copymode(src, dst)


class Bench:
    """A copy of the tree and its build directories; one worker uses it."""

    def __init__(self, source, place, number, suites):
        self.suites = suites   # by configuration: what its mutants need
        self.source = source
        self.place = os.path.join(place, str(number))
        self.tree = os.path.join(self.place, "tree")
        self.log = os.path.join(self.place, "log")
        self.dirs = {}

    def prepare(self, config):
        """Configure and build without a mutant; return what went wrong or None."""
        if config in self.dirs:
            return None
        if not self.dirs:
            copy_tree(self.source, self.tree)
        builddir = os.path.join(self.place, config)
        log = os.path.join(self.log, config + "-setup.log")
        args = [a for a in CONFIGS[config] if not a.startswith("CC=")] + ALWAYS
        cc = [a[3:] for a in CONFIGS[config] if a.startswith("CC=")] or ["gcc"]
        if runner.setup(builddir, args, log, env={"CC": cc[0]}, source=self.tree) != 0:
            return "the copy cannot be configured:\n" + runner.tail(log)
        log = os.path.join(self.log, config + "-build.log")
        if self.build(builddir, log, self.targets(builddir, self.suites[config])) != 0:
            return "the copy does not build without a mutant:\n" + runner.tail(log)
        self.dirs[config] = builddir
        return None

    @staticmethod
    def targets(builddir, suites):
        """Return the ninja targets of these suites, and no more."""
        files = {t["id"]: t["filename"] for t in runner.introspect(builddir, "targets")}
        out = set()
        for t in runner.introspect(builddir, "tests"):
            if runner.suites_of(t) & set(suites):
                for ident in t["depends"]:
                    out.update(os.path.relpath(f, builddir) for f in files.get(ident, []))
        return sorted(out)

    def build(self, builddir, log, targets):
        if not targets:
            return 0    # suites that build what they boot; to ninja, no target is every target
        return runner.run(["ninja", "-C", builddir, "-j", "1"] + targets, log, timeout=600)

    def test(self, config, suites, log, timeout):
        return runner.meson_test(
            self.dirs[config], log, suites=suites, without=["lint", "headers", "freestanding"],
            multiplier=2.0, nproc=1, timeout=timeout, cwd=self.tree,
            env={"CMOCKA_MESSAGE_OUTPUT": "TAP", "DMAH_TEST_OPS": OPERATIONS})

    def baseline(self, config, suites, timeout):
        """The suites must be green without a mutant; return what went wrong or None."""
        wrong = self.prepare(config)
        if wrong:
            return wrong
        log = os.path.join(self.log, "baseline-%s.log" % config)
        status, results = self.test(config, suites, log, timeout)
        have = {s for r in results for s in r.suites}
        for s in suites:
            if s not in have:
                return "there is no suite '%s'\n" % s
        for r in results:
            if r.red:
                return "%s is red without a mutant: %s\n" % (r.name, ", ".join(r.red))
        if status != 0:
            return "the suites do not run without a mutant:\n" + runner.tail(log)
        return None

    def attempt(self, m, timeout):
        """Apply, build, test, take back. Return (caught, what happened)."""
        wrong = self.prepare(m.config)
        if wrong:
            return False, wrong
        saved = {}
        log = os.path.join(self.log, m.name)
        try:
            for name, old, new in m.edits:
                path = os.path.join(self.tree, name)
                try:
                    with open(path, encoding="utf-8") as f:
                        text = f.read()
                except OSError as err:
                    return False, "does not apply: %s: %s" % (name, err.strerror)
                saved.setdefault(path, text)
                times = text.count(old)
                if times != 1:
                    return False, "does not apply: %s has the old text %d times, not once" % (
                        name, times)
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text.replace(old, new))
            suites = sorted({s for s, _ in m.expect})
            targets = self.targets(self.dirs[m.config], suites)
            if self.build(self.dirs[m.config], log + ".build.log", targets) != 0:
                return False, "does not compile:\n" + runner.tail(log + ".build.log", 15)
            status, results = self.test(m.config, suites, log + ".test.log", timeout)
            return self.verdict(m, status, results, timeout)
        finally:
            for path, text in saved.items():
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)

    @staticmethod
    def verdict(m, status, results, timeout):
        red = [(r, case) for r in results for case in r.red]
        for suite, pattern in m.expect:
            for r, case in red:
                if suite not in r.suites:
                    continue
                # A crash or a hang takes the names of the cases along: it counts as any of them.
                if pattern is None or case.startswith("(") or fnmatch.fnmatch(case, pattern):
                    return True, "%s: %s" % (r.name, case)
        if status is None:
            return True, "the suites hung (stopped after %d s)" % timeout
        if red:
            return False, "SURVIVED the cases it names; red was only: " + ", ".join(
                "%s: %s" % (r.name, case) for r, case in red)
        if not results:
            return False, "no test ran"
        return False, "SURVIVED"


def execute(source, place, mutants, count, timeout, out=print):
    """Run the mutants; return a Tally and the number that survived."""
    tally = runner.Tally()
    needed = {}
    for m in mutants:
        needed.setdefault(m.config, set()).update(s for s, _ in m.expect)
    benches = [Bench(source, place, i, needed) for i in range(max(1, min(count, len(mutants))))]
    for config, suites in sorted(needed.items()):
        # All suites at once, some of which build a kernel module first.
        wrong = benches[0].baseline(config, sorted(suites), 6 * timeout)
        if wrong:
            out("FAILED before any mutant (%s): %s" % (config, wrong))
            tally.failed += 1
            return tally, 0
    free = queue.Queue()
    for b in benches:
        free.put(b)

    def one(m):
        bench = free.get()
        try:
            return bench.attempt(m, timeout)
        finally:
            free.put(bench)

    survived = 0
    with concurrent.futures.ThreadPoolExecutor(len(benches)) as pool:
        for m, (caught, text) in zip(mutants, pool.map(one, mutants)):
            if caught:
                tally.passed += 1
                out("caught   %s by %s" % (m, text))
            else:
                tally.failed += 1
                survived += text.startswith("SURVIVED") or text.startswith("no test")
                out("FAILED   %s, %s: %s" % (m, m.where.rstrip(": "), text))
    return tally, survived


def load(paths):
    mutants = []
    for path in paths:
        mutants += parse(path)
    seen = {}
    for m in mutants:
        if m.name in seen:
            raise ListError(m.where + "the name %s is taken by %s" % (m.name, seen[m.name]))
        seen[m.name] = m.where.rstrip(": ")
    return mutants


# A project small enough to be built in a second, with an invariant (a counter never goes below 0).
TOY = {
    "meson.build": """project('toy', 'c')
cmocka = dependency('cmocka')
t = executable('t', 't.c', 'counter.c', dependencies: cmocka)
test('t', t, suite: ['toy'], protocol: 'tap', timeout: 5)
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
static void test_zero(void **state)
{
	(void)state;
	assert_int_equal(down(0), 0);
}
static void test_one(void **state)
{
	(void)state;
	assert_int_equal(down(1), 0);
}
int main(void)
{
	const struct CMUnitTest t[] = { cmocka_unit_test(test_zero), cmocka_unit_test(test_one) };
	return cmocka_run_group_tests(t, NULL, NULL);
}
""",
}


def toy_mutant(name, old, new, expect="toy"):
    return ("mutant: %s\nbreaks: 0\nfile: counter.c\nexpect: %s\n---- old\n%s\n---- new\n%s\n"
            "---- end\n" % (name, expect, old, new))


def self_test():
    """The script itself, on the toy, as TAP: each verdict it can give is given."""
    cases = [
        ("a fault is caught", toy_mutant("a", "n == 0", "n == 77"), "caught"),
        ("a fault is caught by the case it names",
         toy_mutant("b", "n == 0", "n == 77", "toy/test_z*"), "caught"),
        ("a hang is caught", toy_mutant("c", "\tif (n == 0)", "\tfor (volatile int i = 0; !i;)\n"
                                        "\t\t;\n\tif (n == 0)"), "caught"),
        ("a fault that nothing notices has survived",
         toy_mutant("d", "n == 0", "n <= 0"), "SURVIVED"),
        ("one that another case notices has survived",
         toy_mutant("e", "n == 0", "n == 77", "toy/test_one"), "SURVIVED the cases"),
        ("one that does not compile is an error",
         toy_mutant("f", "n == 0", "n == nowhere"), "does not compile"),
        ("one that does not apply is an error",
         toy_mutant("g", "n == 5", "n == 77"), "has the old text 0 times"),
        ("one that applies twice is an error", toy_mutant("h", "return", "retire"), "2 times"),
        ("one for an unknown suite is an error",
         toy_mutant("i", "n == 0", "n == 77", "nosuch"), "no suite 'nosuch'"),
        ("a list that is not understood is an error", "mutant: j\nbraeks: 1\n", "unknown key"),
        ("a list that ends early is an error", "mutant: k\nbreaks: 1\n", "has no '---- end'"),
    ]
    print("1..%d" % len(cases))
    bad = 0
    with tempfile.TemporaryDirectory(prefix="dmah-mutants-") as work:
        source = os.path.join(work, "source")
        os.mkdir(source)
        for name, text in TOY.items():
            with open(os.path.join(source, name), "w", encoding="utf-8") as f:
                f.write(text)
        for number, (what, text, want) in enumerate(cases, 1):
            path = os.path.join(work, "list.txt")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            lines = []
            try:
                tally, survived = execute(source, os.path.join(work, "b"), load([path]), 1, 20,
                                          lines.append)
            except ListError as err:
                lines.append(str(err))
                tally, survived = runner.Tally(), 0
                tally.failed = 1
            got = "\n".join(lines)
            good = (want in got and tally.total == 1 and tally.passed == (want == "caught")
                    and survived == want.startswith("SURVIVED"))
            print("%s %d - %s" % ("ok" if good else "not ok", number, what))
            if not good:
                print("\n".join("# " + l for l in got.split("\n")))
                bad = 1
    sys.exit(bad)


def commit_number():
    """Return a number of the commit that is checked out; 0 in an unpacked archive."""
    try:
        out = subprocess.run(["git", "-c", "safe.directory=*", "rev-parse", "HEAD"], cwd=runner.ROOT,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=True).stdout
        return int(out[:8], 16)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--self-test", action="store_true", help="test this script (TAP)")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help="only the mutants whose name matches")
    parser.add_argument("--timeout", type=int, default=300, metavar="SECONDS",
                        help="for the suites of one mutant (default 300)")
    parser.add_argument("--share", type=int, metavar="N",
                        help="one in N of them, chosen by the commit: N commits in turn run all")
    parser.add_argument("--list", action="store_true", help="list the mutants")
    args = parser.parse_args()
    if args.self_test:
        self_test()
    # The copies boot the kernels that are there, and fetch none of their own.
    os.environ.setdefault("DMAH_VM_CACHE", os.path.join(runner.BUILD, "vm"))
    only = args.only or os.environ.get("MUTANT", "").split()

    try:
        mutants = load(sorted(glob.glob(os.path.join(runner.ROOT, "tests", "mutants", "*.txt"))))
    except ListError as err:
        print(str(err).replace(runner.ROOT + os.sep, ""))
        print("0 caught, 0 survived")
        tally = runner.Tally()
        tally.failed = 1
        runner.finish(tally)
    if only:
        mutants = [m for m in mutants if any(fnmatch.fnmatch(m.name, p) for p in only)]
    share = args.share or int(os.environ.get("MUTANT_SHARE") or 1)
    if share > 1 and not only:
        turn = commit_number() % share
        total = len(mutants)
        mutants = mutants[turn::share]
        print("share %d of %d: %d of %d mutants" % (turn + 1, share, len(mutants), total), flush=True)
    if args.list:
        for m in mutants:
            print("%-40s invariant %-4s %s" % (m.name, m.breaks, m.why))
        return
    if not mutants:
        print("there are no mutants")
        runner.finish(runner.Tally())
    tally, survived = execute(runner.ROOT, os.path.join(runner.BUILD, "mutants"), mutants,
                              runner.jobs(), args.timeout,
                              lambda text: print(text.replace(runner.ROOT + os.sep, ""),
                                                 flush=True))
    print("%d caught, %d survived" % (tally.passed, survived))
    runner.finish(tally)


if __name__ == "__main__":
    main()
