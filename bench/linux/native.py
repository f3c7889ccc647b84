# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The bound: the library itself on the VT-d format, in a process of this computer, under callgrind."""

import json
import os
import shutil
import subprocess

from boots import ROOT, Trouble

DIR = os.path.join(ROOT, "build", "evidence")
LOG = os.path.join(ROOT, "build", "log", "evidence-native.log")


def run(argv, log):
    if subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                      check=False).returncode:
        raise Trouble("the library's own benchmark: %s failed; %s says why" % (argv[0], LOG))


def version(program):
    """The first line that a program's --version prints; None where it is not installed."""
    if not shutil.which(program):
        return None
    out = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, check=False).stdout.decode()
    return out.split("\n")[0]


def measure(live):
    """Instructions of the bench's rows with so many live mappings: {"rows": ...}, or {"why": there are none}."""
    if not version("valgrind"):
        return {"why": "valgrind is not installed"}
    os.makedirs(os.path.dirname(LOG), exist_ok=True)
    with open(LOG, "w") as log:
        if not os.path.exists(os.path.join(DIR, "build.ninja")):
            shutil.rmtree(DIR, ignore_errors=True)
            # As scripts/bench.sh has it: no assertions, nothing position-independent.
            run(["meson", "setup", DIR, "-Dtests=disabled", "-Dtools=disabled", "-Db_ndebug=true",
                 "-Db_staticpic=false", "-Db_pie=false"], log)
        run(["ninja", "-C", DIR, "bench/dmah-bench"], log)
        out = os.path.join(DIR, "rows.json")
        run([os.path.join(DIR, "bench", "dmah-bench"), "--only-instructions", "--live", str(live), "--json", out],
            log)
    with open(out) as f:
        rows = [r for r in json.load(f) if r["instructions"] is not None]
    if not rows:
        raise Trouble("the library's own benchmark counted nothing; %s says why" % LOG)
    return {"valgrind": version("valgrind"), "compiler": version(os.environ.get("CC", "cc")), "rows": rows}
