#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Record real drivers of a stock kernel under QEMU, and check the recordings.

    sweep.py DMAH_RECORD DMAH KERNEL SETTING [DRIVER...]

KERNEL is a name of lab/vm's kernels with dma events, SETTING "iommu" (strict) or "swiotlb" (no IOMMU,
swiotlb=force). Each driver is loaded, used and unloaded while dmah record runs with stacks; dmah check
--final reads the recording. The output is a table: driver, events, errors, notes; and each error below.
The exit status is 1 if a driver did not work, or has errors.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

import vm  # noqa: E402

# driver: (QEMU's device, sort); net devices get a network, disks a drive
DRIVERS = {
    "e1000": ("e1000", "net"),
    "e1000e": ("e1000e", "net"),
    "igb": ("igb", "net"),
    "e100": ("i82559er", "net"),
    "8139cp": ("rtl8139", "net"),
    "pcnet32": ("pcnet", "net"),
    "tulip": ("tulip", "net"),
    "vmxnet3": ("vmxnet3", "net"),
    "virtio_net": ("virtio-net-pci,iommu_platform=on,disable-legacy=on", "net"),
    "nvme": ("nvme,serial=sweep", "disk"),
    "virtio_blk": ("virtio-blk-pci,iommu_platform=on,disable-legacy=on", "disk"),
    "ahci": ("ide-hd", "disk"),
    "sdhci-pci": ("sdhci-pci", "card"),
    "virtio-rng": ("virtio-rng-pci,iommu_platform=on,disable-legacy=on", "rng"),
}
ALSO = {"ahci": ["sd_mod"], "sdhci-pci": ["mmc_block"], "virtio_net": ["virtio_pci"],
        "virtio_blk": ["virtio_pci"], "virtio-rng": ["virtio_pci"]}

NET = """
insmod /modules/$KO
i=0; IF=
while [ -z "$IF" ] && [ $i -lt 100 ]; do
	for d in /sys/class/net/*; do [ -e $d/device ] && IF=${d##*/}; done
	i=$((i + 1)); sleep 0.1
done
[ -n "$IF" ] || exit 9
ip link set $IF up; ip addr add 10.0.2.15/24 dev $IF
i=0; while [ "$(cat /sys/class/net/$IF/carrier)" != 1 ] && [ $i -lt 50 ]; do i=$((i + 1)); sleep 0.1; done
ping -c 20 -i 0.02 -s 1400 -q 10.0.2.2 >/tmp/ping; grep packets /tmp/ping
tftp -g -l /tmp/f -r file 10.0.2.2 && cmp /tmp/f /file && echo USED
ip link set $IF down; ip link set $IF up; ip link set $IF down
rmmod $MOD
"""
DISK = """
insmod /modules/$KO
i=0; B=
while [ -z "$B" ] && [ $i -lt 100 ]; do
	for d in /sys/block/nvme* /sys/block/vd* /sys/block/sd* /sys/block/mmcblk*; do [ -b /dev/${d##*/} ] && B=/dev/${d##*/}; done
	i=$((i + 1)); sleep 0.1
done
[ -n "$B" ] || exit 9
dd if=/dev/urandom of=/tmp/r bs=4k count=128 iflag=fullblock 2>/dev/null
dd if=/tmp/r of=$B bs=64k count=8 oflag=direct 2>/dev/null; sync
dd if=$B of=/tmp/s bs=4k count=128 iflag=direct 2>/dev/null
dd if=$B of=/dev/null bs=1M count=8 2>/dev/null
ls -l /tmp/r /tmp/s $B; cmp /tmp/r /tmp/s && echo USED
rmmod $MOD
"""
RNG = """
insmod /modules/$KO
dd if=/dev/hwrng of=/tmp/r bs=512 count=8 2>/dev/null; [ -s /tmp/r ] && echo USED
rmmod $MOD
"""
WORK = {"net": NET, "disk": DISK, "card": DISK, "rng": RNG}


def machine(driver, kernel, setting, record, work, directory):
    device, sort = DRIVERS[driver]
    qemu = []
    if sort == "net":
        qemu += ["-netdev", "user,id=n0,restrict=on,tftp=" + directory, "-device", device + ",netdev=n0"]
    elif sort in ("disk", "card"):
        image = os.path.join(directory, "disk")
        with open(image, "wb") as f:
            f.truncate(64 << 20)
        qemu += ["-drive", "if=none,id=d0,format=raw,file=" + image]
        qemu += ["-device", device] if sort == "card" else ["-device", device + ",drive=d0"]
        if sort == "card":
            qemu += ["-device", "sd-card,drive=d0"]
        if driver == "ahci":
            qemu[-1] = "ide-hd,drive=d0,bus=ide.0"
    else:
        qemu += ["-device", device]
    files = {"work": work}
    if sort == "net":
        with open(os.path.join(directory, "file"), "wb") as f:
            f.write(os.urandom(60000))
        files["file"] = "@" + os.path.join(directory, "file")
    return vm.Machine(kernel, iommu="strict" if setting == "iommu" else "off",
                      swiotlb="force" if setting == "swiotlb" else None, devices=[],
                      modules=ALSO.get(driver, []) + [driver], programs=[record], files=files, qemu=qemu)


def boot(driver, kernel, setting, record):
    """Return: the recording, or None, and the lines of the console."""
    with tempfile.TemporaryDirectory(prefix="dmah-sweep-") as directory:
        m = machine(driver, kernel, setting, record, "", directory)
        ko = vm.module.file_name(m.kernel.module_files(driver)[-1])
        name = re.sub(r"\\.ko$", "", ko).replace("-", "_")
        m.files["work"] = "KO=%s\nMOD=%s\n" % (ko, name) + WORK[DRIVERS[driver][1]]
        script = ("rmmod %s\ndmah-record --stacks --output=/tmp/t.txt.xz -- sh /work\necho recorded $?\n"
                  "echo begin\nbase64 /tmp/t.txt.xz\necho end\ntrue\n" % name)
        result = m.boot(script, "sweep-%s-%s" % (driver, setting))
    lines = list(result.output)
    if "begin" not in lines or "end" not in lines:
        return None, lines + result.tail()
    data = "".join(lines[lines.index("begin") + 1:lines.index("end")])
    return base64.b64decode(data), lines[:lines.index("begin")]


def check(dmah, path):
    done = subprocess.run([dmah, "check", "--json", "--final", path], capture_output=True, text=True,
                          check=False)
    if done.returncode == 2:
        return None, done.stderr
    return json.loads(done.stdout), ""


def known_devices():
    done = subprocess.run(["qemu-system-x86_64", "-device", "help"], capture_output=True, text=True, check=False)
    return set(re.findall(r'name "([^"]+)"', done.stdout + done.stderr))


def main():
    record, dmah, kernel, setting = sys.argv[1:5]
    keep = os.environ.get("DMAH_SWEEP_KEEP")
    bad = False
    print("| driver | used | events | errors | notes |\n|---|---|---|---|---|")
    known = known_devices()
    for driver in sys.argv[5:] or DRIVERS:
        if DRIVERS[driver][0].split(",")[0] not in known:
            print("| %s | this QEMU has no such device | | | |" % driver)
            continue
        try:
            trace, lines = boot(driver, kernel, setting, os.path.abspath(record))
        except vm.cache.Error as e:
            print("| %s | not run: %s | | | |" % (driver, e))
            continue
        used = "USED" in lines
        if trace is None:
            print("| %s | no recording | | | |" % driver)
            print("\n".join("    " + l for l in lines[-15:]))
            bad = True
            continue
        with tempfile.TemporaryDirectory(prefix="dmah-sweep-") as d:
            path = os.path.join(keep or d, "%s-%s-%s.txt.xz" % (driver, kernel, setting))
            with open(path, "wb") as f:
                f.write(trace)
            found, why = check(os.path.abspath(dmah), path)
        if found is None:
            print("| %s | %s | unreadable: %s | | |" % (driver, used, why.strip()))
            bad = True
            continue
        events = next((l.split("dmah record: ")[1].split()[0] for l in lines if "dmah record: " in l), "?")
        errors = [f for f in found if f["severity"] == "error"]
        notes = sorted({f["kind"] for f in found if f["severity"] == "note"})
        print("| %s | %s | %s | %d | %s |" % (driver, "yes" if used else "no", events, len(errors),
                                              ", ".join(notes)), flush=True)
        for f in errors[:10]:
            print("    %s %s line %s: %s" % (f["kind"], f["device"], f["line"], f["text"]))
        bad = bad or bool(errors) or not used
    return 1 if bad else 0


sys.exit(main())
