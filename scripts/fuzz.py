#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Fuzz every libFuzzer target for FUZZ_SECONDS, or with FUZZ_RUNS inputs.

Inputs are counted for each target in build/fuzz-corpus, as long as its program stays the same: a run that was ended goes on where
it was, and FUZZ_LIMIT ends it after so many seconds.

FUZZ_TARGETS narrows the targets to those whose name contains one of its words. A target is a Meson test of the suite "fuzz" (tests/fuzz/meson.build), whose last argument is its
seed corpus. What the fuzzer adds to it stays in build/fuzz-corpus; an input that crashes, leaks,
hangs or exhausts memory is a failure, and its file in build/fuzz-crashes reproduces it.
"""

import concurrent.futures
import hashlib
import os
import sys
import time

sys.dont_write_bytecode = True

import runner
import test as configurations

# A target that goes on beyond its time by this much has hung; libFuzzer itself judges single inputs.
GRACE = 120
# A run that is ended loses the count of this many inputs at most.
CHUNK = 250000


def targets(builddir):
    words = os.environ.get("FUZZ_TARGETS", "").split()
    out = []
    for t in runner.introspect(builddir, "tests"):
        if "fuzz" in runner.suites_of(t) and (not words or any(w in t["name"] for w in words)):
            out.append((t["name"], t["cmd"][0], t["cmd"][-1]))
    return sorted(out)


def fuzz(name, exe, seeds, seconds, inputs):
    """Fuzz one target for so many seconds, or where inputs is not 0 with so many inputs, however long those take.

    Return how many inputs were run, and the failure as text, or None.
    """
    work = os.path.join(runner.BUILD, "fuzz-corpus", name)
    crashes = os.path.join(runner.BUILD, "fuzz-crashes", "")
    os.makedirs(work, exist_ok=True)
    os.makedirs(crashes, exist_ok=True)
    log = os.path.join(runner.LOG, name + ".log")
    limit = "-runs=%d" % inputs if inputs else "-max_total_time=%d" % seconds
    argv = [exe, limit, "-timeout=30", "-rss_limit_mb=2500",
            "-print_final_stats=1", "-artifact_prefix=" + crashes + name + "-", work, seeds]
    env = {"ASAN_OPTIONS": configurations.ASAN, "UBSAN_OPTIONS": configurations.UBSAN}
    status = runner.run(argv, log, env=env, timeout=None if inputs else seconds + GRACE)
    runs = 0
    artifact = None
    with open(log, errors="replace") as f:
        for line in f:
            if line.startswith("stat::number_of_executed_units:"):
                runs = int(line.split()[-1])
            if "Test unit written to " in line:
                artifact = line.split("Test unit written to ")[1].strip()
    if status == 0 and runs >= max(inputs, 1):
        return runs, None
    text = runner.tail(log, 60)
    if status is None:
        text += "the target hung\n"
    elif status == 0:
        text += "%d inputs were run, and at least %d should have been\n" % (runs, max(inputs, 1))
    if artifact:
        text += "reproduce it with: %s %s\n" % (os.path.relpath(exe, runner.ROOT),
                                              os.path.relpath(artifact, runner.ROOT))
    return runs, text


class Count:
    """How many inputs a target has run, as long as its program is the same."""

    def __init__(self, name, exe):
        self.path = os.path.join(runner.BUILD, "fuzz-corpus", name + ".count")
        with open(exe, "rb") as f:
            self.program = hashlib.sha256(f.read()).hexdigest()
        self.runs = 0
        if os.path.exists(self.path):
            with open(self.path) as f:
                program, runs = f.read().split()
            self.runs = int(runs) if program == self.program else 0

    def add(self, runs):
        self.runs += runs
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + ".new", "w") as f:
            f.write("%s %d\n" % (self.program, self.runs))
        os.replace(self.path + ".new", self.path)


def target(name, exe, seeds, seconds, inputs, limit):
    """Fuzz one target as fuzz() does; inputs are counted together with those of earlier runs.

    Return the failure as text, "" where @limit seconds have passed before, or None.
    """
    begun = time.monotonic()
    if not inputs:
        runs, wrong = fuzz(name, exe, seeds, seconds, 0)
    else:
        count = Count(name, exe)
        wrong = None
        while not wrong and count.runs < inputs and not (limit and time.monotonic() - begun > limit):
            runs, wrong = fuzz(name, exe, seeds, 0, min(CHUNK, inputs - count.runs))
            count.add(runs)
        runs = count.runs
    if wrong:
        return wrong
    so_far = " so far" if runs < inputs else ""
    print("%-12s %d inputs%s, %d s" % (name, runs, so_far, time.monotonic() - begun), flush=True)
    return "" if so_far else None


def number(variable, default, unit):
    text = os.environ.get(variable) or default
    if not text.isdigit():
        sys.exit("fuzz.py: %s is not a number of %s: %s" % (variable, unit, text))
    return int(text)


def main():
    os.chdir(runner.ROOT)
    seconds = number("FUZZ_SECONDS", "300", "seconds")
    if seconds == 0:
        sys.exit("fuzz.py: FUZZ_SECONDS is not a number of seconds: 0")
    inputs = number("FUZZ_RUNS", "0", "inputs")
    limit = number("FUZZ_LIMIT", "0", "seconds")
    tally = runner.Tally()
    config = next(c for c in configurations.configurations() if c.name == "asan")
    log = os.path.join(runner.LOG, "fuzz")
    found = []
    if runner.setup(config.dir, config.args, log + ".setup.log", env={"CC": config.cc}) != 0:
        print("configuration failed:\n" + runner.tail(log + ".setup.log"))
        tally.failed += 1
    else:
        found = targets(config.dir)
        if not found:
            print("no target's name contains one of the words of FUZZ_TARGETS: " + os.environ.get("FUZZ_TARGETS", ""))
            tally.failed += 1
        build = ["ninja", "-C", config.dir, "-j", str(runner.jobs())]
        build += [os.path.relpath(exe, config.dir) for _, exe, _ in found]
        if found and runner.run(build, log + ".build.log") != 0:
            print("build failed:\n" + runner.tail(log + ".build.log"))
            tally.failed += 1
            found = []
    with concurrent.futures.ThreadPoolExecutor(max(1, min(runner.jobs(), 8))) as pool:
        work = [(t[0], pool.submit(target, *t, seconds, inputs, limit)) for t in found]
        for name, future in work:
            wrong = future.result()
            if wrong:
                tally.failed += 1
                print("FAILED %s:\n%s" % (name, wrong), flush=True)
            elif wrong == "":
                tally.skipped += 1
            else:
                tally.passed += 1
    runner.finish(tally)


if __name__ == "__main__":
    main()
