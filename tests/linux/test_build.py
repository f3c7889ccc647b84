#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Runs ports/linux/build.sh, which is `make linux-module`, with a make that only prints its arguments."""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lab"))

import vm  # noqa: E402

SCRIPT = os.path.join(vm.ROOT, "ports", "linux", "build.sh")
MAKE = """#!/bin/sh
case "$*" in *kernelversion*) cat "$3/version" 2>/dev/null; exit ;; esac
echo "make $*"
"""


class Place:
    """A directory with a make and a uname of its own, and headers that hold nothing but a version."""

    def __init__(self, work):
        self.work = work
        self.bin = os.path.join(work, "bin")
        self.out = os.path.join(work, "out")
        os.makedirs(self.bin)
        self.program("make", MAKE)

    def program(self, name, text):
        path = os.path.join(self.bin, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)

    def uname(self, release):
        self.program("uname", "#!/bin/sh\ncase $1 in -m) echo x86_64 ;; *) echo %s ;; esac\n" % release)

    def headers(self, version):
        path = os.path.join(self.work, "headers-" + version)
        os.makedirs(path, exist_ok=True)
        for name, text in (("Makefile", ""), ("version", version + "\n")):
            with open(os.path.join(path, name), "w") as f:
                f.write(text)
        return path

    def run(self, *args):
        """(exit status, output, errors) of the script."""
        out = subprocess.run(["sh", SCRIPT] + list(args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False,
                             env=dict(os.environ, PATH=self.bin + ":" + os.environ["PATH"], JOBS="3"))
        return out.returncode, out.stdout.decode(), out.stderr.decode()


def refused(result, *words):
    status, out, err = result
    return status == 2 and "make -j" not in out and all(w in err for w in words)


def made_with(out, words):
    """Returns true if make's arguments end so, and the last line says where the module is."""
    lines = out.rstrip().split("\n")
    return len(lines) > 1 and lines[-2].endswith(words) and lines[-1].startswith("dmah.ko, ") and lines[-1].endswith("/out")


def main():
    tap = vm.Tap()
    with tempfile.TemporaryDirectory(prefix="dmah-build-") as work:
        place = Place(work)
        place.uname("6.14.2-cloud-amd64")
        got = place.run(place.out)
        tap.case(refused(got, "6.14.2-cloud-amd64", "6.1 to 6.12", "KERNEL=6.12", "KERNEL=7.3", "linux-image-amd64",
                         "linux-headers-RELEASE"),
                 "the running kernel is not supported: which are, and their packages", notes=list(map(str, got)))
        for name in ("5.10", "6.0.3", "6.13", "6.15.9", "7.4", "8.0", "six", "6"):
            got = place.run(place.out, name)
            tap.case(refused(got, name, "6.1 to 6.12 and 6.16 to 7.3"), "KERNEL=%s is not supported" % name, notes=list(map(str, got)))
        got = place.run(place.out, os.path.join(work, "nowhere"))
        tap.case(refused(got, "nowhere", "no kernel headers"), "a directory without headers", notes=list(map(str, got)))
        got = place.run(place.out, place.headers("7.4.1"))
        tap.case(refused(got, "7.4.1", "6.16 to 7.3"), "headers of a kernel that is not supported",
                 notes=list(map(str, got)))
        for version in ("6.6.20", "6.16", "7.0.1", "7.3.4"):
            status, out, err = place.run(place.out, place.headers(version))
            tap.case(status == 0 and "make -j3" in out, "Linux %s is built for" % version, notes=[str(status), out, err])
        headers = place.headers("6.6.20")
        status, out, err = place.run(place.out, headers, "ARCH=arm64", "W=1")
        tap.case(status == 0 and "make -j3 -C %s " % headers in out and "M=" + place.out in out and
                 made_with(out, "ARCH=arm64 W=1 modules"),
                 "a directory of headers is built against, with the caller's arguments and jobs; its place is said",
                 notes=[str(status), out, err])
        tap.case(os.path.exists(os.path.join(place.out, "include", "linux", "dmah.h")) and
                 os.path.exists(os.path.join(place.out, "library_names.h")), "the sources are in place")
        for name, machine in (("6.1", " modules"), ("6.1-arm64", "ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- modules"),
                              ("7.3", " modules")):
            try:
                where, _ = vm.find_headers(name)
            except vm.Error as err:
                tap.case(False, "headers of %s are fetched" % name, notes=str(err).splitlines())
                continue
            place.uname("6.14.2-cloud-amd64")
            status, out, err = place.run(place.out, name)
            tap.case(status == 0 and "-C %s " % os.path.realpath(where) in out and made_with(out, machine),
                     "KERNEL=%s: headers are fetched and unpacked" % name, notes=[str(status), out, err])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
