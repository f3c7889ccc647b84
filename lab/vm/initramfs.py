# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""An initramfs: busybox, what the test brings, and an init that runs one script and powers off."""

import os
import re
import stat
import subprocess
import zlib

from . import cache, kernels, module

# The mark with which init's own lines begin; machine.py looks for it. The console carries the
# kernel's messages, the script's output and, last, all messages again, in one piece that nothing
# interrupts.
MARK = "dmah-vm:"

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/ TERM=dumb
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
ip link set lo up 2>/dev/null
status=0
while read -r m; do
	insmod "/modules/$m" || status=200
done </modules/order
echo "%(mark)s up $(cut -d' ' -f1 /proc/uptime) $(uname -r)"
if [ $status = 0 ]; then
	cd /
	sh /run
	status=$?
fi
echo
echo "%(mark)s messages"
dmesg -s 8388608
echo
echo "%(mark)s exit $status"
poweroff -f
"""


class Tree:
    """The files of an initramfs."""

    def __init__(self):
        self.entries = {}  # path without the first slash: (mode, contents or None, device number)

    def directory(self, path):
        path = path.strip("/")
        parts = path.split("/") if path else []
        for n in range(1, len(parts) + 1):
            self.entries.setdefault("/".join(parts[:n]), (stat.S_IFDIR | 0o755, b"", (0, 0)))

    def put(self, path, data, mode=0o644):
        """A file of these contents (bytes or text)."""
        self.directory(os.path.dirname(path))
        if isinstance(data, str):
            data = data.encode()
        self.entries[path.strip("/")] = (stat.S_IFREG | mode, data, (0, 0))

    def copy(self, path, source):
        """A file of this machine, with its permissions."""
        try:
            with open(source, "rb") as f:
                self.put(path, f.read(), stat.S_IMODE(os.stat(source).st_mode) | 0o444)
        except OSError as err:
            raise cache.Error("%s: %s" % (source, err.strerror)) from err

    def link(self, path, target):
        self.directory(os.path.dirname(path))
        self.entries[path.strip("/")] = (stat.S_IFLNK | 0o777, target.encode(), (0, 0))

    def device(self, path, major, minor):
        self.directory(os.path.dirname(path))
        self.entries[path.strip("/")] = (stat.S_IFCHR | 0o600, b"", (major, minor))

    def program(self, path, source):
        """A program of this machine and the shared libraries that it runs with here."""
        self.copy(path, source)
        out = subprocess.run(["ldd", source], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False)
        text = out.stdout.decode()
        if "not found" in text:
            raise cache.Error("%s: a shared library is missing:\n%s" % (source, text))
        for lib in re.findall(r"(?:^|=>)\s*(/\S+) \(0x", text, re.M):
            self.copy(lib, lib)

    def cpio(self):
        """The tree as the kernel reads it: cpio's newc format (Documentation/driver-api/early-userspace/buffer-format)."""
        out = []
        for ino, path in enumerate(sorted(self.entries), 1):
            mode, data, (major, minor) = self.entries[path]
            out.append(record(ino, path, mode, data, major, minor))
        out.append(record(0, "TRAILER!!!", 0, b"", 0, 0))
        return b"".join(out)


def record(ino, name, mode, data, major, minor):
    name = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    head = b"070701" + b"".join(b"%08x" % v for v in (
        ino, mode, 0, 0, links, 0, len(data), 0, 0, major, minor, len(name), 0))
    return pad(head + name) + pad(data)


def pad(data):
    return data + b"\0" * (-len(data) % 4)


def build(kernel, script, modules=(), files=None, programs=(), arch=None):
    """An initramfs that runs script; return its bytes, compressed.

    modules: names of the kernel's own (with what they need, loaded before the script starts) and
    paths of .ko files (only put into /modules, for the script to load). files: {path inside: bytes,
    text, or "@" and a path here}. programs: paths of this machine, put into /usr/bin with their
    shared libraries.
    """
    tree = Tree()
    for d in ("bin", "dev", "etc", "mnt", "modules", "proc", "root", "run.d", "sbin", "sys", "tmp",
              "usr/bin", "usr/sbin", "var"):
        tree.directory(d)
    tree.device("dev/console", 5, 1)
    tree.device("dev/null", 1, 3)
    tree.copy("bin/busybox", kernels.busybox(arch or kernel.arch))
    tree.link("bin/sh", "busybox")
    order = []
    for name in modules:
        if name.endswith(".ko"):
            tree.copy("modules/" + os.path.basename(name), name)
            continue
        for path in kernel.module_files(name):
            if module.file_name(path) not in order:
                order.append(module.file_name(path))
                tree.put("modules/" + order[-1], module.contents(path))
    tree.put("modules/order", "".join(o + "\n" for o in order))
    for path in programs:
        tree.program("usr/bin/" + os.path.basename(path), path)
    for path, data in (files or {}).items():
        if isinstance(data, str) and data.startswith("@"):
            tree.copy(path, data[1:])
        else:
            tree.put(path, data, 0o755)
    tree.put("run", script)
    tree.put("init", INIT % {"mark": MARK}, 0o755)
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
    return squeeze.compress(tree.cpio()) + squeeze.flush()
