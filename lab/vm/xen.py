# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Xen on arm64 with a stock Linux as its dom0, and a second domain beside it."""

import os
import shutil
import subprocess

from . import cache, initramfs, kernels, machine


class XenMachine(machine.Machine):
    """A Machine whose kernel is dom0 under Xen 4.17. There is no IOMMU: Xen maps dom0 one to one.

    dom0_memory: what dom0 gets of memory
    xen_append:  more of Xen's command line
    guest:       None, or what domain 1 runs: the script of its init. Xen makes the domain itself
                 ("dom0less"), so nothing of a toolstack is needed; it has dom0's kernel and
                 modules. Its console lines come with a prefix, and when dom0 powers off it is gone.
    guest_memory: KiB
    """

    # Addresses at which QEMU loads what Xen boots, as a boot loader would: clear of Xen and its
    # device tree.
    KERNEL = 0x50000000
    INITRD = 0x54000000
    GUEST_KERNEL = 0x56000000
    GUEST_INITRD = 0x5a000000

    def __init__(self, kernel="6.1-arm64", memory="2G", cpus=2, dom0_memory="512M", xen_append="",
                 guest=None, guest_memory=131072, **settings):
        super().__init__(kernel, memory=memory, cpus=cpus, iommu="off", **settings)
        self.dom0_memory = dom0_memory
        self.xen_append = xen_append
        self.guest = guest
        self.guest_memory = guest_memory

    def board(self, more=""):
        return ["-machine", "virt,virtualization=on,gic-version=3" + more, "-cpu", "cortex-a57"]

    def command_line(self):
        words = super().command_line().replace("console=ttyAMA0", "console=hvc0")
        return words + " earlycon=xen"

    def xen_command_line(self):
        return ("console=dtuart dom0_mem=%s dom0_max_vcpus=1 %s"
                % (self.dom0_memory, self.xen_append)).strip()

    def boot_args(self, initrd, work):
        if self.guest is not None:
            return self.guest_args(initrd, work)
        return ["-kernel", kernels.xen_image(), "-append", self.xen_command_line(),
                "-device", "guest-loader,addr=0x%x,kernel=%s,bootargs=%s"
                % (self.KERNEL, self.kernel.image, self.command_line().replace(",", ",,")),
                "-device", "guest-loader,addr=0x%x,initrd=%s" % (self.INITRD, initrd)]

    def guest_args(self, initrd, work):
        """Two domains are more than QEMU's guest-loader can describe: the device tree says it."""
        guest_initrd = os.path.join(work, "guest")
        with open(guest_initrd, "wb") as f:
            f.write(initramfs.build(self.kernel, self.guest, modules=self.modules))
        tree = os.path.join(work, "xen.dtb")
        self.device_tree(tree, work, {self.KERNEL: self.kernel.image, self.INITRD: initrd,
                                      self.GUEST_KERNEL: self.kernel.image,
                                      self.GUEST_INITRD: guest_initrd})
        argv = ["-kernel", kernels.xen_image(), "-dtb", tree]
        for addr, path in ((self.KERNEL, self.kernel.image), (self.INITRD, initrd),
                           (self.GUEST_KERNEL, self.kernel.image),
                           (self.GUEST_INITRD, guest_initrd)):
            argv += ["-device", "loader,file=%s,addr=0x%x,force-raw=on" % (path, addr)]
        return argv

    def device_tree(self, into, work, files):
        """QEMU's own for this machine, with what Xen's docs/misc/arm/device-tree asks for."""
        base = os.path.join(work, "base.dtb")
        tool(self.program() + ["-nodefaults", "-no-user-config", "-display", "none", "-m", self.memory,
                               "-smp", str(self.cpus)] + self.board(",dumpdtb=" + base))
        text = tool(["dtc", "-q", "-I", "dtb", "-O", "dts", base])

        def module(addr, kind, bootargs=None):
            return ('module@%x { compatible = "multiboot,%s", "multiboot,module"; reg = <0 0x%x 0 0x%x>; %s};\n'
                    % (addr, kind, addr, os.stat(files[addr]).st_size,
                       "bootargs = %s; " % quoted(bootargs) if bootargs else ""))

        text += ("/ { chosen {\n#address-cells = <2>;\n#size-cells = <2>;\n"
                 "xen,xen-bootargs = %s;\nxen,dom0-bootargs = %s;\n"
                 % (quoted(self.xen_command_line()), quoted(self.command_line()))
                 + module(self.KERNEL, "kernel") + module(self.INITRD, "ramdisk")
                 + 'domain1 {\ncompatible = "xen,domain";\n#address-cells = <2>;\n#size-cells = <2>;\n'
                 'memory = <0 %d>;\ncpus = <1>;\nvpl011;\nxen,enhanced = "enabled";\n'
                 % self.guest_memory
                 + module(self.GUEST_KERNEL, "kernel", "console=ttyAMA0 quiet panic=-1")
                 + module(self.GUEST_INITRD, "ramdisk") + "};\n}; };\n")
        source = os.path.join(work, "xen.dts")
        with open(source, "w") as f:
            f.write(text)
        tool(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", into, source])


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def tool(argv):
    """Run a program that takes no time; return what it printed."""
    if not shutil.which(argv[0]):
        raise cache.Error("%s is not installed (scripts/deps.sh test installs it)" % argv[0])
    out = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False, timeout=600)
    if out.returncode != 0:
        raise cache.Error("%s failed with status %d:\n%s"
                          % (" ".join(argv), out.returncode, out.stderr.decode(errors="replace")))
    return out.stdout.decode(errors="replace")
