# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Debian packages by name, without installing them and without touching the system's apt.

Each pair of architecture and suite has a state directory of its own in the cache, with the mirrors
and keys that the system itself uses; foreign architectures and backports need no configuration.
Packages are downloaded and verified by apt-get, then unpacked into a directory.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from . import cache

# Debian 12, whose kernels, headers and tools run together, whatever this system is; and Debian 13 for a newer kernel.
RELEASE = "bookworm"
BACKPORTS = RELEASE + "-backports"
NEXT = "trixie"
NEXT_BACKPORTS = NEXT + "-backports"
# Lists older than this are fetched anew before something is downloaded.
LISTS_AGE = 6 * 3600


class Archive:
    """One architecture of one suite (the release with its updates, or the backports)."""

    def __init__(self, arch, suite=RELEASE):
        self.arch = arch
        self.suite = suite
        self.name = "%s-%s" % (suite, arch)
        self.dir = os.path.join(cache.top(), "apt", self.name)
        self.index = None

    def options(self):
        return ["-q", "-o", "APT::Architecture=" + self.arch,
                "-o", "APT::Architectures=" + self.arch,
                "-o", "Dir::State=%s/state" % self.dir, "-o", "Dir::State::status=/dev/null",
                "-o", "Dir::Cache=%s/cache" % self.dir,
                "-o", "Dir::Etc::sourcelist=/dev/null",
                "-o", "Dir::Etc::sourceparts=%s/sources" % self.dir,
                "-o", "Dir::Etc::preferences=/dev/null", "-o", "Dir::Etc::preferencesparts=/dev/null",
                # a user who may read what root's apt may not is needed neither here nor there
                "-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none",
                "-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=60",
                "-o", "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false"]

    def run(self, tool, *args, cwd=None, timeout=3600):
        """Run apt-get or apt-cache on this archive; return what it printed."""
        if not shutil.which(tool):
            raise cache.Error("%s is not installed: kernels are fetched as Debian packages" % tool)
        try:
            out = subprocess.run([tool] + self.options() + list(args), cwd=cwd, check=False,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, timeout=timeout,
                                 env=dict(os.environ, LC_ALL="C"))
        except subprocess.TimeoutExpired as err:
            raise cache.Error("%s %s (%s): nothing came within %d s"
                              % (tool, " ".join(args), self.name, timeout)) from err
        text = out.stdout.decode(errors="replace")
        if out.returncode != 0:
            lines = [l for l in text.splitlines() if re.match(r"(E|W|Err):?", l)]
            raise cache.Error("%s %s (%s) failed with status %d:\n  %s"
                              % (tool, " ".join(args), self.name, out.returncode,
                                 "\n  ".join(lines[-6:] or text.splitlines()[-6:])))
        return text

    def refresh(self):
        """Lists that are new enough. Safe beside other runs."""
        stamp = os.path.join(self.dir, "stamp")
        with cache.lock("apt-" + self.name):
            try:
                if time.time() - os.stat(stamp).st_mtime < LISTS_AGE:
                    return
            except OSError:
                pass
            for sub in ("state/lists/partial", "cache/archives/partial", "sources"):
                os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
            lines = sources(self.suite)
            try:
                self.update(lines)
            except cache.Error as err:
                if lines.count("\n") == 1:
                    raise
                # The lists of updates change daily, and a mirror may be in the middle of it. The release's own stay.
                print("vm: %s: without its updates, since %s" % (self.name, str(err).split("\n", 1)[0]), file=sys.stderr)
                self.update(lines.split("\n", 1)[0] + "\n")
                return
            with open(stamp, "w"):
                pass

    def update(self, lines):
        """Fetch the lists of these sources."""
        with open(os.path.join(self.dir, "sources", "dmah.list"), "w") as f:
            f.write(lines)
        # An update that lacks one suite prints a warning and succeeds; ask for an error.
        self.run("apt-get", "-o", "APT::Update::Error-Mode=any", "update")

    def fields(self, package):
        """The control fields of the newest version of a package."""
        text = self.run("apt-cache", "show", "--no-all-versions", package)
        found = {}
        for line in text.splitlines():
            name, colon, value = line.partition(": ")
            if colon and not line[0].isspace():
                found.setdefault(name, value)
        if found.get("Package") != package:
            raise cache.Error("%s has no package %s" % (self.name, package))
        return found

    def depends(self, package):
        """The names of the packages that a package needs, first alternatives only."""
        deps = self.fields(package).get("Depends", "")
        return [re.match(r"[a-z0-9+.-]+", d.strip()).group(0) for d in deps.split(",") if d.strip()]

    def download(self, packages, into):
        """The .deb files of the packages; apt verifies them against the signed lists."""
        self.run("apt-get", "download", *packages, cwd=into)
        debs = sorted(glob.glob(os.path.join(into, "*.deb")))
        if len(debs) < len(packages):
            raise cache.Error("apt-get download of %s left only %s"
                              % (" ".join(packages), " ".join(map(os.path.basename, debs))))
        return debs

    def unpack(self, packages, into, leave_out=()):
        """Download the packages and unpack them below into, without the paths of leave_out."""
        with tempfile.TemporaryDirectory(prefix=".deb.", dir=cache.top()) as work:
            for deb in self.download(packages, work):
                unpack_deb(deb, into, leave_out)


def unpack_deb(deb, into, leave_out):
    files = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE)
    tar = subprocess.run(["tar", "-x", "-C", into, "--no-same-owner"] +
                         ["--exclude=" + p for p in leave_out], stdin=files.stdout,
                         stderr=subprocess.PIPE, check=False)
    files.stdout.close()
    if files.wait() != 0 or tar.returncode != 0:
        raise cache.Error("%s cannot be unpacked: %s"
                          % (os.path.basename(deb), tar.stderr.decode(errors="replace").strip()))


def sources(suite):
    """Lines for a sources.list: the system's own mirrors, for that suite."""
    main, security = mirrors()
    if suite in (BACKPORTS, NEXT_BACKPORTS):
        return "deb %s %s %s main\n" % (main + (suite,))
    lines = "deb %s %s %s main\ndeb %s %s %s-updates main\n" % (main + (suite,) + main + (suite,))
    if security:
        lines += "deb %s %s %s-security main\n" % (security + (suite,))
    return lines


def mirrors():
    """The system's (options, address) of Debian's main archive and of its security archive."""
    found = []
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
        with open(path, errors="replace") as f:
            found += stanzas(f.read())
    for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*.list")):
        try:
            with open(path, errors="replace") as f:
                found += one_line(f.read())
        except FileNotFoundError:
            pass
    main = security = None
    for options, address, suites in found:
        if any(s.endswith("-security") for s in suites):
            security = security or (options, address)
        elif re.search(r"/debian/?$", address):
            main = main or (options, address)
    if not main:
        raise cache.Error("no mirror of Debian in /etc/apt/sources.list and sources.list.d: "
                          "kernels are fetched from it")
    return main, security


def stanzas(text):
    """The deb822 form."""
    for part in re.split(r"\n\s*\n", text):
        lines = [l for l in part.splitlines() if l and not l.startswith("#")]
        field = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon and not line[0].isspace():
                field[name.lower()] = value.strip()
        if "deb" not in field.get("types", "").split() or field.get("enabled", "") == "no":
            continue
        key = field.get("signed-by", "")
        options = "[signed-by=%s]" % ",".join(key.split()) if key.startswith("/") else ""
        for address in field.get("uris", "").split():
            yield options, address, field.get("suites", "").split()


def one_line(text):
    """The older form, one line a source."""
    for line in text.splitlines():
        m = re.match(r"deb\s+(\[[^]]*\]\s+)?(\S+)\s+(\S+)", line)
        if m:
            key = re.search(r"signed-by=(\S+?)[\s\]]", m.group(1) or "")
            yield "[signed-by=%s]" % key.group(1) if key else "", m.group(2), [m.group(3)]
