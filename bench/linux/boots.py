# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The machines that mapping is measured on, and what their consoles say."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "lab"))

import vm  # noqa: E402

# mode: arguments of vm.Machine
MODES = {
    "strict": {"iommu": "strict"},
    "lazy": {"iommu": "lazy"},
    "off": {"iommu": "off"},
    "untrusted": {"iommu": "lazy", "untrusted": True},
}
MACHINES = [(kernel, mode) for kernel in ("6.1", "6.12", "7.3") for mode in ("lazy", "strict", "untrusted", "off")]
MACHINES += [("6.1-arm64", "lazy"), ("6.1-arm64", "strict"), ("7.3-arm64", "lazy"), ("7.3-arm64", "strict")]

# One instruction is one nanosecond of the machine's time.
ICOUNT = "shift=0"
# Mappings that are outstanding (COST_LIVE of the module).
LIVE = 256

# dmah.ko is loaded with check=0 for domain mode, then with its checks and records, as is its
# default, for wrap mode and for one case of domain mode; then wrap mode without them. The last
# loads have domains whose entries are cleared by the flush, and count calls, which disturbs
# measurements.
SCRIPT = """
set -e
insmod /modules/dmah.ko check=0
insmod /modules/dmah_cost.ko passes=%(passes)d only=first,stock,domain,domain-in-order,batch-16,ring,pieces
rmmod dmah_cost
rmmod dmah
insmod /modules/dmah.ko
insmod /modules/dmah_cost.ko passes=%(passes)d only=wrap
rmmod dmah_cost
insmod /modules/dmah_cost.ko passes=%(passes)d only=domain label=-checked
rmmod dmah_cost
rmmod dmah
insmod /modules/dmah.ko check=0
insmod /modules/dmah_cost.ko passes=%(passes)d only=wrap label=-unchecked
rmmod dmah_cost
rmmod dmah
insmod /modules/dmah.ko check=0 late=1
insmod /modules/dmah_cost.ko passes=%(passes)d only=domain,ring-16 label=-late
rmmod dmah_cost
rmmod dmah
insmod /modules/dmah.ko
insmod /modules/dmah_cost.ko passes=%(probed)d probes=1
rmmod dmah_cost
rmmod dmah
"""
LOADS = 6

# Kernels with pool mode. The second load is the slots of a machine whose IOMMU must be called at each map: QEMU's says
# that it need not, so the parameter asks for it. Other threads of the kernel run in the first seconds.
POOL_SCRIPT = """
set -e
sleep 5
insmod /modules/dmah.ko check=0
insmod /modules/dmah_cost.ko passes=%(passes)d only=first,stock,pool,pool-batch-16,ring,io
rmmod dmah_cost
rmmod dmah
insmod /modules/dmah.ko check=0 sync_map=1
insmod /modules/dmah_cost.ko passes=%(passes)d only=loop,pool,pool-batch-16,ring label=-announced
rmmod dmah_cost
rmmod dmah
insmod /modules/dmah.ko
insmod /modules/dmah_cost.ko passes=%(passes)d only=wrap
rmmod dmah_cost
insmod /modules/dmah_cost.ko passes=%(passes)d only=pool label=-checked
rmmod dmah_cost
rmmod dmah
insmod /modules/dmah.ko check=0
insmod /modules/dmah_cost.ko passes=%(passes)d only=wrap label=-unchecked
rmmod dmah_cost
rmmod dmah
insmod /modules/dmah.ko
insmod /modules/dmah_cost.ko passes=%(probed)d probes=1 only=first,stock,wrap,pool,pool-batch-16,ring
rmmod dmah_cost
rmmod dmah
"""
POOL_LOADS = 6


def has_pool(kernel):
    return kernel.startswith("7.")


class Trouble(Exception):
    """A measurement that cannot be believed, or is missing."""


class Machine:
    """The results of one boot.

    rows:   {(case, size, op): {"calls", "clocks", "least", "most"}}, clocks of the whole loop
    counts: {(case, size, op, function): calls of the function for each call}
    unavailable: {case: why}
    scale:  instructions in a clock, and how far the calibration loop was from it (a part of 1)
    """

    def __init__(self, kernel, mode):
        self.kernel = kernel
        self.mode = mode
        self.release = self.version = self.log = ""
        self.rows = {}
        self.counts = {}
        self.unavailable = {}
        self.probes = {}
        self.scale = None
        self.deviation = None
        self.seconds = 0.0
        self.live = LIVE

    @property
    def name(self):
        return "%s-%s" % (self.kernel, self.mode)


def modules(kernel, source=None):
    """dmah.ko and the module that measures it. source: another tree, to build dmah.ko from."""
    dmah = vm.Dmah(kernel, source)
    return [dmah.ko] + vm.build(
        kernel, os.path.join(HERE, "module"), os.path.join(vm.BUILD, "module", "cost", kernel.release),
        also=["ports/linux/include"], args=["KBUILD_EXTRA_SYMBOLS=" + dmah.symvers])


def boot(kernel_name, mode, passes, probed, source=None):
    """Boot, measure, parse. Return: Machine."""
    kernel = vm.Kernel(kernel_name)
    machine = vm.Machine(kernel, icount=ICOUNT, modules=modules(kernel, source), **MODES[mode])
    script = POOL_SCRIPT if has_pool(kernel_name) else SCRIPT
    result = machine.boot(script % {"passes": passes, "probed": probed}, "evidence-%s-%s" % (kernel_name, mode))
    if not result.ok:
        raise Trouble("%s %s: %s; the console is in %s\n%s"
                      % (kernel_name, mode, result.why, result.log, "\n".join(result.tail(15))))
    found = parse(kernel_name, mode, result.text().split("\n"))
    found.release, found.version = kernel.release, kernel.version
    found.log, found.seconds = result.log, result.seconds
    return found


def words(text):
    """key=value ...: a dict; why= takes the rest of the line; whole numbers are such."""
    text, _, why = text.partition(" why=")
    pairs = dict(w.split("=", 1) for w in text.split())
    pairs = {k: int(v) if re.fullmatch(r"-?\d+", v) else v for k, v in pairs.items()}
    if why:
        pairs["why"] = why
    return pairs


def parse(kernel, mode, lines):
    """The lines of dmah_cost among a kernel's messages."""
    m = Machine(kernel, mode)
    ends = 0
    for line in lines:
        found = re.match(r"dmah-cost: (\w+)(?: (.*))?$", line)
        if not found:
            continue
        kind, w = found.group(1), words(found.group(2) or "")
        if kind == "row":
            m.rows[w["case"], w["size"], w["op"]] = w
        elif kind == "count":
            m.counts[w["case"], w["size"], w["op"], w["of"]] = w["hits"] / w["calls"]
        elif kind == "unavailable":
            m.unavailable[w["case"]] = w["why"]
        elif kind == "failed":
            raise Trouble("%s: %s of %d bytes failed with %d" % (m.name, w["case"], w["size"], w["error"]))
        elif kind == "machine":
            check_machine(m, w)
        elif kind == "probe":
            m.probes[w["of"]] = w["error"]
        elif kind == "calibrate":
            calibrate(m, w)
        elif kind == "end":
            ends += 1
        else:
            raise Trouble("%s: what is this: %s" % (m.name, line))
    loads = POOL_LOADS if has_pool(kernel) else LOADS
    if ends != loads or not m.rows or not m.counts:
        raise Trouble("%s: the module did not come to its end (%d of %d times)" % (m.name, ends, loads))
    if not any(re.search(r"dmah: own domain.*cleared late", line) for line in lines):
        for key in [k for k in m.rows if k[0].endswith("-late")]:
            del m.rows[key]
            m.unavailable[key[0]] = "entries are cleared late in lazy domains alone, and only by some IOMMU drivers"
    return m


def check_machine(m, w):
    """The kernel does with the device what the machine is there for."""
    want = {"lazy": "lazy", "strict": "strict", "untrusted": "strict", "off": "none"}[m.mode]
    if w["domain"] != want or w["untrusted"] != (m.mode == "untrusted"):
        raise Trouble("%s: the device's domain is %s, untrusted %d" % (m.name, w["domain"], w["untrusted"]))


def calibrate(m, w):
    """A clock is a whole number of instructions: a TSC of 1 GHz has one, a counter of 62.5 MHz sixteen."""
    ratio = w["instructions"] / w["clocks"]
    scale = round(ratio)
    off = abs(ratio / scale - 1) if scale else 1
    # An interrupt or two may have come in it.
    if off > 0.02:
        raise Trouble("%s: %d instructions took %d clocks: the clock does not count instructions"
                      % (m.name, w["instructions"], w["clocks"]))
    if m.scale not in (None, scale):
        raise Trouble("%s: the clock changed its unit from %d to %d instructions" % (m.name, m.scale, scale))
    m.scale = scale
    m.deviation = max(off, m.deviation or 0)
