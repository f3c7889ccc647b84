# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""A disk's driver in a booted guest: its work, and the cases about it.

Random bytes are written past all caches from buffers that begin 512 bytes behind a page, in requests of many sizes, read back and
compared (direct.c); after the boot the disk's image is compared as well. The driver unbinds and binds, with a transfer each time; each
fifth map fails for a while, also while the driver binds.
"""

import os
import subprocess

DATA = 3 << 20      # bytes written and read back
IMAGE = 8 << 20

# The guest's function that prints the directory of the disk of the device $dev.
FIND = """
disk() {
	find $(readlink -f /sys/bus/pci/devices/$dev) -type d \\( -path '*/block/sd?' -o -path '*/block/mmcblk?' -o -path '*/nvme?/nvme?n1' \\) \\
		2>/dev/null | head -n 1
}
"""
SCRIPT = FIND + """
found_disk() { wait_for '[ -n "$(disk)" ] && [ -b /dev/$(basename $(disk)) ]'; }
transfer() { found_disk && direct /dev/$(basename $(disk)) /data $2 && echo "transfer $1"; }
use_disk() {
	transfer first
	n=0; while [ $n -lt ROUNDS ]; do rebind && transfer round 65536 >/tmp/round || break; n=$((n + 1)); done
	echo "rounds $n"
	transfer rounds
	stats up
	failing 5
	direct /dev/$(basename $(disk)) /data
	n=0; while [ $n -lt 6 ]; do rebind; found_disk; n=$((n + 1)); done
	failing 0
	stats failing
	rebind && echo "bound again"
	transfer again
	stats down; stats end
}
"""


class Disk:
    """The disks of one boot."""

    def __init__(self, work):
        self.work = work
        self.args = []
        self.data = os.urandom(DATA)
        path = os.path.join(work, "data")
        with open(path, "wb") as f:
            f.write(self.data)
        self.files = {"data": "@" + path}
        self.images = {}

    def add(self, driver, number):
        """Make a disk."""
        image = os.path.join(self.work, "image%d" % number)
        with open(image, "wb") as f:
            f.truncate(IMAGE)
        self.images[driver.name] = image
        self.args += ["-drive", "file=%s,if=none,format=raw,id=d%d" % (image, number)]
        self.args += driver.qemu(number, "drive=d%d" % number)

    def programs(self, here):
        """The program that writes and compares, built."""
        direct = os.path.join(self.work, "direct")
        subprocess.run(["gcc", "-O2", "-static", "-o", direct, os.path.join(here, "direct.c")], check=True)
        return [direct]

    def judge(self, case, driver, lines, rounds, _):
        """The cases of one variant; case(condition, text)."""
        for what in ("first", "rounds", "again"):
            case("transfer " + what in lines, "%d bytes are written, and read back as they were: %s" % (DATA, what))
        case("rounds %d" % rounds in lines, "unbinds and binds %d times, with a transfer each time" % rounds)
        with open(self.images[driver.name], "rb") as f:
            case(f.read(DATA) == self.data, "the image of the disk has these bytes")
