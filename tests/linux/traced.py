#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""`dmah check` reads the trace events of mappings in slots beside the kernel's own, in the kernel that made them.

    traced.py DMAH [KERNEL]
"""

import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import build  # noqa: E402
import machines  # noqa: E402
import vm  # noqa: E402

STEPS = 3000

SCRIPT = """
insmod /modules/dmah.ko || exit 9
cd /sys/kernel/tracing
echo 65536 >buffer_size_kb
echo 1 >events/dma/enable
echo 1 >events/dmah/enable
insmod /modules/dmah_churn.ko once=STEPS || exit 8
rmmod dmah_churn
cat trace >/tmp/churn
echo >trace
insmod /modules/dmah_test.ko PARAMETERS leave=mapping
rmmod dmah_test
cat trace >/tmp/leak
for name in churn leak; do
	echo "slots $name $(grep -c ' dma_map_phys: ' /tmp/$name)"
	dmah check --final --json /tmp/$name >/tmp/json
	echo "status $name $?"
	tr -d '\\n' </tmp/json | sed "s/^/json $name /"
	echo
done
"""


def of(lines, mark, name):
    """The rest of the line that begins with these two words."""
    head = "%s %s " % (mark, name)
    return next((l[len(head):].strip() for l in lines if l.startswith(head)), "")


def main():
    command = sys.argv[1]
    setting = machines.find((sys.argv[2:] or ["7.3"])[0] + "-lazy")
    tap = vm.Tap()
    try:
        kernel = vm.Kernel(setting.kernel)
        built = build.Built(kernel, churn=True)
        machine = vm.Machine(kernel, iommu=setting.iommu, devices=["edu"] * 3, icount="shift=3,sleep=off",
                             modules=[built.dmah, built.test, built.churn], programs=[os.path.abspath(command)])
        script = SCRIPT.replace("STEPS", str(STEPS)).replace("PARAMETERS", setting.parameters("pool"))
        result = machine.boot(script, "traced-" + kernel.name)
    except vm.Error as err:
        print("Bail out! %s" % str(err).replace("\n", "\n# "))
        return 1
    tap.case(result.ok, "boots, runs, powers off", notes=[result.why] if result.ok else result.tail())
    out = result.output
    maps = int(of(out, "slots", "churn") or 0)
    tap.case(maps > STEPS // 2, "%d maps are recorded" % maps, notes=out[-20:])
    try:
        churn, leak = (json.loads(of(out, "json", name)) for name in ("churn", "leak"))
    except ValueError as err:
        tap.case(False, "dmah check prints JSON", notes=[str(err)] + out[-20:])
        return tap.done()
    # The churn maps parts of one buffer again and again: overlaps are there, and no mistakes in the records.
    errors = [f for f in churn if f.get("severity") == "error" and f.get("kind") != "overlap"]
    tap.case(of(out, "status", "churn") and not errors, "dmah check finds no mistake in a trace of slots", notes=[str(f) for f in errors[:5]])
    left = [f for f in leak if f.get("kind") == "live-at-end"]
    tap.case(left, "and the mapping that a driver leaves in a slot", notes=[str(f) for f in leak[:5]])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
