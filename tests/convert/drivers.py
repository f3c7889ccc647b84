# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The drivers that are converted and run: their source, QEMU's device, and how they are converted and built."""

import glob
import json
import os
import re
import shutil
import subprocess

from vm import cache, kernels, module

# "checked" compares lengths and directions at run time; "pool" is the plain conversion with another mode in the
# call that attaches the device, for kernels that have pool mode.
VARIANTS = {"checked": ["--checked"], "plain": [], "pool": []}
# The driver as it is, with the same failing maps: which faults it had before.
ORIGINAL = "original"
NET, DISK = "net", "disk"
INTEL = "drivers/net/ethernet/intel/"


class Driver:
    """One driver.

    name:    of its first module
    folder:  in the kernel's source
    device:  QEMU's arguments of -device, in their order; the first is completed by the network or the disk
    kind:    NET or DISK
    files:   patterns of its files, where others share the folder
    make:    {module: its objects} for those files; by default the name is the module's one object
    modules: names of modules to load, in their order
    bus:     its name below /sys/bus/pci/drivers
    newer:   only the newer QEMU has the device
    rings:   the sizes of its rings can be set
    needs:   the kernel's modules that it needs beside those that it names itself
    before:  a command of the guest before the driver is loaded
    idle:    mappings that live as long as the device is bound
    handles: maps fail at the handle alone, where the bus maps for others as well
    stuck:   a packet whose map fails stops the original for good: there maps fail only while the interface comes up
    loses: it forgets a mapping when the map of a later piece of the same packet fails
    untested: it never asks for the result of its maps, and unmaps those that failed
    iommu:   of the machine (vm.Machine): QEMU's device may reach memory past it
    series:  of the kernel whose driver the command converts; (): each
    functions: (transmit, poll, ...) whose instructions are counted, for each call of the first
    """

    def __init__(self, name, folder, *device, kind=NET, files=(), make=None, modules=(), bus=None, newer=False,
                 rings=True, needs=(), before="", idle=0, handles=False, stuck=False, untested=False, loses=False,
                 iommu="strict", series=(), functions=()):
        self.name = name
        self.folder = folder
        self.device = device
        self.kind = kind
        self.files = files
        self.make = make or {name: ()}
        self.modules = modules or (name,)
        self.bus = bus or name
        self.newer = newer
        self.rings = rings and kind == NET
        self.needs = needs
        self.before = before
        self.idle = idle
        self.handles = handles
        self.stuck = stuck
        self.untested = untested
        self.loses = loses
        self.iommu = iommu
        self.series = series
        self.functions = functions

    def copy(self, series, into):
        """Put the driver's source into a tree of its own. Return: its folder there."""
        folder = os.path.join(into, self.folder)
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        if not self.files:
            shutil.copytree(series.path(self.folder), folder)
            return folder
        os.makedirs(folder)
        found = [path for pattern in self.files for path in glob.glob(series.path(self.folder, pattern))]
        if not found:
            raise cache.Error("%s has no %s" % (self.folder, " ".join(self.files)))
        for path in found:
            shutil.copy(path, folder)
        with open(os.path.join(folder, "Makefile"), "w") as f:
            f.write("ccflags-y := -I$(src)\n")
            for name, objects in self.make.items():
                if not objects and not os.path.exists(os.path.join(folder, name + ".c")):
                    continue        # a later kernel's
                f.write("obj-m += %s.o\n" % name)
                if objects:
                    f.write("%s-y := %s\n" % (name, " ".join(o + ".o" for o in objects)))
        return folder

    def convert(self, command, series, variant, work):
        """Convert the driver in a tree below work. Return: its folder there, the report."""
        if variant == "pool":
            # In the tree of the plain conversion, so that only the file that attaches is compiled again.
            folder, report = self.convert(command, series, "plain", work)
            for path, text in sources(folder):
                if "DMAH_MODE_WRAP" in text:
                    with open(path, "w", encoding="utf-8", errors="surrogateescape") as f:
                        f.write(text.replace("DMAH_MODE_WRAP", "DMAH_MODE_POOL"))
            return folder, report
        root = os.path.join(work, variant, self.name)
        said = os.path.join(work, variant, self.name + ".json")
        if os.path.exists(said):
            with open(said, encoding="utf-8") as f:
                return os.path.join(root, self.folder), json.load(f)
        folder = self.copy(series, root)
        done = subprocess.run([command, "convert", "--json", "--kernel", root, "--cache",
                               os.path.join(work, "cache-" + self.name)] + VARIANTS[variant] + [folder],
                              capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise cache.Error("dmah convert of %s: %s" % (self.name, done.stderr))
        with open(said, "w", encoding="utf-8") as f:
            f.write(done.stdout)
        return folder, json.loads(done.stdout)

    def build(self, kernel, folder, out, ko=None):
        """Build the modules. Return: {module: its bytes} in the order to load them, the modules to load before, the lines of warnings."""
        args = ["KBUILD_EXTRA_SYMBOLS=" + ko.symvers, "KCFLAGS=-I" + ko.include] if ko else []
        made = {os.path.basename(m)[:-len(".ko")]: m for m in module.build(kernel, folder, out, args=args)}
        with open(os.path.join(out, "make.log"), errors="replace") as f:
            warnings = [line.strip() for line in f if "warning:" in line]
        found, needs = {}, set()
        for name in [m for m in self.modules if m in made]:
            needs.update(kernels.module_depends(made[name]))
            with open(made[name], "rb") as f:
                found[name] = f.read()
        own = {m for name in self.modules for m in (name, name.replace("-", "_"))}
        return found, (needs | set(self.needs)) - own - {"dmah"}, warnings

    def qemu(self, number, backend):
        """QEMU's arguments of the device, which is connected to a backend: "netdev=n0" or "drive=d0"."""
        args = []
        for i, device in enumerate(self.device):
            if i == len(self.device) - 1:
                device += "," + backend
            if self.kind == NET:
                device += ",romfile="
            args += ["-device", device.replace("#", str(number))]
        return args


def sources(folder):
    """Yield the path and text of each C file."""
    for path, _, names in os.walk(folder):
        for name in sorted(names):
            if re.search(r"\.[ch]$", name):
                full = os.path.join(path, name)
                with open(full, encoding="utf-8", errors="surrogateescape") as f:
                    yield full, f.read()


XHCI = ("xhci", "xhci-mem", "xhci-ext-caps", "xhci-ring", "xhci-hub", "xhci-dbg", "xhci-trace", "xhci-debugfs")
SD = ("sd_mod", "scsi_mod")

DRIVERS = {d.name: d for d in (
    Driver("e1000", INTEL + "e1000", "e1000", functions=("e1000_xmit_frame", "e1000_clean")),
    Driver("e1000e", INTEL + "e1000e", "e1000e", functions=("e1000_xmit_frame", "e1000e_poll")),
    Driver("igb", INTEL + "igb", "igb", newer=True, functions=("igb_xmit_frame", "igb_poll")),
    # A virtual function of that card; the kernel's own igb drives the physical one.
    Driver("igbvf", INTEL + "igbvf", "igb", newer=True, needs=("igb",), before="virtual_function igb",
           functions=("igbvf_xmit_frame", "igbvf_poll")),
    # e100_tx_timeout_task() ignores that e100_up() failed, and leaves NAPI disabled: the next `ifconfig down` never ends.
    Driver("e100", INTEL.rstrip("/"), "i82559er", files=("e100.c",), stuck=True, functions=("e100_xmit_frame", "e100_poll")),
    # unwind_tx_frag_mapping() unmaps the first piece by its descriptor, which has the address of an earlier packet.
    Driver("8139cp", "drivers/net/ethernet/realtek", "rtl8139", files=("8139cp.c",), rings=False, loses=True,
           functions=("cp_start_xmit", "cp_rx_poll", "cp_interrupt")),
    Driver("tulip", "drivers/net/ethernet/dec/tulip", "tulip", rings=False, untested=True,
           functions=("tulip_start_xmit", "tulip_poll", "tulip_interrupt")),
    # QEMU reads and writes its rings at physical addresses.
    Driver("vmw_pvscsi", "drivers/scsi", "pvscsi,id=scsi#", "scsi-hd,bus=scsi#.0", kind=DISK, files=("vmw_pvscsi.[ch]",),
           needs=SD, iommu="passthrough", functions=("pvscsi_queue", "pvscsi_process_completion_ring")),
    # Without ADMA its requests go through one buffer, which the driver maps when it binds.
    Driver("sdhci", "drivers/mmc/host", "sdhci-pci,capareg=0x056034b4", "sd-card", kind=DISK,
           files=("sdhci.[ch]", "sdhci-pci*.[ch]", "cqhci.h", "sdhci-cqhci.h", "sdhci-uhs2.[ch]"),
           make={"sdhci": (), "sdhci-uhs2": (), "sdhci-pci": ("sdhci-pci-core", "sdhci-pci-o2micro", "sdhci-pci-arasan",
                                            "sdhci-pci-dwc-mshc", "sdhci-pci-gli")},
           modules=("sdhci", "sdhci-uhs2", "sdhci-pci"), bus="sdhci-pci", needs=("mmc_block",), idle=1, functions=("sdhci_request", "sdhci_thread_irq")),
    # On 7.3 the block layer maps its buffers.
    Driver("nvme", "drivers/nvme/host", "nvme,serial=dmah#", kind=DISK, files=("pci.c", "nvme.h", "trace.h"), make={"nvme": ("pci",)},
           series=("6.12",), needs=("nvme-core",), functions=("nvme_queue_rq", "nvme_irq")),
    # Its own maps are the buffers of packets that span two segments of a ring.
    Driver("xhci-hcd", "drivers/usb/host", "qemu-xhci,id=usb#", "usb-storage,bus=usb#.0", kind=DISK,
           files=("xhci.[ch]", "xhci-*.[ch]", "pci-quirks.h"),
           make={"xhci-hcd": XHCI, "xhci-pci": ()}, modules=("xhci-hcd", "xhci-pci"), bus="xhci_hcd",
           needs=SD + ("usb-storage",), handles=True,
           before="echo 0 >/sys/module/usb_storage/parameters/delay_use", functions=("xhci_urb_enqueue", "xhci_irq")),
)}

# Drivers of QEMU's devices that are not run, as the converter leaves (nearly) all of their sites: (folder, patterns).
LEFT = {
    "pcnet32": ("drivers/net/ethernet/amd", ("pcnet32.c",)),
    "sungem": ("drivers/net/ethernet/sun", ("sungem.[ch]", "sungem_phy.h")),
    "sunhme": ("drivers/net/ethernet/sun", ("sunhme.[ch]",)),
    "vmxnet3": ("drivers/net/vmxnet3", ("*.[ch]",)),
    "virtio_ring": ("drivers/virtio", ("virtio_ring.c",)),
    "virtio_net": ("drivers/net", ("virtio_net.c",)),
    "nvme": ("drivers/nvme/host", ("pci.c", "nvme.h")),
    "ahci": ("drivers/ata", ("*ahci*.[ch]", "libata*.[ch]")),
    "megaraid_sas": ("drivers/scsi/megaraid", ("*.[ch]",)),
    "intel8x0": ("sound/pci", ("intel8x0.c",)),
}
