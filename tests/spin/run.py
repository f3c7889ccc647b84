#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Check the Spin models of this folder. TAP, one case for each check.

  run.py [lazy] [ring] [life]    these models; all without arguments
  run.py --case TEXT             the cases whose name contains TEXT only
  run.py --list                  the cases, and the macros that each is built with

A case without a mutant wants a search of every state without an error: one that was cut short, by
depth or memory, has failed. A case with a mutant wants the error that the mutant is to cause, and no
other. Last, no statement of a model may be left out of all its searches: what is not executed is
not checked. A failed case prints the way to the error.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY = 1800   # megabytes that one search may take
DEPTH = 20000   # steps; a search that wants more fails
TIMEOUT = 300   # seconds, for a search

# How an error of each property reads: the text that pan prints of the assertion.
LAZY_ERRORS = {
    "P1": r"assertion violated .*where\[",
    "P2": r"assertion violated .*stale",
    "P3": r"invalid end state",
    "P4": r"assertion violated .*depot",
}
RING_ERRORS = {
    "R1": r"assertion violated .*tlb\[\(pushed",
    "R2": r"assertion violated .*tlb\[\(\(from",
    "R3": r"assertion violated .*(pushed-popped|pte\[\(\(from)",
    "R4": r"invalid end state",
}

ONE = "-DCPUS=1 -DREMOTES=1"    # an owner, and a thread elsewhere
THREE = "-DCPUS=1 -DREMOTES=2"  # an owner, and two threads elsewhere
# More granules than ring entries, all of them mapped at first: rings that are full.
FULL = "-DNG=4 -DMAPPED=4"

# (name, macros). What must hold.
LAZY = [
    # Weakly ordered stores may be in order: this covers x86 as well.
    ("two weakly ordered CPUs and a thread elsewhere", "-DOPS0=2 -DOPS1=1 -DREMOTES=1 -DWEAK"),
    ("two CPUs, more operations", "-DOPS0=3 -DOPS1=2 -DREMOTES=0"),
    ("a CPU and two threads elsewhere", THREE + " -DOPS0=4 -DCAP=3"),
    ("a CPU with a full ring and a thread elsewhere", ONE + " -DOPS0=5 " + FULL),
    ("a CPU and a thread elsewhere, and hardware that hangs", ONE + " -DOPS0=4 -DHUNG " + FULL),
    ("a CPU that is two operations ahead of memory", ONE + " -DROPS=2 -DOPS0=4 -DCAP=8 -DWEAK"),
    ("replaces beside a thread elsewhere", ONE + " -DREPLACE -DOPS0=3 -DWEAK"),
    ("a device that fetches when it likes", ONE + " -DROPS=2 -DOPS0=4 -DDEVICE"),
]

# (mutant, macros, the property that breaks, what is wrong)
LAZY_MUTANTS = [
    ("NO_BARRIER", ONE + " -DOPS0=3", "P1",
     "quiesce looks at busy without a barrier on the owner's CPU"),
    ("NO_WAIT", ONE + " -DOPS0=3", "P1", "quiesce does not wait until busy is clear"),
    ("LEAVE_RELAXED", ONE + " -DOPS0=3 -DWEAK", "P1",
     "leave's store is no release (weakly ordered CPUs)"),
    ("LIMIT_EQUAL", ONE + " -DOPS0=3", "P1",
     "a remote drain sets the limits to where it sees the indices, and the owner compares for equality"),
    ("FLUSH_OPENS", THREE + " -DOPS0=3", "P1", "a flush opens the limits that a remote drain closed"),
    ("STOLEN_BOOL", THREE + " -DOPS0=3", "P1", "the first of two remote drains opens the limits"),
    ("DEPTH", ONE + " -DOPS0=4 -DANY_ORDER " + FULL, "P1",
     "as many are kept as the ring has room for, and none is left for what waits"),
    ("READY_EARLY", ONE + " -DOPS0=4", "P2",
     "a flush frees what was queued after its invalidation was posted"),
    ("READY_BACKWARDS", THREE + " -DOPS0=4 -DANY_ORDER", "P1",
     "the flush that ends last takes ready back"),
    ("PUT_BEFORE_CLEAR", ONE + " -DOPS0=4", "P2",
     "granules are queued before their entry is cleared"),
    ("STRICT_LAZY", ONE + " -DOPS0=3", "P2", "a strict unmap gives back before its invalidation"),
    ("SEEN_BEFORE", ONE + " -DREPLACE -DOPS0=4", "P2",
     "a replace takes granules that it saw in an earlier section"),
    ("LOCK_HELD", ONE + " -DOPS0=2", "P3", "a remote drain holds the lock while it waits for busy"),
    ("STEAL_INSIDE", "-DOPS0=1 -DOPS1=1 -DREMOTES=0", "P3", "two CPUs quiesce each other, inside"),
]

RING = [
    ("strict", ""),
    ("lazy", "-DLAZY -DHUNG"),
    ("strict or lazy, pop by pop", "-DMIXED -DHUNG"),
    ("strict or lazy, pop by pop, three live", "-DMIXED -DN=3 -DPUSHES=7"),
    ("lazy, two flushers", "-DLAZY -DFLUSHERS=2 -DPUSHES=5"),
    ("strict or lazy, pop by pop, nobody else flushes", "-DMIXED -DHUNG -DFLUSHERS=0 -DPUSHES=14"),
    ("strict or lazy, pop by pop, the driver gets to its end", "-DMIXED -DLIVE -DPUSHES=6"),
]

RING_MUTANTS = [
    ("ONE_N", "-DLAZY", "R1", "as many slots as may be live, used as soon as they are free"),
    ("NO_REUSE", "-DLAZY -DHUNG", "R1",
     "the limit of pushes does not look whether a slot is flushed"),
    ("PLAIN_NOT_DUE", "-DLAZY", "R1", "the shortest pop is taken where a flush is due"),
    ("SUM", "-DLAZY -DHUNG", "R1", "what is flushed is the sum of both counts"),
    ("CAPTURE_LATE", "-DLAZY -DHUNG", "R1", "a flush notes popped after its wait"),
    ("POPPED_FIRST", "-DLAZY -DHUNG", "R1", "pop moves popped before it clears the entries"),
    ("STRICT_SKIPS", "-DMIXED", "R1", "a strict pop takes earlier lazy ones for flushed"),
    ("NO_WAIT", "", "R2", "a strict pop does not wait"),
    ("NO_WRAP", "", "R2", "a strict pop around the last slot invalidates one range only"),
    ("LESSER", "-DLAZY", "R3", "what is flushed is the lesser of both counts: pushes are refused"),
    ("FLUSHED_RACES", "-DLAZY -DFLUSHERS=2 -DPUSHES=6", "R3",
     "one count for both writers, compared and stored in two steps: pushes are refused"),
    ("FLUSHED_RACES", "-DLAZY -DMUTANT_FULL_EQUAL", "R3",
     "the same, and push compares for equality: it goes on beyond its limit"),
    ("OTHERS_FLUSH", "-DLAZY -DHUNG -DFLUSHERS=0", "R4", "push waits for somebody else's flush"),
]

LIFE_ERRORS = {
    "M1": r"assertion violated .*iotlb",
    "M2": r"assertion violated .*(got_iova|\(0\)|\(false\)|0)",
    "A1": r"assertion violated .*devtlb",
    "K1": r"assertion violated .*mine",
    "K3": r"assertion violated .*hw_blocked",
    "T1": r"assertion violated",
}

LIFE = [("a lazy unmap beside set_mode(strict), way %d" % w, "-DUNMAP -DWAY=%d" % w)
        for w in range(3)]
LIFE += [("a map beside set_mode(passthrough), way %d" % w, "-DMAP -DWAY=%d" % w)
         for w in range(3)]
LIFE += [("a strict unmap beside the attach of a device with a TLB", "-DATS"),
         ("a kill beside a flush, unmaps and a bind", "-DKILL"),
         ("two unmaps of copies of one handle", "-DTWICE")]

LIFE_MUTANTS = [
    ("NO_LOOK", "-DUNMAP -DWAY=0", "M1", "an unmap does not look at the mode again"),
    ("LOOK_FIRST", "-DUNMAP -DWAY=0", "M1", "an unmap looks at the mode for the last time before it clears"),
    ("NO_QUIESCE", "-DUNMAP -DWAY=1", "M1", "set_mode does not wait for sections"),
    ("NO_LOOK", "-DUNMAP -DWAY=2", "M1", "a pop does not look at the mode again"),
    ("NO_QUIESCE", "-DUNMAP -DWAY=2", "M1", "set_mode lets no barrier pass on other CPUs"),
    ("NO_LOOK", "-DMAP -DWAY=0", "M2", "a map does not look at the mode again"),
    ("COUNT_LAST", "-DMAP -DWAY=0", "M2", "a map looks at the mode before it is counted"),
    ("NO_QUIESCE", "-DMAP -DWAY=1", "M2", "set_mode does not wait for sections"),
    ("NO_LOOK", "-DMAP -DWAY=2", "M2", "a push does not look again"),
    ("NO_QUIESCE", "-DMAP -DWAY=2", "M2", "set_mode lets no barrier pass on other CPUs"),
    ("COUNT_LATE", "-DATS", "A1", "the device is bound before its TLB counts"),
    ("NO_BARRIER", "-DATS", "A1", "attach lets no barrier pass on other CPUs"),
    ("NO_FLUSH", "-DATS", "A1", "attach does not flush before it binds"),
    ("DEVICE_FIRST", "-DATS", "A1", "the device's TLB is invalidated before the IOTLB"),
    ("ALWAYS_BLOCKED", "-DKILL", "K1", "a device whose kill was not confirmed counts as blocked"),
    ("NO_DOUBT", "-DKILL", "K1", "lazy unmaps go on after a kill that was not confirmed"),
    ("NO_BINDING", "-DKILL", "K3", "a kill does not look whether the device is being bound"),
    ("LOAD_AND_STORE", "-DTWICE", "T1", "an unmap loads and stores the entry in two steps"),
]

CUT_SHORT = re.compile(r"max search depth too small|out of memory|reached -DMEMLIM|"
                       r"Search not completed|VECTORSZ|resource limit|aborting|internal error")
UNREACHED = re.compile(r"^\s+\S*?([^/\s]+\.pml):(\d+), state \d+, (.*)$")


class Case:
    def __init__(self, model, name, macros, error=None):
        self.model = model
        self.name = name
        self.macros = macros.split()
        self.error = error      # what a mutant's error must match; None: no error
        self.live = "-DLIVE" in self.macros
        self.unreached = {}     # process: {(line, text)}


def cases_of(model, holds, mutants, errors):
    for name, macros in holds:
        yield Case(model, "%s: %s" % (model, name), macros)
    for mutant, macros, which, what in mutants:
        yield Case(model, "%s: mutant %s breaks %s: %s" % (model, mutant, which, what),
                   macros + " -DMUTANT_" + mutant, errors[which])


def all_cases():
    return (list(cases_of("lazy", LAZY, LAZY_MUTANTS, LAZY_ERRORS)) +
            list(cases_of("ring", RING, RING_MUTANTS, RING_ERRORS)) +
            list(cases_of("life", LIFE, LIFE_MUTANTS, LIFE_ERRORS)))


def command(argv, cwd):
    """Status and output; a time-out is a status too."""
    try:
        done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return 1, "%s: no end after %d s\n" % (argv[0], TIMEOUT)
    except OSError as err:
        return 127, "%s: %s\n" % (argv[0], err.strerror)
    return done.returncode, done.stdout.decode(errors="replace")


def search(case, cwd):
    """Build the case's verifier in cwd and run it: what is wrong (empty: nothing), and a summary."""
    model = case.model + ".pml"
    # spin -t looks for the trail beside the model.
    shutil.copy(os.path.join(HERE, model), cwd)
    status, out = command(["spin", "-a"] + case.macros + [model], cwd)
    if status != 0 or not os.path.exists(os.path.join(cwd, "pan.c")):
        return "spin failed:\n" + out, ""
    # The generated C is not ours to make free of warnings. Most of a mutant's time is its compiler's.
    argv = ["gcc", "-w", "-O0" if case.error else "-O2", "-DMEMLIM=%d" % MEMORY]
    argv += ["-DNFAIR=8"] if case.live else ["-DSAFETY"]
    status, out = command(argv + ["-o", "pan", "pan.c"], cwd)
    if status != 0:
        return "the compiler failed:\n" + out, ""
    # -a -f: cycles that accept, under weak fairness.
    argv = ["./pan", "-m%d" % DEPTH] + (["-a", "-f"] if case.live else [])
    # Few states: a small hash table, which grows, is cleared faster.
    argv += ["-w20"] if case.error else []
    status, out = command(argv, cwd)
    errors = re.search(r"errors: (\d+)", out)
    states = re.search(r"^\s*(\S+) states, stored", out, re.M)
    memory = re.search(r"^\s*(\S+)\s+total actual memory", out, re.M)
    summary = "%s states, %s MB" % (states.group(1) if states else "?",
                                    memory.group(1) if memory else "?")
    if not errors:
        return "no result:\n" + out, summary
    if case.error:
        if errors.group(1) == "0":
            return "the mutant was not caught:\n" + out, summary
        if not re.search(case.error, out):
            return "another error than the mutant's:\n" + out + trail(case, model, cwd), summary
        return "", summary
    if errors.group(1) != "0":
        return out + trail(case, model, cwd), summary
    if CUT_SHORT.search(out):
        return "the search was cut short:\n" + out, summary
    if not case.live:
        note_unreached(case, out)
    return "", summary


def trail(case, model, cwd):
    _, out = command(["spin", "-t", "-p", "-g"] + case.macros + [model], cwd)
    lines = out.splitlines()
    return "the last steps to it:\n" + "\n".join(lines[-150:]) + "\n"


def note_unreached(case, out):
    process = None
    for line in out.splitlines():
        start = re.match(r"unreached in (.*)$", line)
        if start:
            process = start.group(1)
            case.unreached[process] = set()
            continue
        found = UNREACHED.match(line)
        # The end of a process that has none.
        if process and found and found.group(3) != '"-end-"':
            case.unreached[process].add((int(found.group(2)), found.group(3)))


def never_reached(cases):
    """Statements that no search of these cases reached."""
    left = {}
    for case in cases:
        for process, missed in case.unreached.items():
            left[process] = left[process] & missed if process in left else set(missed)
    return ["%s, line %d: %s" % (process, line, text)
            for process, missed in sorted(left.items()) for line, text in sorted(missed)]


def report(number, name, wrong, remark=""):
    print("%s %d - %s" % ("not ok" if wrong else "ok", number, name))
    for line in wrong.splitlines():
        print("# " + line)
    if remark:
        print("# " + remark)
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", nargs="*", choices=[[], "lazy", "ring", "life"])
    parser.add_argument("--case", default="")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()

    cases = [c for c in all_cases()
             if (not args.model or c.model in args.model) and args.case in c.name]
    if args.list:
        for c in cases:
            print("%s  [%s]" % (c.name, " ".join(c.macros)))
        return
    if not cases:
        sys.exit("run.py: no such case")
    if not shutil.which("spin"):
        print("1..0 # spin is not installed")
        return
    models = [m for m in ("lazy", "ring", "life") if not args.case and any(c.model == m for c in cases)]
    print("1..%d" % (len(cases) + len(models)))
    bad = 0
    for number, case in enumerate(cases, 1):
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="dmah-spin-") as cwd:
            wrong, summary = search(case, cwd)
        report(number, case.name, wrong, "%s, %.1f s" % (summary, time.monotonic() - start))
        bad += bool(wrong)
    for number, model in enumerate(models, len(cases) + 1):
        mine = [c for c in cases if c.model == model]
        wrong = "\n".join(never_reached(mine))
        report(number, "%s: every statement is reached" % model, wrong)
        bad += bool(wrong)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
