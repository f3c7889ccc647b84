# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""A copy of the source tree that is broken, built and tested, one mutant after the other."""

import copy
import fnmatch
import os
import shutil
import subprocess
import threading
import time

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
# MALLOC_PERTURB_: as meson test does, with a value that is always the same
ENV = {"CMOCKA_MESSAGE_OUTPUT": "TAP", "DMAH_TEST_OPS": "20000", "MALLOC_PERTURB_": "85"}
# Suites about the source text, which every mutant changes.
WITHOUT = {"lint", "headers", "freestanding"}
# A case that runs longer than the program did without a mutant, times this, hangs; but none before LEAST seconds.
HANGS = 20
LEAST = 60


class Stopped(Exception):
    """The whole run is ending."""


class Children:
    """The processes of all benches, so that an end of the run ends them too."""

    def __init__(self):
        self.lock = threading.Lock()
        self.live = set()
        self.stopped = False
        # A program that hangs must not outlive a script that is killed.
        self.prefix = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []

    def run(self, argv, out, err, cwd, env=None, timeout=None):
        """Run argv with its output in the files out and err; return the status, None on a time-out."""
        full = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        full.update(env or {})
        with open(out, "wb") as o, open(err, "wb") as e:
            with self.lock:
                if self.stopped:
                    raise Stopped
                proc = subprocess.Popen(self.prefix + argv, stdin=subprocess.DEVNULL, stdout=o, stderr=e, env=full,
                                        cwd=cwd, start_new_session=True)
                self.live.add(proc)
            try:
                status = proc.wait(timeout)
            except subprocess.TimeoutExpired:
                runner.kill_group(proc)
                status = None
            finally:
                with self.lock:
                    self.live.discard(proc)
        if self.stopped:
            raise Stopped
        return status

    def stop(self):
        with self.lock:
            self.stopped = True
            live = list(self.live)
        for proc in live:
            runner.kill_group(proc)


def copy_tree(source, target):
    """Bring a copy of the source tree up to date; unchanged files keep their time for ninja."""
    keep = set()
    for path, dirs, names in os.walk(source):
        rel = os.path.relpath(path, source)
        if rel == ".":
            dirs[:] = [d for d in dirs if d not in ("build", ".git")]
        for n in names:
            keep.add(os.path.normpath(os.path.join(rel, n)))
    for path, dirs, names in os.walk(target):
        if os.path.relpath(path, target) == ".":
            dirs[:] = [d for d in dirs if d != "build"]
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


class Program:
    """One test that Meson declares: a program with its arguments, or a script.

    cases: the names of its cases, once it has run without a mutant; seconds: its time then
    """

    def __init__(self, test, builddir, files):
        self.name = test["name"]
        self.suites = runner.suites_of(test)
        self.argv = test["cmd"]
        self.env = test.get("env") or {}
        self.cwd = test.get("workdir") or builddir
        self.timeout = test.get("timeout") or None
        self.targets = sorted({os.path.relpath(f, builddir)
                               for ident in test["depends"] for f in files.get(ident, [])})
        self.script = not self.argv[0].startswith(builddir + os.sep)
        self.cases = []
        self.seconds = 0.0

    def moved(self, old, new):
        """The same program in a copy of the place."""
        other = copy.copy(self)
        other.argv = [a.replace(old, new) for a in self.argv]
        other.env = {k: v.replace(old, new) for k, v in self.env.items()}
        other.cwd = self.cwd.replace(old, new)
        return other

    def has(self, pattern):
        return pattern is None or any(fnmatch.fnmatchcase(c, pattern) for c in self.cases)


class Bench:
    """A copy of the tree and its build directories; one worker uses it.

    place: its directory, with the tree, a build directory for each configuration, and logs
    programs: by configuration, those that the mutants need
    """

    def __init__(self, source, place, number, children):
        self.source = source
        self.place = os.path.join(place, str(number))
        self.tree = os.path.join(self.place, "tree")
        self.log = os.path.join(self.place, "log")
        self.children = children
        self.programs = {}

    def prepare(self, config, suites):
        """Configure, and build what these suites need, without a mutant; return what went wrong or None."""
        if not self.programs:
            copy_tree(self.source, self.tree)
            os.makedirs(self.log, exist_ok=True)
        builddir = os.path.join(self.place, config)
        log = os.path.join(self.log, config + "-setup.log")
        args = [a for a in CONFIGS[config] if not a.startswith("CC=")] + ALWAYS
        cc = [a[3:] for a in CONFIGS[config] if a.startswith("CC=")] or ["gcc"]
        if runner.setup(builddir, args, log, env={"CC": cc[0]}, source=self.tree) != 0:
            return "the copy cannot be configured:\n" + runner.tail(log)
        # Meson files that have changed declare other tests.
        if self.ninja(config, ["build.ninja"], config + "-setup") != 0:
            return "the copy cannot be configured:\n" + runner.tail(log)
        files = {t["id"]: t["filename"] for t in runner.introspect(builddir, "targets")}
        self.programs[config] = [
            p for p in (Program(t, builddir, files) for t in runner.introspect(builddir, "tests"))
            if p.suites & set(suites) and not p.suites & WITHOUT]
        if self.build(config, self.programs[config], config + "-build", runner.jobs()) != 0:
            return ("the copy does not build without a mutant:\n"
                    + runner.tail(os.path.join(self.log, config + "-build.log")))
        return None

    def twin(self, place, number):
        """A copy of this bench as it is, built: nothing in a build directory names the place but its tests."""
        other = Bench(self.source, place, number, self.children)
        shutil.rmtree(other.place, ignore_errors=True)
        subprocess.run(["cp", "-a", self.place, other.place], check=True, stdin=subprocess.DEVNULL)
        other.adopt(self)
        return other

    def adopt(self, first):
        """Take over from the first bench what it knows about the programs."""
        if first is not self:
            self.programs = {c: [p.moved(first.place, self.place) for p in ps]
                             for c, ps in first.programs.items()}

    def ninja(self, config, targets, name, jobs=1):
        log = os.path.join(self.log, name + ".log")
        return self.children.run(["ninja", "-j", str(jobs)] + targets, log, log + ".err",
                                 os.path.join(self.place, config), timeout=1200)

    def build(self, config, programs, name, jobs=1):
        targets = sorted({t for p in programs for t in p.targets})
        if not targets:
            return 0    # scripts that build what they boot; to ninja, no target is every target
        return self.ninja(config, targets, name, jobs)

    def run(self, program, name, pattern=None, most=None):
        """Run a program, or of its cases those that fit the pattern: a runner.TestResult."""
        log = os.path.join(self.log, "%s.%s" % (name, program.name.replace(os.sep, "-")))
        bound = 2 * program.timeout if program.timeout else None
        if most:
            bound = min(bound or most, most)
        env = dict(ENV, **program.env)
        if pattern:
            env["DMAH_TEST_CASE"] = pattern
        start = time.monotonic()
        status = self.children.run(program.argv, log + ".out", log + ".err", program.cwd, env, bound)
        text = []
        for path in (log + ".out", log + ".err"):
            with open(path, errors="replace") as f:
                text.append(f.read())
        result = runner.TestResult({
            "name": program.name, "returncode": status, "duration": time.monotonic() - start,
            "result": {None: "TIMEOUT", 0: "OK", 77: "SKIP"}.get(status, "FAIL"),
            "stdout": text[0], "stderr": text[1], "command": program.argv, "env": env})
        result.suites = program.suites
        return result

    def attempt(self, m, most):
        """Apply a mutant, build, test, take back. Return (caught, what happened, True for a hang)."""
        saved = {}
        try:
            for name, old, new in m.edits:
                path = os.path.join(self.tree, name)
                try:
                    with open(path, encoding="utf-8") as f:
                        text = f.read()
                except OSError as err:
                    return False, "does not apply: %s: %s" % (name, err.strerror), False
                saved.setdefault(path, text)
                times = text.count(old)
                if times != 1:
                    return False, "does not apply: %s has the old text %d times, not once" % (
                        name, times), False
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text.replace(old, new))
            return self.test(m, most)
        finally:
            for path, text in saved.items():
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)

    def test(self, m, most):
        """Run what must go red, the shortest program first: the cases that are named, else all of its suites."""
        steps = []
        for suite, pattern in m.expect:
            fit = [p for p in self.programs[m.config] if suite in p.suites and p.has(pattern)]
            if not fit:
                return False, "there is no suite '%s'" % suite + (
                    " with a case '%s'" % pattern if pattern else ""), False
            steps += [(p, suite, pattern) for p in fit]
        steps.sort(key=lambda step: step[0].seconds)
        red = []
        for p, suite, pattern in steps:
            done = self.step(m, p, suite, pattern, max(LEAST, HANGS * p.seconds), red)
            if done:
                return done
        # A case may need what those before it left.
        whole = [(p, s, c) for p, s, c in steps if c is not None and not p.script]
        for p, suite, pattern in whole:
            done = self.step(m, p, suite, pattern, most, red, whole=True)
            if done:
                return done
        if red:
            return False, "SURVIVED the cases it names; red was only: " + ", ".join(
                sorted(set(red))), False
        return False, "SURVIVED", False

    def step(self, m, p, suite, pattern, most, red, whole=False):
        """Build and run one program for one of the expectations; None where that case stays green."""
        if self.build(m.config, [p], m.name + ".build") != 0:
            return False, "does not compile:\n" + runner.tail(
                os.path.join(self.log, m.name + ".build.log"), 15), False
        # cmocka's patterns have no brackets.
        result = self.run(p, m.name, None if whole or "[" in (pattern or "") else pattern, most)
        bail = [l for l in result.stdout.splitlines() if l.startswith("Bail out!")]
        if p.script and bail:
            return False, "does not run: %s: %s" % (p.name, bail[0]), False
        for case in result.red:
            # A crash or a hang takes the names of the cases along: it counts as any of them.
            if pattern is None or case.startswith("(") or fnmatch.fnmatchcase(case, pattern):
                return True, "%s: %s" % (p.name, case), result.result == "TIMEOUT"
            red.append("%s: %s" % (p.name, case))
        return None
