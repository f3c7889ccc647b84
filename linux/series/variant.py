# SPDX-License-Identifier: GPL-2.0-only
"""The kernels that are built from one step: one for each architecture, and others with sanitizers.

Each has a build directory of its own. Most have a source tree of their own too, whose files are hard
links to those of the first, so that two can be built at the same time.
"""

import os

from lab.vm import cache

HERE = os.path.dirname(os.path.abspath(__file__))


class Variant:
    """One kind of kernel.

    name:    of its directories, and behind the name of a step in the names of images
    arch:    Debian's name of the architecture, as lab.vm.Machine wants it
    karch:   the kernel's name of it
    cross:   prefix of the compiler
    image:   the file that is booted
    configs: files of this directory with the options that are set on top of allnoconfig
    edits:   None or a file of this directory: edits of the source that only this kernel gets, since
             the machine that it is booted on needs them; they are no part of the series
    without: options that this kernel cannot have
    shares:  built in the first one's source tree
    modules: directories of the test modules that are built for it
    drivers: None, or the converted drivers that it has
    sanitizers: {name: regular expression of the line with which it begins a report of the test module's faults}
    """

    def __init__(self, name, arch, karch, image, configs, cross="", edits=None, without=(), shares=False,
                 modules=("module",), drivers=None, sanitizers=None):
        self.name = name
        self.arch = arch
        self.karch = karch
        self.image = image
        self.configs = configs
        self.cross = cross
        self.edits = edits
        self.without = without
        self.shares = shares
        self.modules = modules
        self.drivers = drivers
        self.sanitizers = sanitizers or {}

    def options(self):
        """Returns the text of the configuration, without the options of steps."""
        text = ""
        for name in self.configs:
            with open(os.path.join(HERE, name), encoding="utf-8") as f:
                text += f.read()
        return "".join(l for l in text.splitlines(True) if l.split("=")[0] not in self.without)

    def suffix(self):
        """Returns what the names of its images end with."""
        return "" if self.name == DEFAULT else "-" + self.name

    def tree(self):
        """Returns what the name of its source tree ends with."""
        return "" if self.shares else self.suffix()

    def out(self):
        """Returns the name of its build directory."""
        return "x86_64" + self.suffix() if self.tree() == "" else "build" + self.suffix()


DEFAULT = "x86_64"
# Kernels with sanitizers do without these, since instrumented code takes long to build and to run.
LEAN = ("CONFIG_UNWINDER_GUESS", "CONFIG_CC_OPTIMIZE_FOR_PERFORMANCE", "CONFIG_JUMP_LABEL", "CONFIG_CPU_MITIGATIONS",
        "CONFIG_MITIGATION_RETPOLINE", "CONFIG_MITIGATION_RETHUNK", "CONFIG_BLOCK", "CONFIG_BLK_DEV_NVME",
        "CONFIG_E100", "CONFIG_IGB", "CONFIG_DMI")
PC = ("amd64", "x86_64", "arch/x86/boot/bzImage")
ALL = {v.name: v for v in (
    Variant(DEFAULT, *PC, ["x86_64.config"]),
    Variant("debug", *PC, ["x86_64.config", "debug.config"], shares=True),
    Variant("kasan", *PC, ["x86_64.config", "sanitize.config", "debug.config", "kasan.config"],
            edits="sanitize.edits", without=LEAN, drivers=("e1000e", "8139cp"),
            sanitizers={"KASAN": r"BUG: KASAN: slab-out-of-bounds in (read_beyond|provoke_all)",
                        "lockdep": r"possible circular locking dependency detected"}),
    Variant("kcsan", *PC, ["x86_64.config", "sanitize.config", "kcsan.config"],
            edits="sanitize.edits", without=LEAN, drivers=("e1000e", "8139cp"),
            sanitizers={"KCSAN": r"BUG: KCSAN: data-race in race "}),
    Variant("arm", "armhf", "arm", "arch/arm/boot/zImage", ["arm-virt.config"],
            cross="arm-linux-gnueabihf-", edits="arm-virt.edits",
            # There is no swiotlb.
            without=("CONFIG_DMA_UNMAP_BY_PHYS_KUNIT_TEST",)),
    Variant("arm64", "arm64", "arm64", "arch/arm64/boot/Image", ["arm64-virt.config"],
            cross="aarch64-linux-gnu-", modules=("module", "xen")),
)}


def get(name):
    """Returns a variant by its name."""
    if name not in ALL:
        raise cache.Error("no kernel %s (there are %s)" % (name, ", ".join(ALL)))
    return ALL[name]
