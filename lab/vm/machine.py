# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Machines: QEMU's arguments, one boot, and its result."""

import ctypes
import os
import re
import signal
import subprocess
import tempfile
import time

from . import acpi, cache, emulator, initramfs, kernels, ktap

IOMMU = ("strict", "lazy", "passthrough", "off")

# Seconds until a machine that does not end is ended. The longest boot of the tests takes about a
# minute of two idle cores; a machine with ten times the load must not come near.
TIMEOUT = 1800


class Machine:
    """A machine to boot once or more. Each setting has a default that suits a small test.

    kernel:   a name of kernels.KERNELS; its architecture is the machine's
    iommu:    "strict", "lazy": Intel's IOMMU or an SMMUv3, and how the kernel uses it;
              "passthrough": there, and not used; "off": none
    caching:  Intel: present the caching mode of a hypervisor's IOMMU (implies strict)
    untrusted: Intel: the devices are behind a port that faces the outside (acpi.py)
    swiotlb:  None or the value of the kernel's parameter, for instance "force"
    devices:  of "edu", "nvme", "e1000e"; or a value of QEMU's -device, whose drive or network is in qemu
    netdev:   what an e1000e is connected to (-netdev, without id)
    disk:     bytes of the disk behind an nvme; it is new and empty at each boot
    icount:   None or the value of -icount, for instance "shift=0"
    modules, files, programs: as initramfs.build() takes them
    append:   more of the kernel's command line
    qemu:     more arguments of QEMU
    emulated_by: the QEMU (emulator.py); None is the system's
    iommu_device: None or QEMU's -device of another IOMMU of x86-64, for instance "amd-iommu,dma-remap=on"
    timeout:  seconds of real time until the machine is ended
    """

    def __init__(self, kernel="6.1", iommu="strict", devices=("edu",), memory="512M", cpus=1,
                 caching=False, untrusted=False, swiotlb=None, icount=None, modules=(), files=None, programs=(),
                 append="", qemu=(), netdev="user,restrict=on", disk=64 << 20, timeout=TIMEOUT,
                 emulated_by=None, iommu_device=None):
        """See the class."""
        if iommu not in IOMMU:
            raise cache.Error("no IOMMU setting %s (there are %s)" % (iommu, ", ".join(IOMMU)))
        self.kernel = kernel if isinstance(kernel, kernels.Kernel) else kernels.Kernel(kernel)
        if untrusted and self.kernel.arch != "amd64":
            raise cache.Error("untrusted devices need the ACPI tables of an x86-64 machine")
        self.iommu = iommu
        self.devices = list(devices)
        self.memory = memory
        self.cpus = cpus
        self.caching = caching
        self.untrusted = untrusted
        self.swiotlb = swiotlb
        self.icount = icount
        self.modules = list(modules)
        self.files = dict(files or {})
        self.programs = list(programs)
        self.append = append
        self.qemu = list(qemu)
        self.netdev = netdev
        self.disk = disk
        self.timeout = timeout
        self.emulated_by = emulated_by or emulator.System()
        self.iommu_device = iommu_device

    FIRST_PORT = 8      # device number of the first root port

    # Arguments of QEMU. A machine of another kind overrides some of them.

    def program(self):
        """The beginning of QEMU's command line."""
        return self.emulated_by.argv(self.kernel.arch)

    def board(self):
        """Machine type, CPU and IOMMU."""
        if self.kernel.arch == "amd64":
            argv = ["-machine", "q35", "-cpu", "qemu64"]
            if self.iommu != "off":
                intel = "intel-iommu,caching-mode=" + ("on" if self.caching else "off")
                argv += ["-device", self.iommu_device or intel]
            return argv
        smmu = ",iommu=smmuv3" if self.iommu != "off" else ""
        return ["-machine", "virt,gic-version=3" + smmu, "-cpu", "cortex-a57"]

    def device_args(self, work):
        argv = []
        for n, device in enumerate(self.devices):
            port = ""
            if self.untrusted:
                slot = self.FIRST_PORT + n
                table = os.path.join(work, "port%d.aml" % n)
                with open(table, "wb") as f:
                    f.write(acpi.external_port(slot))
                argv += ["-acpitable", "file=" + table,
                         "-device", "pcie-root-port,id=port%d,chassis=%d,addr=0x%x" % (n, n + 1, slot)]
                port = ",bus=port%d" % n
            if device == "edu":
                argv += ["-device", "edu,dma_mask=0xffffffffffffffff" + port]
            elif device == "nvme":
                image = os.path.join(work, "disk%d" % n)
                with open(image, "wb") as f:
                    f.truncate(self.disk)
                argv += ["-drive", "file=%s,if=none,format=raw,id=disk%d" % (image, n),
                         "-device", "nvme,serial=dmah%d,drive=disk%d%s" % (n, n, port)]
            elif device == "e1000e":
                argv += ["-netdev", "%s,id=net%d" % (self.netdev, n),
                         "-device", "e1000e,netdev=net%d%s" % (n, port)]
            else:
                argv += ["-device", device + port]
        return argv

    def command_line(self):
        """The kernel's."""
        intel = self.kernel.arch == "amd64"
        words = ["console=" + ("ttyS0" if intel else "ttyAMA0"), "quiet", "panic=-1",
                 "log_buf_len=4M"]
        if intel:
            words.append("intel_iommu=" + ("off" if self.iommu == "off" else "on"))
            # The kernel counts timer interrupts for a moment, and panics where an emulated CPU on a
            # busy machine takes too few of them.
            words.append("no_timer_check")
        if self.iommu in ("strict", "lazy"):
            words += ["iommu.passthrough=0", "iommu.strict=%d" % (self.iommu == "strict")]
        elif self.iommu == "passthrough":
            words.append("iommu.passthrough=1")
        if self.swiotlb:
            words.append("swiotlb=" + self.swiotlb)
        return " ".join(words + self.append.split())

    def boot_args(self, initrd, work):
        """Returns the arguments that name what is booted. work is a directory for files that QEMU reads."""
        return ["-kernel", self.kernel.image, "-initrd", initrd, "-append", self.command_line()]

    def arguments(self, initrd, work):
        """The whole command line."""
        memory = self.memory
        if self.untrusted:
            # A kernel whose memory can never reach 4 GiB makes no bounce buffers, and without them
            # it refuses to map for an untrusted device.
            memory += ",slots=1,maxmem=8G"
        argv = self.program() + ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-serial", "stdio", "-m", memory, "-smp", str(self.cpus)]
        argv += self.board()
        if self.icount:
            argv += ["-icount", self.icount]
        return argv + self.device_args(work) + self.boot_args(initrd, work) + self.qemu

    def initrd(self, script):
        return initramfs.build(self.kernel, script, modules=self.modules, files=self.files,
                               programs=self.programs)

    def boot(self, script, name):
        """Boot, run the script (of busybox' shell), power off. Return: a Result.

        The console is in build/log/vm/NAME.log while it runs and afterwards.
        """
        os.makedirs(os.path.join(cache.LOG, "vm"), exist_ok=True)
        log = os.path.join(cache.LOG, "vm", re.sub(r"[^\w.+-]", "_", name) + ".log")
        with tempfile.TemporaryDirectory(prefix="dmah-vm-") as work:
            initrd = os.path.join(work, "initrd")
            with open(initrd, "wb") as f:
                f.write(self.initrd(script))
            argv = self.arguments(initrd, work)
            start = time.monotonic()
            status = run(argv, log, self.timeout, self.emulated_by.environment())
            return Result(name, log, argv, status, time.monotonic() - start)


def end_with_parent():
    """In the child: whatever becomes of us, no QEMU goes on alone (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)


def run(argv, log, timeout, environment):
    """QEMU's exit status, or None where it had to be ended."""
    with open(log, "wb") as out:
        proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                preexec_fn=end_with_parent, env=dict(os.environ, **environment))
        try:
            return proc.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if proc.poll() is None:
                proc.kill()
                proc.wait()


class Result:
    """The result of a boot.

    ok:      the script ran and its exit status was 0
    status:  that exit status, None where it was not reached
    why:     one line that says what went wrong, "" where nothing did
    output:  lines that came on the console while the script ran: its own and the kernel's urgent ones
    messages: the kernel's messages of the whole boot (of the console, where it did not get so far)
    seconds: of real time
    """

    def __init__(self, name, log, argv, qemu, seconds):
        self.name = name
        self.log = log
        self.argv = argv
        self.seconds = seconds
        with open(log, errors="replace") as f:
            self.console = f.read().replace("\r", "").split("\n")
        self.booted = False
        self.status = None
        self.output = []
        self.messages = []
        self.split()
        self.why = self.verdict(qemu)
        self.ok = not self.why

    def split(self):
        into = None
        for line in self.console:
            mark, _, rest = line.partition(initramfs.MARK + " ")
            if rest and not mark:
                if rest.startswith("up "):
                    self.booted = True
                    into = self.output
                    continue
                if rest == "messages":
                    into = self.messages
                    continue
                if re.match(r"exit \d+$", rest):
                    self.status = int(rest[5:])
                    into = None
                    continue
            if into is not None and (line or into is self.output):
                into.append(line)
        if self.status is None:
            self.messages = self.console

    def verdict(self, qemu):
        if qemu is None:
            return "did not end within %.0f s" % self.seconds
        if self.status is None:
            for line in self.console:
                if re.search(r"Kernel panic|BUG: |Oops|Unable to handle kernel", line):
                    return ktap.stamped(line)
            return ("ended before the script did" if self.booted else "did not boot") + \
                   ", QEMU's exit status %d" % qemu
        if self.status == 200:
            return "a module could not be loaded"
        if self.status != 0:
            return "the script's exit status is %d" % self.status
        if qemu != 0:
            return "QEMU's exit status is %d" % qemu
        return ""

    def text(self):
        """The kernel's messages in one string, without their times."""
        return "\n".join(ktap.stamped(line) for line in self.messages)

    def cases(self):
        """The KTAP results among the messages and in the script's output, and the boot's own if it failed."""
        found = ktap.parse(self.messages if self.status is None else self.messages + self.output)
        if not self.ok:
            found.append(ktap.Case("boot: " + self.why, "not ok", notes=self.tail()))
        return found

    def tail(self, lines=40):
        return self.console[-lines:] + ["the whole console is in " + self.log]
