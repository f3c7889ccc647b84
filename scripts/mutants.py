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
back. Of the expected suites the programs that have a named case are built and run, the shortest first,
and of their cases only those (tests/filter.c), until one goes red. One that survives, does not
apply, or does not compile is a failure. Before all that the suites must be green without a mutant.
The last lines are "N caught, N survived" and the totals.

Faults of ports/linux show in a booted kernel: their suites have the name of one boot, such as
linux-6.12-lazy or xen-dom0 (tests/linux, tests/xen). The boot builds the module from the broken copy, and
counts as red by the names of its cases only: a module that does not compile is no catch. Each takes about a
minute; --boots no leaves them out, --boots only runs no others.

A run that was killed leaves its copy broken; the next one sees that and begins with a new copy.
"""

import argparse
import collections
import concurrent.futures
import fcntl
import fnmatch
import glob
import os
import queue
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import mutant_bench
import mutant_list
import runner

LISTS = os.path.join(runner.ROOT, "tests", "mutants", "*.txt")
# Suites of one boot each.
BOOTS = ("linux-*", "xen-*")
# So many cases of a program, one by one, take less time than all of them.
FEW = 4


class Busy(Exception):
    """Another run works in the same place."""


class Place:
    """The directory of the copies, for one run at a time."""

    def __init__(self, path):
        self.path = path
        self.mark = os.path.join(path, "running")
        os.makedirs(path, exist_ok=True)
        self.lock = open(os.path.join(path, "lock"), "a+", encoding="ascii")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            self.lock.close()
            raise Busy("%s is in use by another run of mutants.py" % path) from err

    def __enter__(self):
        # Names of files that a killed run may still write to are not used again.
        for old in glob.glob(os.path.join(glob.escape(self.path), "stale-*")):
            shutil.rmtree(old, ignore_errors=True)
        if os.path.exists(self.mark):
            for old in glob.glob(os.path.join(glob.escape(self.path), "[0-9]*")):
                stale = os.path.join(self.path, "stale-%d-%s" % (os.getpid(), os.path.basename(old)))
                os.rename(old, stale)
                shutil.rmtree(stale, ignore_errors=True)
        with open(self.mark, "w", encoding="ascii") as f:
            f.write("%d\n" % os.getpid())
        return self

    def __exit__(self, *what):
        # After an exception the copies may be half made: the mark stays.
        if what[0] is None:
            os.unlink(self.mark)
        self.lock.close()


def units(mutants):
    """Mutants of one file follow each other, since taking one back and applying the next compiles once.

    Return a list of lists; what a worker takes at a time. Boots come first, each alone: they take longest.
    """
    boots = [[m] for m in mutants if is_boot(m)]
    groups = collections.OrderedDict()
    for m in mutants:
        if not is_boot(m):
            groups.setdefault((m.config, m.edits[0][0]), []).append(m)
    return boots + sorted(groups.values(), key=len, reverse=True)


def is_boot(m):
    return any(fnmatch.fnmatchcase(suite, b) for suite, _ in m.expect for b in BOOTS)


def baseline(bench, config, wanted, count, timeout):
    """Run the programs without a mutant; return what is red or does not run, or None.

    wanted: pairs of suite and pattern. A program of which few cases are wanted runs those alone.
    """
    programs = bench.programs[config]

    def one(p):
        patterns = {pattern for suite, pattern in wanted if suite in p.suites}
        if p.script or len(patterns) > FEW or any(c is None or "[" in c for c in patterns):
            patterns = {None}
        # Some build a kernel module first.
        return [bench.run(p, "baseline", pattern, timeout) for pattern in sorted(patterns, key=str)]

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        for p, results in zip(programs, pool.map(one, programs)):
            red = [case for r in results for case in r.red]
            if red:
                return "%s is red without a mutant: %s\n" % (p.name, ", ".join(red))
            p.cases = [case for r in results for case in r.green]
            p.seconds = sum(r.duration for r in results)
    return None


def needs(mutants):
    """The expectations of mutants, by configuration: sets of pairs of a suite and a pattern."""
    found = {}
    for m in mutants:
        found.setdefault(m.config, set()).update(m.expect)
    return found


def execute(source, place, mutants, count, timeout, out=print):
    """Run the mutants; return a Tally and the number that survived. Raises Busy."""
    children = mutant_bench.Children()
    with Place(place):
        try:
            return work(source, place, mutants, count, timeout, out, children)
        except BaseException:
            children.stop()
            raise


def work(source, place, mutants, count, timeout, out, children):
    tally = runner.Tally()
    count = max(1, min(count, len(mutants)))
    clock = runner.Clock()
    first = mutant_bench.Bench(source, place, 0, children)
    wanted = needs(mutants)
    for config in sorted(wanted):
        wrong = first.prepare(config, {suite for suite, _ in wanted[config]})
        if wrong:
            out("FAILED before any mutant (%s): %s" % (config, wrong))
            tally.failed += 1
            return tally, 0
    benches = [first] + [first.twin(place, i) for i in range(1, count)]
    for config in sorted(wanted):
        wrong = baseline(first, config, wanted[config], count, 6 * timeout)
        if wrong:
            out("FAILED before any mutant (%s): %s" % (config, wrong))
            tally.failed += 1
            return tally, 0
    for b in benches:
        b.adopt(first)
    out("%d mutants; built and green without them after %.0f s" % (len(mutants), clock.lap()))
    todo = queue.Queue()
    for unit in units(mutants):
        todo.put(unit)
    done = queue.Queue()
    survived = 0
    hung = []
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        try:
            workers = [pool.submit(worker, b, todo, done, timeout) for b in benches]
            for _ in mutants:
                m, verdict = take(done, workers)
                caught, text, hang = verdict
                if caught:
                    tally.passed += 1
                    hung += [m.name] if hang else []
                    out("caught   %s by %s" % (m, text))
                else:
                    tally.failed += 1
                    survived += text.startswith("SURVIVED")
                    out("FAILED   %s, %s: %s" % (m, m.where.rstrip(": "), text))
        except BaseException:
            children.stop()
            raise
    if hung:
        out("caught only because a test hung: " + ", ".join(sorted(hung)))
    out("the mutants took %.0f s" % clock.lap())
    return tally, survived


def worker(bench, todo, done, timeout):
    while True:
        try:
            unit = todo.get_nowait()
        except queue.Empty:
            return
        for m in unit:
            done.put((m, bench.attempt(m, timeout)))


def take(done, workers):
    """The next verdict; raises what a worker died of."""
    while True:
        try:
            return done.get(timeout=1)
        except queue.Empty:
            for w in workers:
                if w.done() and w.exception():
                    raise w.exception() from None


def commit_number():
    """Return a number of the commit that is checked out; 0 in an unpacked archive."""
    try:
        out = subprocess.run(["git", "-c", "safe.directory=*", "rev-parse", "HEAD"], cwd=runner.ROOT,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=True).stdout
        return int(out[:8], 16)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 0


def stop(number, _frame):
    sys.exit(128 + number)


def chosen(mutants, args):
    """The mutants that the command line and the environment ask for."""
    only = args.only or os.environ.get("MUTANT", "").split()
    if only:
        for p in only:
            if not any(fnmatch.fnmatchcase(m.name, p) for m in mutants):
                raise mutant_list.ListError("no mutant has the name %s (--list prints them)" % p)
        return [m for m in mutants if any(fnmatch.fnmatchcase(m.name, p) for p in only)]
    if args.boots != "yes":
        mutants = [m for m in mutants if is_boot(m) == (args.boots == "only")]
    if args.share > 1:
        turn = commit_number() % args.share
        total = len(mutants)
        mutants = mutants[turn::args.share]
        print("share %d of %d: %d of %d mutants" % (turn + 1, args.share, len(mutants), total), flush=True)
    return mutants


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help="only the mutants whose name matches; also MUTANT=\"PATTERN PATTERN\"")
    parser.add_argument("--timeout", type=int, default=300, metavar="SECONDS",
                        help="for one program of a suite (default 300)")
    parser.add_argument("--share", type=int, metavar="N", default=int(os.environ.get("MUTANT_SHARE") or 1),
                        help="one in N of them, chosen by the commit: N commits in turn run all; also MUTANT_SHARE=N")
    parser.add_argument("--boots", choices=("yes", "no", "only"), default=os.environ.get("MUTANT_BOOTS") or "yes",
                        help="the mutants that a booted kernel shows; also MUTANT_BOOTS=no")
    parser.add_argument("--list", action="store_true", help="list the mutants")
    args = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    # The copies boot the kernels that are there, and fetch none of their own.
    os.environ.setdefault("DMAH_VM_CACHE", os.path.join(runner.BUILD, "vm"))

    def out(text):
        print(text.replace(runner.ROOT + os.sep, ""), flush=True)

    tally = runner.Tally()
    survived = 0
    try:
        mutants = chosen(mutant_list.load(sorted(glob.glob(LISTS)), mutant_bench.CONFIGS), args)
        if args.list:
            for m in mutants:
                print("%-40s invariant %-4s %s" % (m.name, m.breaks, m.why))
            return
        if not mutants:
            print("there are no mutants")
            runner.finish(tally)
        tally, survived = execute(runner.ROOT, os.path.join(runner.BUILD, "mutants"), mutants,
                                  runner.jobs(), args.timeout, out)
    except (mutant_list.ListError, Busy) as err:
        out(str(err))
        tally.failed = 1
    print("%d caught, %d survived" % (tally.passed, survived))
    runner.finish(tally)


if __name__ == "__main__":
    main()
