#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Build the project in every configuration and run its suites there.

Each configuration is a Meson build directory below build/. The individual cases are counted (the
lines of TAP that cmocka prints), one line is printed for each configuration, then the output of
whatever failed, and last of all exactly "N passed, N failed, N skipped". The exit status is 0 only
if something ran and nothing failed.
"""

import argparse
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

import runner

# Suites about the source text, about models or about other compilers: their result does not depend
# on the configuration, so they run once, in the native one. So does what drives QEMU's machines
# or boots kernels on them.
ONCE = ["headers", "convert", "freestanding", "lint", "packaging", "scripts", "fw", "spin", "qemu", "vm", "linux", "xen", "evidence", "series",
        "example-kernel", "porting-guide", "inject-machines"]
# Boots of a kind that a shorter suite tries on another kernel, models of which nothing changed with the code, and
# measurements. `make test-long` runs them, and so does .ci/run.
LONG = ["amdvi-long", "smmuv2-long", "viommu-long", "examples-long", "stages-long", "inject-long", "linux-long", "convert-long", "vm-long", "spin", "evidence", "series-long"]
ONCE += LONG
# Long tests that `make test` leaves out although a suite of theirs is in it: `make test SUITE=name` and `make test-long` run them.
ASKED = ["convert-boot", "porting-guide", "linux-6.1-untrusted", "linux-6.12-lazy", "linux-build-6.1", "linux-build-6.1-arm64",
         "machines-fast", "record-6.12-lazy", "vm-6.1"]
# Cross builds are slow under emulation. `make test` runs what depends most on the architecture; `make test-long` the rest.
CROSS = ["pt", "units", "invariants", "memory", "devices"]
# `make quick`: the suites that find most, on the native build.
QUICK = ["pt", "units", "invariants", "memory", "devices", "rings", "lint"]

UBSAN = "print_stacktrace=1:halt_on_error=1"
ASAN = "abort_on_error=0:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
TSAN = "halt_on_error=1:second_deadlock_stack=1"


class Config:
    """A build and its suites.

    Of its suites `make test` runs those of now, where there are any, but none of later; `make test-long`
    the others. Time-outs are those of the tests times multiplier: none is below ten times the need.
    """

    def __init__(self, name, what, args, env=None, cc=None, suites=(), without=(), now=(), later=(),
                 multiplier=1.0, need=(), arch=None, wrapper=None):
        self.name = name
        self.what = what
        self.args = args
        self.env = env or {}
        self.cc = cc
        self.suites = list(suites)
        self.without = list(without)
        self.now = list(now)
        self.later = list(later)
        self.multiplier = multiplier
        self.need = list(need)
        self.arch = arch
        self.wrapper = wrapper
        self.dir = os.path.join(runner.BUILD, name)


def cross(name, arch, triplet, qemu, operations):
    return Config(name, "%s, %s" % (triplet, qemu),
                  ["--cross-file", "cross/%s.ini" % arch, "-Dtools=disabled", "-Dtests=enabled",
                   "-Dpkg_config_path=%s/cmocka/%s/lib/pkgconfig" % (runner.BUILD, arch)],
                  env={"DMAH_TEST_OPS": operations}, without=ONCE, now=CROSS, multiplier=30.0,
                  need=[triplet + "-gcc", qemu], arch=arch)


def configurations():
    """In the order in which they run: what finds most first."""
    return [
        Config("native", "gcc", ["-Dtools=enabled", "-Dtests=enabled"], cc="gcc", need=["gcc"],
               later=LONG + ASKED, multiplier=10.0),
        Config("check", "gcc, -Dcheck=true",
               ["-Dcheck=true", "-Dtools=enabled", "-Dtests=enabled"], cc="gcc", need=["gcc"],
               without=ONCE, multiplier=10.0),
        Config("asan", "clang, address and undefined-behaviour sanitizers, fuzz corpus",
               ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dfuzz=true",
                "-Dc_args=-fno-sanitize-recover=all -fno-omit-frame-pointer",
                "-Dtools=enabled", "-Dtests=enabled"],
               cc="clang-14", need=["clang-14"], without=ONCE, later=["replay-bundled", "soak"],
               multiplier=20.0,
               env={"ASAN_OPTIONS": ASAN, "UBSAN_OPTIONS": UBSAN}),
        Config("tsan", "clang, thread sanitizer",
               ["-Db_sanitize=thread", "-Db_lundef=false", "-Dtools=disabled", "-Dtests=enabled"],
               # One thread each, and long: there is nothing that this sanitizer could find.
               cc="clang-14", need=["clang-14"], without=ONCE + ["drivers", "faults"], now=["concurrent"],
               multiplier=30.0,
               env={"TSAN_OPTIONS": TSAN, "DMAH_TEST_OPS": "20000"}, wrapper=no_aslr()),
        # Each file of src/ is in other configurations too: here is the question if one file of them all behaves as they do.
        Config("one-file", "gcc, -Damalgamation=true: the library as make dist makes it",
               ["-Damalgamation=true", "-Dtools=disabled", "-Dtests=enabled"], cc="gcc", need=["gcc"],
               suites=["shared", "units", "drivers"], without=ONCE, now=["units", "invariants", "memory", "devices"],
               multiplier=10.0,
               env={"DMAH_TEST_OPS": "20000"}),
        cross("aarch64", "aarch64", "aarch64-linux-gnu", "qemu-aarch64", "20000"),
        cross("armhf", "armhf", "arm-linux-gnueabihf", "qemu-arm", "20000"),
        cross("riscv64", "riscv64", "riscv64-linux-gnu", "qemu-riscv64", "20000"),
    ]


def soak_configurations():
    ops = os.environ.get("SOAK_OPS", "10000000")
    out = []
    for c in configurations():
        if c.name in ("native", "check"):
            c.suites = ["soak"]
            c.env["DMAH_TEST_OPS"] = ops
            c.multiplier = 0  # no time-outs
            out.append(c)
    return out


def no_aslr():
    """ThreadSanitizer of clang 14 cannot live with the address randomisation of newer kernels."""
    argv = ["setarch", os.uname().machine, "-R"]
    try:
        if subprocess.run(argv + ["true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            return " ".join(argv)
    except OSError:
        pass
    return None


class Run:
    """The outcome of one configuration."""

    def __init__(self, config):
        self.config = config
        self.tally = runner.Tally()
        self.trouble = []  # (headline, text)
        self.skips = []
        self.build_time = 0.0
        self.test_time = 0.0
        self.empty = False

    def broke(self, headline, text):
        self.tally.failed += 1
        self.trouble.append((headline, text))

    def line(self):
        return "%-8s %s  (build %.0f s, tests %.0f s; %s)" % (
            self.config.name, self.tally, self.build_time, self.test_time, self.config.what)


def plan(config, wanted, part):
    """Return the suites that a configuration runs and those that it leaves out; None: it has no part.

    No suite to run means every one. A test that is in one of both kinds is left out.
    """
    if wanted:
        return wanted, config.without + [s for s in LONG if s not in wanted]
    if part != "long":
        return config.now or config.suites, config.without + [s for s in LONG + config.later
                                                              if s not in config.without]
    if config.now:
        return config.suites, config.without + config.now
    if config.later:
        return config.later, config.without
    return None


def targets(config, suites, without):
    """Return what ninja has to build for these suites; None where the configuration has no test of them."""
    files = {t["id"]: t["filename"] for t in runner.introspect(config.dir, "targets")}
    out = set()
    found = False
    for t in runner.introspect(config.dir, "tests"):
        own = runner.suites_of(t)
        if own & set(without) or (suites and not own & set(suites)):
            continue
        found = True
        for ident in t["depends"]:
            out.update(os.path.relpath(f, config.dir) for f in files.get(ident, []))
    return sorted(out) if found else None


def execute(config, suites, without):
    res = Run(config)
    clock = runner.Clock()
    for tool in config.need:
        if not shutil.which(tool):
            res.broke("%s: %s is not installed" % (config.name, tool),
                      "scripts/deps.sh test installs it.\n")
            return res
    log = os.path.join(runner.LOG, config.name)
    if config.arch:
        status = runner.run(["sh", "scripts/cross-cmocka.sh", config.arch], log + ".cmocka.log")
        if status != 0:
            res.broke("%s: cmocka could not be built" % config.name,
                      runner.tail(log + ".cmocka.log"))
            return res
    env = {"CC": config.cc} if config.cc else {}
    status = runner.setup(config.dir, config.args, log + ".setup.log", env=env)
    if status != 0:
        res.broke("%s: configuration failed" % config.name, runner.tail(log + ".setup.log"))
        return res
    # Meson files that have changed declare other tests: they are read anew before the tests are listed.
    status = runner.run(["ninja", "-C", config.dir, "build.ninja"], log + ".build.log")
    if status != 0:
        res.broke("%s: configuration failed" % config.name, runner.tail(log + ".build.log"))
        return res
    # The native build is built as a whole, so that what no test uses is compiled too.
    wanted = targets(config, suites, without)
    if wanted is None:
        res.empty = True
        return res
    if config.name == "native" and not suites:
        wanted = []
    status = 0
    if wanted or not suites:
        status = runner.run(["ninja", "-C", config.dir, "-k", "20", "-j", str(runner.jobs())] + wanted,
                            log + ".build.log")
    if status != 0:
        res.broke("%s: build failed" % config.name, runner.tail(log + ".build.log", 80))
        return res
    res.build_time = clock.lap()

    # Meson joins several --suite with "or".
    status, results = runner.meson_test(
        config.dir, log + ".test.log", suites=suites, without=without,
        env=test_env(config), multiplier=config.multiplier, wrapper=config.wrapper)
    res.test_time = clock.lap()
    for r in results:
        res.tally.add(r.tally)
        res.skips += ["%s: %s" % (config.name, s) for s in r.skips]
        if r.tally.failed:
            res.trouble.append(("%s: %s: %s" % (config.name, r.name, ", ".join(r.red)),
                                output_of(r)))
    if not results:
        res.broke("%s: no test ran" % config.name, runner.tail(log + ".test.log"))
    elif status != 0 and not res.tally.failed and not res.tally.skipped:
        res.broke("%s: meson test failed (status %s) though no case did" % (config.name, status),
                  runner.tail(log + ".test.log"))
    return res


def test_env(config):
    env = {"CMOCKA_MESSAGE_OUTPUT": "TAP"}
    for name, value in config.env.items():
        env[name] = value
    if shutil.which("llvm-symbolizer-14"):
        env["ASAN_SYMBOLIZER_PATH"] = shutil.which("llvm-symbolizer-14")
        if "TSAN_OPTIONS" in env:
            env["TSAN_OPTIONS"] += ":external_symbolizer_path=" + env["ASAN_SYMBOLIZER_PATH"]
    return env


def output_of(result, limit=12000):
    """The output of a failed test, without the lines of its cases that passed."""
    lines = [l for l in result.stdout.splitlines() if not l.startswith("ok ")]
    text = "\n".join(lines + result.stderr.splitlines()) + "\n"
    if len(text) > limit:
        text = text[:limit // 2] + "\n[...]\n" + text[-limit // 2:]
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--suite", action="append", default=[], help="run this suite only")
    parser.add_argument("--config", action="append", default=[], help="in this configuration only")
    parser.add_argument("--soak", action="store_true",
                        help="the random tests only, SOAK_OPS operations each")
    parser.add_argument("--long", action="store_true",
                        help="what is left out otherwise: long suites, and cross builds in full")
    parser.add_argument("--quick", action="store_true",
                        help="one build and the suites that find most")
    parser.add_argument("--list", action="store_true", help="list the configurations")
    args = parser.parse_args()
    wanted = args.suite or os.environ.get("SUITE", "").split()
    only = args.config or os.environ.get("CONFIG", "").split()
    if args.quick:
        wanted, only = wanted or QUICK, only or ["native"]

    configs = soak_configurations() if args.soak else configurations()
    if args.list:
        for c in configs:
            print("%-8s %s" % (c.name, c.what))
        return
    unknown = set(only) - {c.name for c in configs}
    if unknown:
        sys.exit("test.py: no such configuration: %s (--list shows them)" % ", ".join(unknown))
    # A suite that runs once needs none of the other builds.
    if wanted and not only and set(wanted) <= set(ONCE):
        only = ["native"]

    os.chdir(runner.ROOT)
    clock = runner.Clock()
    total = runner.Tally()
    trouble = []
    skips = []
    for config in configs:
        if only and config.name not in only:
            continue
        if sys.stdout.isatty():
            print("%-8s ..." % config.name, end="\r", flush=True)
        part = plan(config, wanted, "long" if args.long else "test")
        if part is None:
            continue
        res = execute(config, *part)
        if res.empty:
            if not wanted:
                res.broke("%s: has no tests" % config.name, "")
            else:
                continue
        print(res.line(), flush=True)
        total.add(res.tally)
        trouble += res.trouble
        skips += res.skips
    if skips:
        print("\nskipped:")
        for s in skips:
            print("  " + s)
    for headline, text in trouble:
        print("\n---- FAILED %s" % headline)
        print(text, end="")
    if trouble:
        print("\nfailed:")
        for headline, _ in trouble:
            print("  " + headline)
    if wanted and total.total == 0:
        print("no tests in suite %s" % ", ".join(wanted))
    print("\ntook %.0f s; logs are in build/log" % clock.lap())
    runner.finish(total)


if __name__ == "__main__":
    main()
