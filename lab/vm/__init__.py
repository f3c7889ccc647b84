# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Machines that boot stock Debian kernels, and Xen, under QEMU.

    import vm                       # with lab/ in sys.path
    ko = vm.build(vm.Kernel("6.1"), "ports/linux", out, also=["src", "include"])
    machine = vm.Machine(kernel="6.1", iommu="strict", devices=["edu"], modules=ko)
    result = machine.boot("insmod /modules/dmah.ko", name="example")
    print(result.ok, result.why, result.cases())

or by hand, from the top of the source tree: python3 lab/vm --help.

Kernels, headers, busybox and Xen are Debian packages, fetched by name with an apt configuration of
its own (apt.py, kernels.py) into build/vm, or the directory that DMAH_VM_CACHE names: several trees
may share one. Nothing is installed and root is not needed. What is in the cache stays as it is
until `python3 lab/vm fetch --update`.

QEMU is the system's, or a newer one from Debian's packages, unpacked beside it (emulator.py).
A boot (machine.py) runs one shell script of busybox in an initramfs (initramfs.py), is bounded in
time, and leaves its console in build/log/vm. Results are the script's exit status and the KTAP
lines among the kernel's messages (ktap.py). Modules are built out of tree for either architecture
(module.py). It needs python3 and Debian packages that scripts/deps.sh lists: QEMU, make, gcc and
for arm64 its cross compiler, libelf1 for the kernel's own tools.
"""

from .cache import BUILD, LOG, ROOT, Error
from .dmah import Dmah
from .emulator import Newer, System
from .kernels import KERNELS, Extra, Kernel, busybox, find_headers, xen_image
from .ktap import Case, Tap, parse, stamped
from .machine import IOMMU, TIMEOUT, Machine, Result
from .module import build, symvers
from .xen import XenMachine
