# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""QEMU: the system's own, or a newer one that lies unpacked beside the system."""

import glob
import os
import shutil

from . import apt, cache

PROGRAM = {"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64", "riscv64": "qemu-system-riscv64"}

# Debian 13's backports have the newer QEMU. Its programs need these libraries of Debian 13.
NEWER_PROGRAMS = ["qemu-system-x86", "qemu-system-arm", "qemu-system-riscv", "qemu-system-common"]
NEWER_LIBRARIES = """libaio1t64 libatomic1 libblkid1 libbpf1 libc6 libcap2 libcapstone5 libdaxctl1 libelf1t64 libfdt1 libffi8
libfuse3-4 libglib2.0-0t64 libgmp10 libgnutls30t64 libhogweed6t64 libibverbs1 libidn2-0 libjpeg62-turbo libkmod2 libmount1
libndctl6 libnettle8t64 libnl-3-200 libnl-route-3-200 libnuma1 libp11-kit0 libpcre2-8-0 libpixman-1-0 libpmem1 libpng16-16t64
librdmacm1t64 libsasl2-2 libseccomp2 libselinux1 libslirp0 libssl3t64 libtasn1-6 libudev1 libunistring5 liburing2 libuuid1
libvdeplug2t64 libzstd1 zlib1g""".split()

# The newer programs boot with the system's firmware: seabios, and QEMU's own small boot ROMs.
FIRMWARE = ["/usr/share/qemu", "/usr/share/seabios"]


class System:
    """The QEMU that the system has installed."""

    def argv(self, arch):
        """The beginning of a command line."""
        if not shutil.which(PROGRAM[arch]):
            raise cache.Error("%s is not installed (scripts/deps.sh test installs it)" % PROGRAM[arch])
        return [PROGRAM[arch]]

    def environment(self):
        """The variables to set for the program, beside those of this process."""
        return {}


class Newer:
    """QEMU 11 on Debian 12: by its own loader, with its own libraries and modules. Fetched on first use."""

    def __init__(self, again=False):
        self.dir = cache.made("emulator/newer", fill_newer, again)

    def argv(self, arch):
        """The beginning of a command line."""
        libraries = os.path.join(self.dir, "usr", "lib", "x86_64-linux-gnu")
        argv = [os.path.join(self.dir, "usr", "lib64", "ld-linux-x86-64.so.2"), "--library-path", libraries,
                os.path.join(self.dir, "usr", "bin", PROGRAM[arch])]
        for directory in FIRMWARE:
            argv += ["-L", directory]
        return argv

    def environment(self):
        """The variables to set for the program, beside those of this process."""
        return {"QEMU_MODULE_DIR": os.path.join(self.dir, "usr", "lib", "x86_64-linux-gnu", "qemu")}


def fill_newer(into):
    """Unpack the newer QEMU and all that it loads."""
    libraries = apt.Archive("amd64", apt.NEXT)
    programs = apt.Archive("amd64", apt.NEXT_BACKPORTS)
    for archive, packages in ((libraries, NEWER_LIBRARIES), (programs, NEWER_PROGRAMS)):
        archive.refresh()
        archive.unpack(packages, into, ["./usr/share/*", "./etc/*", "./usr/sbin/*", "./usr/libexec/*"])
    for program in PROGRAM.values():
        if not os.path.exists(os.path.join(into, "usr", "bin", program)):
            raise cache.Error("the packages of the newer QEMU have no %s" % program)
    # Other programs and static libraries are most of what is left.
    keep = set(PROGRAM.values())
    for path in glob.glob(os.path.join(into, "usr", "bin", "*")):
        if os.path.basename(path) not in keep:
            os.remove(path)
