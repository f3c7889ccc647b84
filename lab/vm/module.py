# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Kernel modules: built out of tree against a fetched kernel, and read."""

import fcntl
import glob
import lzma
import os
import shutil
import subprocess

from . import cache

ARCH = {"amd64": ("x86", ""), "arm64": ("arm64", "aarch64-linux-gnu-")}


def cross(arch):
    """ARCH and CROSS_COMPILE for a Debian architecture, on this machine."""
    name, prefix = ARCH[arch]
    native = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine)
    if arch == native:
        prefix = ""
    elif not prefix:
        prefix = "x86_64-linux-gnu-"
    return name, prefix


def build(kernel, source, out, also=(), args=(), log=None):
    """Build the modules of the directory source (it has a Kbuild or a Makefile with obj-m).

    The tree is mirrored with links into the directory out, and built there: one source serves
    several kernels, and nothing is written beside it. What a directory of this project takes from
    others is named in also (["src", "include"]) and keeps its place, so that ../../src/core/map.o
    is there too. args goes to make, for instance KBUILD_EXTRA_SYMBOLS=....

    Return: the .ko files, without debug information; they are in out/ko. What make said is in log
    (out/make.log), and Module.symvers beside what was built: symvers(source, out).
    """
    source = os.path.abspath(source)
    if not os.path.isdir(source):
        raise cache.Error("%s is no directory with a module's source" % source)
    os.makedirs(out, exist_ok=True)
    log = log or os.path.join(out, "make.log")
    arch, prefix = cross(kernel.arch)
    for tool in ("make", prefix + "gcc", prefix + "strip"):
        if not shutil.which(tool):
            raise cache.Error("%s is not installed (scripts/deps.sh test installs it)" % tool)
    with open(os.path.join(out, ".lock"), "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        work = place(source, out)
        for tree in [source] + [os.path.join(cache.ROOT, a) for a in also]:
            mirror(tree, place(tree, out))
        argv = ["make", "-C", kernel.headers, "M=" + work, "ARCH=" + arch,
                "CROSS_COMPILE=" + prefix,
                # it would need the kernel's own debug information
                "CONFIG_DEBUG_INFO_BTF_MODULES=", "-j%d" % (os.cpu_count() or 1)]
        argv += list(args) + ["modules"]
        make(argv, log, "building %s for linux %s" % (source, kernel.release))
        try:
            with open(os.path.join(work, "modules.order")) as f:
                names = [os.path.basename(line.strip()) for line in f if line.strip()]
        except FileNotFoundError:
            names = []
        if not names:
            raise cache.Error("building %s for linux %s made no module (%s)"
                              % (source, kernel.release, log))
        os.makedirs(os.path.join(out, "ko"), exist_ok=True)
        made = []
        for name in names:
            ko = os.path.splitext(name)[0] + ".ko"  # 6.12 lists the objects
            found = glob.glob(os.path.join(glob.escape(work), "**", ko), recursive=True)[0]
            made.append(os.path.join(out, "ko", ko))
            # The file with debug information stays where it was built, for a debugger.
            strip(prefix, found, made[-1])
    return made


def make(argv, log, doing):
    """Run a command that builds; what it says goes to the file log. doing: for the error."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    with open(log, "w") as f:
        f.write("$ %s\n" % " ".join(argv))
        f.flush()
        status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=f, env=env,
                                stderr=subprocess.STDOUT, check=False).returncode
    if status != 0:
        with open(log, errors="replace") as f:
            end = "".join(f.readlines()[-40:])
        raise cache.Error("%s failed (%s):\n%s" % (doing, log, end))


def strip(prefix, built, to):
    """Write the module built without debug information to the file to."""
    subprocess.run([prefix + "strip", "--strip-debug", "-o", to, built], check=True,
                   stdin=subprocess.DEVNULL)


def place(tree, out):
    """Returns the place of a directory below out."""
    rel = os.path.relpath(tree, cache.ROOT)
    return os.path.join(os.path.abspath(out), "module" if rel.startswith("..") else rel)


def symvers(source, out):
    """The Module.symvers that build() left, for KBUILD_EXTRA_SYMBOLS of a module that builds on it."""
    return os.path.join(place(os.path.abspath(source), out), "Module.symvers")


def mirror(tree, into):
    """Directories below tree are made below into, and its files linked; links to what is gone go."""
    want = {}
    for path, dirs, files in os.walk(tree):
        dirs[:] = [d for d in dirs if not d.startswith(".")]
        rel = os.path.relpath(path, tree)
        os.makedirs(os.path.join(into, rel), exist_ok=True)
        for name in files:
            want[os.path.normpath(os.path.join(into, rel, name))] = os.path.join(path, name)
    for path, _, files in os.walk(into):
        for name in files:
            full = os.path.join(path, name)
            if os.path.islink(full) and full not in want and not os.path.exists(full):
                os.unlink(full)
    for link, target in want.items():
        if not (os.path.islink(link) and os.readlink(link) == target):
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(target, link)


def contents(path):
    """A module's bytes; backports compress them."""
    with open(path, "rb") as f:
        data = f.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def file_name(path):
    """The name of a module's file without compression."""
    name = os.path.basename(path)
    return name[:-len(".xz")] if name.endswith(".xz") else name
