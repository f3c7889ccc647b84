#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Compile the files that `dmah convert` changed, by the compiler's lines of a configured kernel.

    convert_compile.py SERIES PATCH [--jobs N] [--limit SECONDS] [--seed S]

The line is recorded from the build of an empty module against the lab's headers of that series, for
amd64 and then, for the files that amd64 cannot compile, for arm64. Each changed .c file, and up to
USERS unchanged .c files beside each changed header, are checked (-fsyntax-only, with the kernel's
warnings), in random order, so that those which a limit of time allows are a fair sample. A file with a message is compiled as it was, too: an error there means that this configuration cannot
compile it (skipped); otherwise each message more than before is a failure. Exit status 1: failures.
"""

import argparse
import concurrent.futures
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "lab"))

from vm import kernels, source  # noqa: E402

# Unchanged files that are checked for each changed header: every use of a handle is in a changed one.
USERS = 1
CLIENT = os.path.join(ROOT, "ports", "linux", "include")
MESSAGE = re.compile(r"^(\S+?):(\d+):\d+: ((?:fatal )?error|warning): (.*)$")
# Parts of a recorded line that are for code and not for the check, or that name the module.
LEAVE = re.compile(r"^-(Wp,|DKBUILD|D__KBUILD|g$|c$|pg$|mrecord|mfentry|fsanitize|fpatchable)")


def recorded(headers):
    """The compiler and its arguments for a module, out of a build of an empty one."""
    with tempfile.TemporaryDirectory(prefix="dmah-convert-flags.") as d:
        with open(os.path.join(d, "Makefile"), "w") as f:
            f.write("obj-m := t.o\n")
        with open(os.path.join(d, "t.c"), "w") as f:
            f.write("#include <linux/module.h>\n")
        arch = "arm64" if headers.rstrip("/").endswith("arm64") else "x86"
        cross = ["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"] if arch == "arm64" else []
        out = subprocess.run(["make", "-C", headers, "M=" + d, "V=1", "t.o"] + cross, text=True,
                             capture_output=True, check=False, stdin=subprocess.DEVNULL).stdout
        line = next((l for l in out.splitlines() if re.match(r"\s*\S*gcc\S* .* -c -o \S*t\.o", l)), None)
        if line is None:
            sys.exit("convert_compile.py: %s does not compile a module" % headers)
    args = shlex.split(line.split(" -c -o ")[0])
    return [args[0]] + [a for a in args[1:] if not LEAVE.match(a)]


def shadow(tree, work, texts):
    """A directory that looks like the tree with the changed files: links, but for those."""
    made = set()

    def directory(d):
        if d in made:
            return
        made.add(d)
        if d:
            directory(os.path.dirname(d))
        here, there = os.path.join(work, d), os.path.join(tree, d)
        if os.path.islink(here):
            os.unlink(here)
        os.makedirs(here, exist_ok=True)
        for entry in os.listdir(there):
            if not os.path.lexists(os.path.join(here, entry)):
                os.symlink(os.path.join(there, entry), os.path.join(here, entry))

    directory("")
    for p, t in texts.items():
        directory(os.path.dirname(p))
        full = os.path.join(work, p)
        os.unlink(full)
        with open(full, "w", errors="surrogateescape", newline="") as f:
            f.write(t)


def makefile_flags(top, path):
    """The -I and -D of the Makefiles of a file's directory and of those above it."""
    out, d = [], os.path.dirname(path)
    while d.count("/") >= 1:
        for name in ("Makefile", "Kbuild"):
            try:
                with open(os.path.join(top, d, name), errors="replace") as f:
                    text = f.read().replace("\\\n", " ")
            except OSError:
                continue
            for flag, value in re.findall(r"(?<=[\s=])-(I|D)\s*((?:\$\([^)]*\)|[^\s)$])+)", text):
                value = value.replace("$(srctree)/$(src)", os.path.join(top, d)).replace(
                    "$(src)", os.path.join(top, d)).replace("$(obj)", os.path.join(top, d)).replace("$(srctree)", top)
                if "$" not in value and value:
                    out.append("-I" + os.path.join(top, value) if flag == "I" else "-D" + value)
        d = os.path.dirname(d)
    return out


def messages(line, top, path):
    """[(kind, text)] that the compiler has for a file."""
    name = re.sub(r"\W", "_", os.path.basename(path)[:-2])
    # A changed header of include/ must be found before the recorded line's own.
    own = ["-I" + os.path.join(top, "include")] if os.path.islink(os.path.join(top, "drivers", "Makefile")) and not \
        os.path.islink(os.path.join(top, "include")) else []
    argv = line[:1] + own + line[1:] + makefile_flags(top, path) + [
        "-I" + os.path.join(top, os.path.dirname(path)), "-I" + CLIENT, "-DMODULE", "-fsyntax-only",
        '-DKBUILD_BASENAME="%s"' % name, '-DKBUILD_MODNAME="%s"' % name, "-D__KBUILD_MODNAME=" + name,
        "-DKBUILD_MODFILE=\"%s\"" % name, os.path.join(top, path)]
    done = subprocess.run(argv, text=True, capture_output=True, errors="replace", check=False,
                          env=dict(os.environ, LC_ALL="C"), stdin=subprocess.DEVNULL)
    return [(m.group(3), m.group(4), os.path.relpath(m.group(1), top) if m.group(1).startswith("/") else m.group(1),
             m.group(2)) for m in map(MESSAGE.match, done.stderr.splitlines()) if m]


def judge(lines, tree, work, path):
    """("compiled" or "skipped" or "failed", messages)"""
    for line in lines:
        after = messages(line, work, path)
        if not after:
            return "compiled", []
        before = messages(line, tree, path)
        if any("error" in m[0] for m in before):
            continue
        old = [m[:2] for m in before]
        new = []
        for m in after:
            if m[:2] in old:
                old.remove(m[:2])
            else:
                new.append("%s:%s: %s: %s" % (m[2], m[3], m[0], m[1]))
        return ("failed", new) if new else ("compiled", [])
    return "skipped", []


def patched(tree, patch, work):
    """{path: new text} of a patch, applied in a work directory."""
    with open(patch, errors="surrogateescape") as f:
        names = re.findall(r"^\+\+\+ b/(\S+)", f.read(), re.M)
    for p in names:
        os.makedirs(os.path.join(work, os.path.dirname(p)), exist_ok=True)
        shutil.copyfile(os.path.join(tree, p), os.path.join(work, p))
    done = subprocess.run(["patch", "-p1", "-s", "-d", work, "-i", os.path.abspath(patch)], check=False)
    if done.returncode:
        sys.exit("convert_compile.py: %s does not apply" % patch)
    out = {}
    for p in names:
        with open(os.path.join(work, p), errors="surrogateescape", newline="") as f:
            out[p] = f.read()
    return out


def read(tree, patch):
    """{path: new text} of a patch."""
    with tempfile.TemporaryDirectory(prefix="dmah-convert-patch.") as d:
        return patched(tree, patch, d)


def concerned(tree, texts):
    """The changed .c files, and those beside a changed header that include it."""
    files = {p for p in texts if p.endswith(".c")}
    headers = [p for p in texts if p.endswith(".h")]
    for h in headers:
        d, users = os.path.dirname(h), 0
        for n in sorted(os.listdir(os.path.join(tree, d))):
            p = os.path.join(d, n)
            if n.endswith(".c") and p not in files and users < USERS:
                with open(os.path.join(tree, p), errors="replace") as f:
                    if os.path.basename(h) in f.read():
                        files.add(p)
                        users += 1
    return sorted(files)


def check(tree, texts, series, jobs, limit=None, seed=1):
    """{path: (verdict, messages)}; files that the time did not suffice for are absent."""
    lines = [recorded(kernels.Kernel(series).headers)]
    arm = series + "-arm64"
    if arm in kernels.KERNELS and shutil.which("aarch64-linux-gnu-gcc"):
        lines.append(recorded(kernels.Kernel(arm).headers))
    files, out, end = concerned(tree, texts), {}, time.monotonic() + (limit or 1e9)
    random.Random(seed).shuffle(files)
    work = tempfile.mkdtemp(prefix="dmah-convert-compile.")
    try:
        shadow(tree, work, texts)

        def one(p):
            return judge(lines, tree, work, p) if time.monotonic() < end else None

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for p, verdict in zip(files, pool.map(one, files)):
                if verdict:
                    out[p] = verdict
                if verdict and verdict[0] == "failed":
                    for l in verdict[1][:4]:
                        sys.stderr.write("failed: %s: %s\n" % (p, l))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return out, len(files)


def summary(tree, texts, series, jobs, limit=None, seed=1):
    """Compile, and print the result. Return the number of files that fail."""
    verdicts, all_files = check(tree, texts, series, jobs, limit, seed)
    count = lambda v: sum(x[0] == v for x in verdicts.values())
    mine = sum(v[0] == "compiled" and p in texts for p, v in verdicts.items())
    print("%d files are changed, %d of them .c. Of these %d compile as before, and %d unchanged users of changed headers; "
          "%d cannot be compiled here, %d fail, %d were not reached." % (
              len(texts), sum(p.endswith(".c") for p in texts), mine, count("compiled") - mine, count("skipped"),
              count("failed"), all_files - len(verdicts)))
    for path, (verdict, lines) in sorted(verdicts.items()):
        if verdict == "failed":
            for l in lines[:4]:
                print("- %s: %s" % (path, l))
    return count("failed")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("series", choices=sorted(source.SUITES))
    p.add_argument("patch")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    p.add_argument("--limit", type=int, help="start no compilation after so many seconds")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    tree = os.path.realpath(source.Source(args.series).dir)
    return 1 if summary(tree, read(tree, args.patch), args.series, args.jobs, args.limit, args.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
