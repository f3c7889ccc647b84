# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""A network driver in a booted guest: its work, and the cases about it.

A file comes by TFTP and by TCP and another goes out by TCP, each with its sum compared; packets of 3,000 bytes go out and come back;
the interface goes up and down; its rings change their sizes; each fifth map fails for a while, also while the interface comes up; the
driver unbinds and binds again.
"""

import hashlib
import os
import re
import subprocess

FILE = 100 * 1428 + 77      # bytes that come by TFTP
STREAM = 400000             # bytes that go each way by TCP

SCRIPT = """
net() { ls /sys/bus/pci/devices/$dev/net 2>/dev/null; }
carrier() { wait_for '[ "$(cat /sys/class/net/$(net)/carrier 2>/dev/null)" = 1 ]'; }
up() {
	wait_for '[ -n "$(net)" ]' || return 1
	ifconfig $(net) 10.0.2.15 netmask 255.255.255.0 up || return 1
	carrier
}
# A virtual function of the card that the driver $1 has; its physical function must be up.
virtual_function() {
	card=$(cd /sys/bus/pci/drivers/$1 && echo *:*)
	[ "$(cat /sys/bus/pci/devices/$card/sriov_numvfs)" = 0 ] || return
	ifconfig $(ls /sys/bus/pci/devices/$card/net | head -n 1) up
	echo 1 >/sys/bus/pci/devices/$card/sriov_numvfs
}
sum() { sha256sum | cut -d' ' -f1; }
# A connection over which no byte came is tried again: QEMU's network drops one now and then, after one that was cut off.
# The sizes say which of the two a wrong sum was.
connect() { # ADDRESS INPUT
	t=0
	while :; do
		nc $1 1 <$2 >/tmp/got 2>/tmp/nc
		echo "try $t: status $?, $(wc -c </tmp/got) bytes from $1 $(cat /tmp/nc)"
		t=$((t + 1))
		[ $t -lt 5 -a ! -s /tmp/got ] || break
	done
}
get() { rm -f /tmp/file; tftp -g -b 1428 -r file -l /tmp/file 10.0.2.2; echo "$1 $(sum </tmp/file)"; }
use_net() { # RINGS STUCK
	up && get first
	connect 10.0.2.100 /dev/null; echo "in $(sum </tmp/got)"
	connect 10.0.2.101 /stream; echo "out $(cat /tmp/got)"
	ping -c 3 -s 3000 10.0.2.2 >/tmp/ping; echo "ping $(grep -c 'bytes from' /tmp/ping)"
	n=0; while [ $n -lt ROUNDS ]; do ifconfig $(net) down; ifconfig $(net) up || break; n=$((n + 1)); done
	echo "rounds $n"
	if [ "$1" = rings ]; then
		for size in 96 256 80 128; do carrier; ring $(net) $size $size && get ring; done
	fi
	carrier
	if [ $2 = 1 ]; then
		n=0; ifconfig $(net) down; failing 5
		while [ $n -lt 4 ]; do ifconfig $(net) up; ifconfig $(net) down; n=$((n + 1)); done
	else
		failing 5
		ping -c 30 -i 0.05 -s 3000 10.0.2.2 >/tmp/ping
		# Packets of several pieces; as far as it comes in this time.
		timeout 5 nc 10.0.2.101 1 </stream >/tmp/out
		ifconfig $(net) down; ifconfig $(net) up
		ping -c 10 -i 0.05 10.0.2.2 >/tmp/ping
		# It ends before a later map may take the place of the failed one.
		ifconfig $(net) down; ifconfig $(net) up; ifconfig $(net) down
	fi
	failing 0
	stats failing; ifconfig $(net) up
	carrier && get again
	stats up
	ifconfig $(net) down
	stats down
	rebind && echo "bound again"
	up && get rebound
	stats rebound
	ifconfig $(net) down
	stats end
}
"""


class Net:
    """The networks of one boot."""

    def __init__(self, work):
        self.work = work
        self.args = []
        data, stream = os.urandom(FILE), os.urandom(STREAM)
        os.mkdir(os.path.join(work, "tftp"))
        for name, content in (("tftp/file", data), ("stream", stream),
                              ("sum", b"head -c %d | sha256sum | cut -d' ' -f1\n" % STREAM)):
            with open(os.path.join(work, name), "wb") as f:
                f.write(content)
        self.file, self.stream = (hashlib.sha256(d).hexdigest() for d in (data, stream))
        self.files = {"stream": "@" + os.path.join(work, "stream")}

    def add(self, driver, number):
        """Connect a card."""
        fwd = "guestfwd=tcp:10.0.2.100:1-cmd:cat %s/stream,guestfwd=tcp:10.0.2.101:1-cmd:sh %s/sum" % (self.work, self.work)
        self.args += ["-netdev", "user,restrict=on,id=n%d,tftp=%s/tftp,%s" % (number, self.work, fwd)]
        self.args += driver.qemu(number, "netdev=n%d" % number)

    def programs(self, here):
        """The program that sets ring sizes, built."""
        ring = os.path.join(self.work, "ring")
        subprocess.run(["gcc", "-O2", "-static", "-o", ring, os.path.join(here, "ring.c")], check=True)
        return [ring]

    def judge(self, case, driver, lines, rounds, rings):
        """The cases of one variant; case(condition, text, notes)."""
        for what in ("first", "again", "rebound"):
            case("%s %s" % (what, self.file) in lines, "a file arrives by TFTP: " + what)
        case("in " + self.stream in lines and "out " + self.stream in lines, "streams arrive in both directions",
             [line for line in lines if re.match("(try|in|out) ", line)])
        case("ping 3" in lines, "packets of 3,000 bytes go out and come back")
        case("rounds %d" % rounds in lines, "up and down %d times" % rounds)
        if rings:
            case(lines.count("ring " + self.file) == 4, "four ring sizes")
