# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Code shared by test.py, fuzz.py and mutants.py: Meson build directories, TAP, the last line."""

import glob
import json
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
LOG = os.path.join(BUILD, "log")

TAP_LINE = re.compile(r"^\s*(not ok|ok)\b\s*(\d*)\s*(?:-\s*)?(.*)$")
TAP_SKIP = re.compile(r"#\s*SKIP\b\s*(.*)$", re.IGNORECASE)
TAP_PLAN = re.compile(r"^\s*1\.\.(\d+)\s*(?:#\s*(.*))?$")


def jobs():
    try:
        return max(1, int(os.environ.get("JOBS", "")))
    except ValueError:
        return os.cpu_count() or 1


class Tally:
    """Passed, failed and skipped, and the failures by name."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    @property
    def total(self):
        return self.passed + self.failed + self.skipped

    def __str__(self):
        return "%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped)


def finish(tally):
    """Print the last line and leave with the status that belongs to it."""
    if tally.total == 0:
        print("nothing was executed: that is a failure")
        tally.failed = 1
    sys.stderr.flush()
    print(tally)
    sys.stdout.flush()
    sys.exit(1 if tally.failed else 0)


def run(argv, log, env=None, timeout=None, cwd=ROOT, append=False):
    """Run argv with its output in the file log; return the status, or None on a time-out."""
    os.makedirs(os.path.dirname(log), exist_ok=True)
    full = dict(os.environ)
    # Set by the make that called us; a jobserver it does not share would only cause warnings.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        full.pop(name, None)
    full.update(env or {})
    with open(log, "ab" if append else "wb") as out:
        out.write(("$ " + " ".join(argv) + "\n").encode())
        out.flush()
        try:
            proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=subprocess.STDOUT, env=full, cwd=cwd,
                                    start_new_session=True)
        except OSError as err:
            out.write(("%s: %s\n" % (argv[0], err.strerror)).encode())
            return 127
        try:
            return proc.wait(timeout)
        except subprocess.TimeoutExpired:
            kill_group(proc)
            return None
        except BaseException:
            kill_group(proc)
            raise


def kill_group(proc):
    """End a process and what it started: it leads a session of its own."""
    try:
        os.killpg(proc.pid, 15)
        try:
            proc.wait(3)
        except subprocess.TimeoutExpired:
            pass
        os.killpg(proc.pid, 9)
    except ProcessLookupError:
        pass
    proc.wait()


def tail(log, lines=40):
    try:
        with open(log, errors="replace") as f:
            return "".join(f.readlines()[-lines:])
    except OSError as err:
        return "%s: %s\n" % (log, err.strerror)


def setup(builddir, args, log, env=None, source=ROOT):
    """Configure builddir with exactly these arguments; a directory that has them is kept."""
    stamp = os.path.join(builddir, ".setup-args")
    want = json.dumps([args, env])
    try:
        with open(stamp) as f:
            if f.read() == want and os.path.exists(os.path.join(builddir, "build.ninja")):
                return 0
    except OSError:
        pass
    argv = ["meson", "setup", "-Db_colorout=auto"] + args + [builddir, source]
    # Only a directory that Meson knows can be wiped; anything else is what a broken setup left.
    if os.path.exists(os.path.join(builddir, "meson-private", "coredata.dat")):
        argv.insert(2, "--wipe")
    status = run(argv, log, env=env)
    if status == 0:
        with open(stamp, "w") as f:
            f.write(want)
    return status


def introspect(builddir, what):
    out = subprocess.run(["meson", "introspect", builddir, "--" + what], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if out.returncode != 0:
        raise RuntimeError("meson introspect %s: %s" % (builddir, out.stderr.decode()))
    return json.loads(out.stdout)


def suites_of(test):
    """The suites of one introspected test, without the project's name before them."""
    return {s.split(":", 1)[-1] for s in test.get("suite", [])}


class TestResult:
    """One Meson test: an executable, usually with several cases in its TAP output."""

    def __init__(self, record):
        # "dmah:iova / basic" where there are suites, "basic" where there are none
        self.name = record["name"].split(" / ", 1)[-1]
        self.suites = set()
        self.result = record["result"]
        self.status = record.get("returncode")
        self.duration = record.get("duration", 0.0)
        self.stdout = record.get("stdout") or ""
        self.stderr = record.get("stderr") or ""
        self.env = record.get("env") or {}
        self.command = record.get("command") or []
        self.tally = Tally()
        self.green = []    # names of the cases that passed
        self.red = []      # names of the cases that failed
        self.skips = []    # names and reasons of those that were skipped
        self.count()

    def count(self):
        tally = self.tally
        planned = None
        for line in self.stdout.splitlines():
            plan = TAP_PLAN.match(line)
            if plan:
                planned = int(plan.group(1))
                if planned == 0 and plan.group(2):
                    tally.skipped += 1
                    self.skips.append("%s: %s" % (self.name, plan.group(2)))
                continue
            case = TAP_LINE.match(line)
            if not case:
                continue
            verdict, number, name = case.groups()
            skip = TAP_SKIP.search(name)
            if skip:
                tally.skipped += 1
                self.skips.append("%s: %s" % (self.name, skip.group(1) or number))
            elif verdict == "ok":
                tally.passed += 1
                self.green.append(name.split("#")[0].strip() or number)
            else:
                tally.failed += 1
                self.red.append(name.split("#")[0].strip() or number)
        seen = tally.total
        # cmocka prints a skipped case as "not ok N # SKIP", which Meson takes for a failure.
        if (self.result == "FAIL" and self.status == 0 and tally.skipped and not tally.failed
                and seen == planned):
            self.result = "OK"
        if self.result == "SKIP":
            if seen == 0:
                tally.skipped += 1
                self.skips.append(self.name)
        elif self.result in ("OK", "EXPECTEDFAIL"):
            # A test that speaks no TAP counts as one.
            if seen == 0 and planned is None:
                tally.passed += 1
        elif tally.failed == 0:
            # It crashed, hung, or stopped before its plan was done.
            tally.failed += 1
            self.red.append("(%s)" % self.why())
        # stdout that the crash took along can hide cases; a plan that was not kept is a failure
        if planned is not None and seen < planned and not self.red:
            tally.failed += 1
            self.red.append("(%d of %d cases ran)" % (seen, planned))

    def why(self):
        if self.result == "TIMEOUT":
            return "timed out after %.0f s" % self.duration
        status = self.status
        if isinstance(status, int) and status < 0:
            return "killed by signal %d" % -status
        return "%s, exit status %s" % (self.result.lower(), status)


def meson_test(builddir, log, suites=(), without=(), names=(), multiplier=1.0, env=None,
               wrapper=None, nproc=None, timeout=None, cwd=ROOT):
    """Run the tests of a built directory; return (exit status, [TestResult])."""
    # Meson puts the name of a wrapper into that of the file.
    pattern = os.path.join(glob.escape(builddir), "meson-logs", "testlog*.json")
    for old in glob.glob(pattern):
        os.unlink(old)
    argv = ["meson", "test", "-C", builddir, "--no-rebuild", "--num-processes",
            str(nproc or jobs()), "--timeout-multiplier", str(multiplier)]
    for s in suites:
        argv += ["--suite", s]
    for s in without:
        argv += ["--no-suite", s]
    if wrapper:
        argv += ["--wrapper", wrapper]
    argv += list(names)
    status = run(argv, log, env=env, timeout=timeout, cwd=cwd)
    results = []
    suites_by_name = {}
    for t in introspect(builddir, "tests"):
        suites_by_name.setdefault(t["name"], set()).update(suites_of(t))
    for record in glob.glob(pattern):
        with open(record, errors="replace") as f:
            for line in f:
                if line.strip():
                    result = TestResult(json.loads(line))
                    result.suites = suites_by_name.get(result.name, set())
                    results.append(result)
    return status, results


class Clock:
    def __init__(self):
        self.start = time.monotonic()

    def lap(self):
        now = time.monotonic()
        passed = now - self.start
        self.start = now
        return passed
