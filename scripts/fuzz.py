#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Fuzz every libFuzzer target for FUZZ_SECONDS, or with FUZZ_RUNS inputs.

FUZZ_TARGETS narrows the targets to those whose name contains one of its words. A target is a Meson test of the suite "fuzz" (tests/fuzz/meson.build), whose last argument is its
seed corpus. What the fuzzer adds to it stays in build/fuzz-corpus; an input that crashes, leaks,
hangs or exhausts memory is a failure, and its file in build/fuzz-crashes reproduces it.
"""

import concurrent.futures
import os
import sys
import time

sys.dont_write_bytecode = True

import runner
import test as configurations

# A target that goes on beyond its time by this much has hung; libFuzzer itself judges single inputs.
GRACE = 120


def targets(builddir):
    words = os.environ.get("FUZZ_TARGETS", "").split()
    out = []
    for t in runner.introspect(builddir, "tests"):
        if "fuzz" in runner.suites_of(t) and (not words or any(w in t["name"] for w in words)):
            out.append((t["name"], t["cmd"][0], t["cmd"][-1]))
    return sorted(out)


def fuzz(name, exe, seeds, seconds, inputs):
    """Fuzz one target for so many seconds, or where inputs is not 0 with so many inputs, however long those take.

    Return the failure as text, or None.
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
    begun = time.monotonic()
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
        print("%-12s %d inputs in %d s" % (name, runs, time.monotonic() - begun), flush=True)
        return None
    text = runner.tail(log, 60)
    if status is None:
        text += "the target hung\n"
    elif status == 0:
        text += "%d inputs were run, and at least %d should have been\n" % (runs, max(inputs, 1))
    if artifact:
        text += "reproduce it with: %s %s\n" % (os.path.relpath(exe, runner.ROOT),
                                              os.path.relpath(artifact, runner.ROOT))
    return text


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
        work = [(t[0], pool.submit(fuzz, *t, seconds, inputs)) for t in found]
        for name, future in work:
            wrong = future.result()
            if wrong:
                tally.failed += 1
                print("FAILED %s:\n%s" % (name, wrong), flush=True)
            else:
                tally.passed += 1
    runner.finish(tally)


if __name__ == "__main__":
    main()
