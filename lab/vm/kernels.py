# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The stock kernels to boot, their headers, and what else comes from Debian's packages.

Packages are found through the meta packages, so what is fetched is the newest build; once it is in
the cache it stays until it is fetched anew (fetch --update), and nothing needs the network.
"""

import glob
import json
import os
import re
import shutil

from . import apt, cache

# name: architecture and suite
KERNELS = {
    "6.1": ("amd64", apt.RELEASE),
    "6.12": ("amd64", apt.BACKPORTS),
    "6.1-arm64": ("arm64", apt.RELEASE),
    "6.12-arm64": ("arm64", apt.BACKPORTS),
    "7.3": ("amd64", apt.NEXT_BACKPORTS),
    "7.3-arm64": ("arm64", apt.NEXT_BACKPORTS),
}

# Drivers that no test here uses and that make up most of a kernel's package.
LEAVE_OUT = [top + "/modules/*/kernel/" + d for top in ("./lib", "./usr/lib") for d in (
    "drivers/gpu", "drivers/media", "drivers/net/wireless", "drivers/infiniband", "drivers/staging",
    "drivers/iio", "drivers/usb", "drivers/scsi", "drivers/hwmon", "drivers/input", "drivers/isdn",
    "drivers/hid", "sound")] + ["./usr/share/doc", "./boot/System.map-*", "./usr/lib/modules/*/System.map"]

# Debian 13's tools were linked with a newer C library than Debian 12 has. These packages hold that
# library and the others that the tools load.
TOOL_LIBRARIES = ("libc6", "libelf1t64", "zlib1g", "libzstd1")


class Kernel:
    """A kernel that can be booted, and built against once its headers are there."""

    def __init__(self, name, again=False, whole=False):
        """whole: with the drivers that LEAVE_OUT names, too."""
        if name not in KERNELS:
            raise cache.Error("no kernel %s (there are %s)" % (name, ", ".join(KERNELS)))
        self.name = name
        self.arch, self.suite = KERNELS[name]
        self.whole = whole
        self.dir = cache.made("kernel/" + name + ("-whole" if whole else ""), self.fill, again)
        with open(os.path.join(self.dir, "info.json")) as f:
            info = json.load(f)
        self.release = info["release"]     # as uname -r
        self.version = info["version"]     # of the Debian package
        self.image = os.path.join(self.dir, "boot", "vmlinuz-" + self.release)
        self.modules = os.path.join(self.dir, "lib", "modules", self.release)

    def fill(self, into):
        archive = apt.Archive(self.arch, self.suite)
        archive.refresh()
        meta = "linux-image-" + self.arch
        names = [d for d in archive.depends(meta) if d.startswith("linux-image-")]
        if len(names) != 1:
            raise cache.Error("%s: %s does not depend on one kernel" % (archive.name, meta))
        leave_out = [] if self.whole else LEAVE_OUT
        release = names[0][len("linux-image-"):]
        if self.suite == apt.NEXT_BACKPORTS:
            # The image's package is empty there: these hold what it held.
            archive.unpack(["linux-%s-%s" % (part, release) for part in ("base", "binary", "modules")], into,
                           leave_out)
            older_layout(into, release)
        else:
            archive.unpack(names, into, leave_out)
        if not os.path.exists(os.path.join(into, "boot", "vmlinuz-" + release)):
            raise cache.Error("%s has no boot/vmlinuz-%s" % (names[0], release))
        write_info(into, release=release, version=archive.fields(names[0])["Version"])

    @property
    def headers(self):
        """The directory for make -C; fetched on first use. The tools in it run on amd64."""
        return Headers(self.release, self.arch, self.suite).dir

    def config(self, option):
        """The value of a configuration option, "" where it is not set."""
        with open(os.path.join(self.dir, "boot", "config-" + self.release)) as f:
            m = re.search(r"^CONFIG_%s=(.*)$" % re.escape(option), f.read(), re.M)
        return m.group(1) if m else ""

    def module_files(self, *names):
        """The files of modules of the kernel and of all that they need, in the order to load them.

        A module that is built in needs no file.
        """
        base = os.path.dirname(os.path.dirname(os.path.dirname(self.modules)))
        plain = lambda path: re.sub(r"\.ko(\.\w+)?$", "", os.path.basename(path)).replace("-", "_")
        files = {}
        for path in glob.glob(os.path.join(self.modules, "kernel", "**", "*.ko*"), recursive=True):
            files[plain(path)] = path
        with open(os.path.join(self.modules, "modules.builtin")) as f:
            builtin = {plain(line.strip()) for line in f}
        order = []

        def add(name, needed_by):
            name = name.replace("-", "_")
            if name in builtin or files.get(name) in order:
                return
            if name not in files:
                raise cache.Error("linux %s (%s) has no module %s%s"
                                  % (self.release, base, name, needed_by))
            for dep in module_depends(files[name]):
                add(dep, ", which %s needs" % name)
            order.append(files[name])

        for name in names:
            add(name, "")
        return order


def older_layout(into, release):
    """Moves a kernel to the places that older packages have: everything of it is in /usr/lib/modules."""
    os.makedirs(os.path.join(into, "boot"), exist_ok=True)
    os.makedirs(os.path.join(into, "lib"), exist_ok=True)
    os.rename(os.path.join(into, "usr", "lib", "modules"), os.path.join(into, "lib", "modules"))
    for name in ("vmlinuz", "config"):
        os.rename(os.path.join(into, "lib", "modules", release, name),
                  os.path.join(into, "boot", "%s-%s" % (name, release)))


# Runs a tool of a kernel's headers with the C library that lies beside it.
TOOL = """#!/bin/sh
# The tool needs a newer C library than the system may have. A front end finds other tools by its own name.
here=$(dirname "$(readlink -f "$0")")
exec "$here/%(up)s/lib64/ld-linux-x86-64.so.2" --library-path "$here/%(up)s/lib" --argv0 "$here/%(name)s" \
	"$here/%(name)s.elf" "$@"
"""


def own_library(into):
    """Unpacks a C library below into/tools, and has every program of the kernel's build run with it."""
    tools = os.path.join(into, "tools")
    os.makedirs(os.path.join(tools, "lib"))
    archive = apt.Archive("amd64", apt.NEXT)
    archive.refresh()
    archive.unpack(list(TOOL_LIBRARIES), tools, ["./usr/share"])
    for path in glob.glob(os.path.join(tools, "usr", "lib", "x86_64-linux-gnu", "*.so*")):
        os.rename(path, os.path.join(tools, "lib", os.path.basename(path)))
    os.makedirs(os.path.join(tools, "lib64"), exist_ok=True)
    os.rename(os.path.join(tools, "lib", "ld-linux-x86-64.so.2"), os.path.join(tools, "lib64", "ld-linux-x86-64.so.2"))
    shutil.rmtree(os.path.join(tools, "usr"))
    for path, _, names in os.walk(os.path.join(into, "usr", "lib")):
        for name in names:
            program = os.path.join(path, name)
            if os.path.islink(program) or not is_elf_program(program):
                continue
            os.rename(program, program + ".elf")
            with open(program, "w") as f:
                f.write(TOOL % {"up": os.path.relpath(tools, path), "name": name})
            os.chmod(program, 0o755)


def is_elf_program(path):
    """Returns true for a program of this format that may be run."""
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF" and os.access(path, os.X_OK) and not path.endswith(".so")


# Debian 13's kernels are built with GCC 14. Debian 12's GCC 12 makes modules for them too, but for
# one option that it does not know, which has an older form; pahole makes nothing for a module here.
OLDER_COMPILER = """CC = $(CROSS_COMPILE)gcc
override CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT :=
override CONFIG_PAHOLE_VERSION = $(PAHOLE_VERSION)
"""
# The tracer of arm64 needs functions at multiples of 8, which only that option promises: a module's
# functions are left out of it.
OLDER_COMPILER_ARM64 = "override CC_FLAGS_FTRACE :=\n"


def own_compiler(headers, arch):
    """Has a kernel's headers use this machine's compiler."""
    lines = OLDER_COMPILER + (OLDER_COMPILER_ARM64 if arch == "arm64" else "")
    path = os.path.join(headers, ".kernelvariables")
    with open(path) as f:
        text, n = re.subn(r"^CC = .*\n", lines, f.read(), flags=re.M)
    if n != 1:
        raise cache.Error("%s: its .kernelvariables is not as expected" % headers)
    with open(path, "w") as f:
        f.write(text)


class Headers:
    """A kernel's headers, with the tools that building against them runs.

    release, arch, suite: the kernel's, as uname -r says it, and of its Debian package
    """

    def __init__(self, release, arch, suite):
        self.release = release
        self.arch = arch
        self.suite = suite
        # The release is part of the name: headers of another build would not do.
        self.top = cache.made("headers/" + release, self.fill)
        self.dir = os.path.join(self.top, "usr", "src", "linux-headers-" + release)

    def fill(self, into):
        archive = apt.Archive(self.arch, self.suite)
        archive.refresh()
        package = "linux-headers-" + self.release
        try:
            deps = archive.depends(package)
        except cache.Error as err:
            raise cache.Error("%s\n  (the kernel in the cache may be older than the archive: "
                              "fetch it anew with --update)" % err) from err
        common = [d for d in deps if re.match(r"linux-headers-.*-common$", d)]
        kbuild = [d for d in deps if d.startswith("linux-kbuild-")]
        if not common or not kbuild:
            raise cache.Error("%s: %s names no common headers or no kbuild" % (archive.name, package))
        archive.unpack([package] + common, into)
        # modpost and its like run here, whatever they build for.
        host = apt.Archive("amd64", self.suite)
        host.refresh()
        host.unpack(kbuild, into)
        src = os.path.join(into, "usr", "src")
        if self.suite == apt.NEXT_BACKPORTS:
            own_library(into)
            own_compiler(os.path.join(src, package), self.arch)
        path = os.path.join(src, package, "Makefile")
        with open(path) as f:
            text = f.read()
        # The package takes it for granted that it is installed in /usr/src.
        here = "$(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))"
        text, n = re.subn(r"^include /usr/src/(\S+)$", "include " + here + r"/../\1", text, flags=re.M)
        text = text.replace("KBUILD_OUTPUT=/usr/src/" + package, "KBUILD_OUTPUT := " + here)
        if n != 1:
            raise cache.Error("%s: its Makefile is not as expected" % package)
        with open(path, "w") as f:
            f.write(text)


def find_headers(wanted):
    """(headers directory, Debian architecture) of a name of KERNELS, or of a release as uname -r says it.

    Headers that are in the cache need no network. Of a name the newest release is taken.
    """
    if wanted in KERNELS:
        arch, suite = KERNELS[wanted]
        if os.path.exists(os.path.join(cache.top(), "kernel", wanted, "info.json")):
            return Kernel(wanted).headers, arch
        archive = apt.Archive(arch, suite)
        archive.refresh()
        names = [d for d in archive.depends("linux-headers-" + arch) if d.startswith("linux-headers-")]
        if len(names) != 1:
            raise cache.Error("%s: linux-headers-%s does not depend on one package" % (archive.name, arch))
        return Headers(names[0][len("linux-headers-"):], arch, suite).dir, arch
    arch = "arm64" if wanted.endswith("-arm64") else "amd64"
    if os.path.isdir(os.path.join(cache.top(), "headers", wanted)):
        return Headers(wanted, arch, apt.RELEASE).dir, arch
    for suite in (apt.RELEASE, apt.BACKPORTS, apt.NEXT_BACKPORTS):
        archive = apt.Archive(arch, suite)
        archive.refresh()
        try:
            archive.fields("linux-headers-" + wanted)
        except cache.Error:
            continue
        return Headers(wanted, arch, suite).dir, arch
    raise cache.Error("Debian's archive (%s, %s, %s) has no linux-headers-%s"
                      % (apt.RELEASE, apt.BACKPORTS, apt.NEXT_BACKPORTS, wanted))


class Extra:
    """Something else from a package: files by the name of the package that has them."""

    def __init__(self, package, arch, again=False):
        self.package = package
        self.arch = arch
        self.dir = cache.made("package/%s-%s" % (package, arch), self.fill, again)

    def fill(self, into):
        archive = apt.Archive(self.arch)
        archive.refresh()
        archive.unpack([self.package], into, ["./usr/share"])
        write_info(into, version=archive.fields(self.package)["Version"])

    @property
    def version(self):
        with open(os.path.join(self.dir, "info.json")) as f:
            return json.load(f)["version"]

    def file(self, *patterns):
        for pattern in patterns:
            found = sorted(glob.glob(os.path.join(self.dir, pattern)))
            if found:
                return found[0]
        raise cache.Error("package %s (%s) has no %s" % (self.package, self.arch, patterns[0]))


def busybox(arch):
    """A statically linked busybox."""
    return Extra("busybox-static", arch).file("bin/busybox", "usr/bin/busybox")


def xen_image(arch="arm64"):
    """Xen 4.17's image."""
    return Extra("xen-hypervisor-4.17-" + arch, arch).file("boot/xen-4.17-%s" % arch,
                                                           "boot/xen-4.17-%s.gz" % arch)


def module_depends(path):
    """The names in a module's own "depends" field."""
    from . import module  # it needs kernels itself
    m = re.search(rb"\0depends=([^\0]*)\0", b"\0" + module.contents(path) + b"\0")
    return [d for d in (m.group(1).decode() if m else "").split(",") if d]


def write_info(into, **info):
    with open(os.path.join(into, "info.json"), "w") as f:
        json.dump(info, f, indent=1)
