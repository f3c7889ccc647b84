# SPDX-License-Identifier: GPL-2.0-only
"""Boots kernels of the series under QEMU: KUnit, the test module on edu, network traffic, figures."""

import hashlib
import os
import re
import tempfile

from lab.vm import machine

# Bytes that the network brings.
FILE = 1 << 20

# name: settings of lab.vm.Machine. A kernel with so little memory makes no bounce buffers but by force;
# that changes nothing about mappings behind an IOMMU. Without an IOMMU it makes all of them bounce.
MACHINES = {
    "strict": dict(iommu="strict", swiotlb="force", append="kunit.enable=1 kunit.autorun=1"),
    "lazy": dict(iommu="lazy", swiotlb="force"),
    "untrusted": dict(iommu="strict", swiotlb="force", untrusted=True),
    "off": dict(iommu="off"),
    "bounced": dict(iommu="off", swiotlb="force", append="kunit.enable=1 kunit.autorun=1"),
}
NETWORK = {"e1000e": ["e1000e"], "8139cp": ["mii", "8139cp"]}


def check(image, name):
    """Boot a machine of MACHINES: KUnit at boot, then the test module. Returns the Result."""
    m = machine.Machine(kernel=image, devices=["edu"], modules=[image.module("series_test")],
                        **MACHINES[name])
    return m.boot("insmod /modules/series_test.ko\n", "series-%s-%s" % (image.name, name))


def network(image, driver, name):
    """Boot a machine and receive a file by TFTP, twice, with the interface down and up between.

    Returns the Result; its cases say if the file is the same, and if nothing was reported.
    """
    with tempfile.TemporaryDirectory(prefix="dmah-tftp-") as files:
        data = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(FILE // 32))
        with open(os.path.join(files, "file"), "wb") as f:
            f.write(data)
        card = {"e1000e": "e1000e", "8139cp": "rtl8139"}[driver]
        qemu = ["-netdev", "user,id=n,restrict=on,tftp=" + files, "-device", card + ",netdev=n"]
        script = "\n".join("insmod /modules/%s.ko || exit 1" % m for m in NETWORK[driver]) + """
n=0
once() {
	n=$((n + 1))
	ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up || exit 1
	sleep 4
	tftp -g -b 1428 -r file -l /tmp/file 10.0.2.2
	if [ "$(md5sum </tmp/file | cut -d' ' -f1)" = %(md5)s ]; then echo "ok $n - file $n"; else echo "not ok $n - file $n"; fi
	rm -f /tmp/file
	ifconfig eth0 down
}
echo KTAP version 1
once
once
rmmod %(driver)s && echo "ok 3 - rmmod" || echo "not ok 3 - rmmod"
dmesg | grep -E "DMAR: \\[|WARNING:|BUG|Oops|DMA-API" >/tmp/bad && { cat /tmp/bad; echo "not ok 4 - reports"; } || echo "ok 4 - no reports"
echo 1..4
""" % {"md5": hashlib.md5(data).hexdigest(), "driver": driver}
        m = machine.Machine(kernel=image, devices=[], modules=[image.module(n) for n in NETWORK[driver]],
                            qemu=qemu, **MACHINES[name])
        return m.boot(script, "series-%s-%s-%s" % (image.name, driver, name))


def bench(image, name):
    """Boot a machine that counts instructions. Returns the Result and {(size, api, call): figure}."""
    m = machine.Machine(kernel=image, devices=["edu"], icount="shift=0", modules=[image.module("series_test")],
                        **MACHINES[name])
    # For the first seconds other threads of the kernel run in between.
    result = m.boot("sleep 5\ninsmod /modules/series_test.ko bench=1\n",
                    "series-bench-%s-%s" % (image.name, name))
    figures = {}
    for line in result.messages:
        found = re.search(r"series: figure (\S+) (.*) (\w+) (\d+)$", line)
        if found:
            figures[found.group(1), found.group(2), found.group(3)] = int(found.group(4))
    return result, figures
