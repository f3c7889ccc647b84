# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The machines that the module is tried on, and what is true of each."""

# enum dmah_mode
WRAP, DOMAIN, STRICT, LAZY, POOL, POOL_STRICT, POOL_LAZY = range(7)
MODES = {"wrap": WRAP, "domain": DOMAIN, "strict": STRICT, "lazy": LAZY, "pool": POOL, "pool-strict": POOL_STRICT}


class Setting:
    """A kernel and how it treats the device.

    iommu, untrusted, swiotlb, cpus: as vm.Machine takes them
    only: what the names of the cases must have in them
    device: another IOMMU than the system's QEMU has: -device of the newer one
    append: more of the kernel's command line
    """

    def __init__(self, kernel, name, iommu, untrusted=False, swiotlb=None, cpus=1, only=None, caching=False, device=None,
                 append=""):
        self.kernel = kernel
        self.name = "%s-%s" % (kernel, name)
        self.iommu = iommu
        self.untrusted = untrusted
        self.swiotlb = swiotlb
        self.cpus = cpus
        self.only = only
        self.caching = caching
        self.device = device
        self.append = append
        self.block = iommu in ("strict", "lazy")
        # These kernels have slots in the default domain instead of domains of the module's own.
        self.pool = kernel.startswith("7.")
        # The module writes the entries itself; the IOMMU has said that it caches absent ones (QEMU's of AMD always does).
        self.entries = self.pool and self.block and "arm64" not in kernel
        self.announced = caching or "amd" in (device or "")
        # An untrusted device is strict whatever the command line says, as is all behind a hypervisor's IOMMU.
        self.strict = iommu == "strict" or (self.block and (untrusted or caching or "amd" in (device or "")))

    def wanted(self, mode):
        """Returns the mode that dmah_mode() must report after an attach in that mode."""
        if not self.block or mode == WRAP:
            return WRAP
        if self.pool:
            return POOL_STRICT if self.strict or mode in (STRICT, POOL_STRICT) else POOL_LAZY
        if mode == DOMAIN:
            return STRICT if self.strict else LAZY
        return STRICT if self.untrusted else mode

    def modes(self):
        """Those to try. Where there is no IOMMU all of them are wrap, and one is enough to see it."""
        if self.pool:
            return ["pool", "pool-strict"] if self.block and not self.strict else ["wrap", "pool"]
        return ["wrap", "domain", "strict", "lazy"] if self.block else ["wrap", "domain"]

    def late(self, modes, only):
        """Returns true where lazy slots are tried without their deadline, too."""
        return self.pool and "pool" in modes and self.wanted(POOL) == POOL_LAZY and not only

    def parameters(self, mode):
        """Of the test's module."""
        words = ["mode=%d" % MODES[mode], "want=%d" % self.wanted(MODES[mode])]
        for name in ("block", "strict", "untrusted"):
            words.append("%s=%d" % (name, getattr(self, name)))
        words.append("swiotlb=%d" % (self.swiotlb == "force"))
        return " ".join(words)


# Kernels in which the whole library runs, in a module of its own: one for each architecture.
SELFCHECK = ("6.12", "6.1-arm64")

SETTINGS = []
for _kernel in ("6.1", "6.12", "7.3"):
    SETTINGS += [
        Setting(_kernel, "strict", "strict"),
        Setting(_kernel, "lazy", "lazy"),
        Setting(_kernel, "off", "off"),
        Setting(_kernel, "untrusted", "lazy", untrusted=True),
        Setting(_kernel, "swiotlb", "off", swiotlb="force"),
        # Real time passes there, so only the cases that need two CPUs run.
        Setting(_kernel, "smp", "lazy", cpus=2, only="CPUs"),
    ]
SETTINGS += [
    # Formats of page tables beside VT-d's second stage, on a newer QEMU.
    Setting("7.3", "first-stage", "lazy", device="intel-iommu,intremap=on,scalable-mode=on,fsts=on",
            append="intel_iommu=on,sm_on"),
    Setting("7.3", "amd", "lazy", device="amd-iommu,dma-remap=on"),
    Setting("7.3", "caching", "strict", caching=True),
    # No generic page table: slots whose entries iommu_map() makes.
    Setting("7.3-arm64", "lazy", "lazy"),
    Setting("6.1-arm64", "strict", "strict"),
    Setting("6.1-arm64", "lazy", "lazy"),
]


def find(name):
    for setting in SETTINGS:
        if setting.name == name:
            return setting
    raise KeyError(name)
