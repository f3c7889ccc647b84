# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The work of the booted kernel with a driver: load, use, unbind, bind, use, unload, load, use, unload."""

# Each prints USED where the device did what it was asked to. The loops wait for a device to appear.
USE = {
    "net": """
use() {
	i=0; IF=
	while [ -z "$IF" ] && [ $i -lt 600 ]; do
		for d in /sys/class/net/*; do [ -e $d/device ] && IF=${d##*/}; done
		i=$((i + 1)); sleep 0.1
	done
	[ -n "$IF" ] || return
	ip link set $IF up; ip addr add 10.0.2.15/24 dev $IF
	i=0; while [ "$(cat /sys/class/net/$IF/carrier)" != 1 ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.1; done
	ping -c 20 -i 0.02 -s 1400 -q 10.0.2.2 >/tmp/ping; grep packets /tmp/ping
	rm -f /tmp/f; tftp -g -l /tmp/f -r file 10.0.2.2; cmp /tmp/f /file && echo USED
	ip link set $IF down; ip link set $IF up; ip link set $IF down
}
""",
    "disk": """
use() {
	i=0; B=
	while [ -z "$B" ] && [ $i -lt 600 ]; do
		for d in /sys/block/nvme* /sys/block/vd* /sys/block/sd* /sys/block/mmcblk*; do
			[ -b /dev/${d##*/} ] && B=/dev/${d##*/}
		done
		i=$((i + 1)); sleep 0.1
	done
	[ -n "$B" ] || return
	dd if=/dev/urandom of=/tmp/r bs=4k count=128 iflag=fullblock 2>/dev/null
	dd if=/tmp/r of=$B bs=64k count=8 oflag=direct 2>/dev/null; sync
	dd if=$B of=/tmp/s bs=4k count=128 iflag=direct 2>/dev/null
	dd if=$B of=/dev/null bs=1M count=8 2>/dev/null
	cmp /tmp/r /tmp/s && echo USED
}
""",
    "sound": """
use() {
	i=0; while [ ! -e /dev/dsp ] && [ $i -lt 600 ]; do i=$((i + 1)); sleep 0.1; done
	dd if=/dev/urandom of=/dev/dsp bs=4k count=8 2>/dev/null && echo USED
}
""",
    "screen": """
use() {
	i=0; while [ ! -e /dev/fb0 ] && [ $i -lt 600 ]; do i=$((i + 1)); sleep 0.1; done
	dd if=/dev/urandom of=/dev/fb0 bs=64k count=16 2>/dev/null && echo USED
}
""",
    "random": """
use() {
	rm -f /tmp/r
	dd if=/dev/hwrng of=/tmp/r bs=512 count=8 2>/dev/null; [ -s /tmp/r ] && echo USED
}
""",
}

# KO, MOD and BDF are set before it. A console driver holds a screen's module until it is let go.
LIFE = """
release() { for c in /sys/class/vtconsole/*; do [ -e $c/bind ] && echo 0 >$c/bind; done; true; }
insmod /modules/$KO; use
DRIVER=$(readlink -f /sys/bus/pci/devices/$BDF/driver)
release; echo $BDF >$DRIVER/unbind; echo $BDF >$DRIVER/bind; use
release; rmmod $MOD; insmod /modules/$KO; use
release; rmmod $MOD
"""

# How often USED is printed by a driver that works.
USES = 3


def script(name, ko, module, bdf):
    """The shell script of one driver."""
    return "KO=%s\nMOD=%s\nBDF=%s\n" % (ko, module, bdf) + USE[name] + LIFE
