# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Xen on arm64 with a stock Linux as its dom0."""

from . import kernels, machine


class XenMachine(machine.Machine):
    """A Machine whose kernel is dom0 under Xen 4.17. There is no IOMMU: Xen maps dom0 one to one.

    dom0_memory: what dom0 gets of memory
    xen_append:  more of Xen's command line
    """

    # Where QEMU puts what Xen boots, as in a boot loader's place: clear of Xen and its device tree.
    KERNEL = 0x50000000
    INITRD = 0x54000000

    def __init__(self, kernel="6.1-arm64", memory="2G", cpus=2, dom0_memory="512M", xen_append="",
                 **settings):
        super().__init__(kernel, memory=memory, cpus=cpus, iommu="off", **settings)
        self.dom0_memory = dom0_memory
        self.xen_append = xen_append

    def board(self):
        return ["-machine", "virt,virtualization=on,gic-version=3", "-cpu", "cortex-a57"]

    def command_line(self):
        words = super().command_line().replace("console=ttyAMA0", "console=hvc0")
        return words + " earlycon=xen"

    def xen_command_line(self):
        return ("console=dtuart dom0_mem=%s dom0_max_vcpus=1 %s"
                % (self.dom0_memory, self.xen_append)).strip()

    def boot_args(self, initrd, work):
        return ["-kernel", kernels.xen_image(), "-append", self.xen_command_line(),
                "-device", "guest-loader,addr=0x%x,kernel=%s,bootargs=%s"
                % (self.KERNEL, self.kernel.image, self.command_line().replace(",", ",,")),
                "-device", "guest-loader,addr=0x%x,initrd=%s" % (self.INITRD, initrd)]
