# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The drivers that are swept: QEMU's device of each, what it is connected to, and the work that uses it."""

# Arguments of QEMU that a device needs beside it. DIR is a directory of this boot.
NETWORK = ["-netdev", "user,id=n0,restrict=on,tftp=DIR"]
DISK = ["-drive", "if=none,id=d0,format=raw,file=DIR/disk"]
SCSI_DISK = DISK + ["-device", "scsi-hd,drive=d0,bus=sweep.0"]
USB_DISK = DISK + ["-device", "usb-storage,drive=d0,bus=sweep.0"]
SOUND = ["-audiodev", "none,id=a0"]
VIRTIO = ",iommu_platform=on,disable-legacy=on"


class Driver:
    """A driver of Linux, and how it is used.

    module: its name
    device: the value of QEMU's -device, which gets an id, an address and a bus
    work:   a name of work.USE
    qemu:   more arguments of QEMU
    also:   modules that are loaded before it and stay
    not_behind_iommu: the reason why QEMU's device cannot work there, or ""
    known:  kinds of errors that the driver really has; docs/findings.md explains them
    """

    def __init__(self, module, device, work, qemu=(), also=(), not_behind_iommu="", known=()):
        self.module = module
        self.device = device
        self.work = work
        self.qemu = list(qemu)
        self.also = list(also)
        self.not_behind_iommu = not_behind_iommu
        self.known = set(known)


def network(module, device, also=()):
    """A network card."""
    return Driver(module, device + ",netdev=n0", "net", NETWORK, also)


def scsi(module, device, also=(), not_behind_iommu="", known=()):
    """A SCSI controller with one disk."""
    return Driver(module, device, "disk", SCSI_DISK, ["sd_mod"] + list(also), not_behind_iommu, known)


def usb(module, device):
    """A USB controller with one disk."""
    return Driver(module, device, "disk", USB_DISK, ["sd_mod", "usb-storage"])


def sound(module, device, qemu=(), also=()):
    """A sound card, played through the interface of OSS, which needs no library."""
    return Driver(module, device, "sound", SOUND + list(qemu), ["snd-pcm-oss"] + list(also))


DRIVERS = [
    network("e1000", "e1000"),
    network("e1000e", "e1000e"),
    network("igb", "igb"),
    network("e100", "i82559er"),
    network("8139cp", "rtl8139"),
    network("pcnet32", "pcnet"),
    network("tulip", "tulip"),
    network("vmxnet3", "vmxnet3"),
    network("virtio_net", "virtio-net-pci" + VIRTIO, ["virtio_pci"]),
    Driver("nvme", "nvme,serial=sweep,drive=d0", "disk", DISK),
    Driver("virtio_blk", "virtio-blk-pci,drive=d0" + VIRTIO, "disk", DISK, ["virtio_pci"]),
    Driver("ahci", "ich9-ahci", "disk", DISK + ["-device", "ide-hd,drive=d0,bus=sweep.0"], ["sd_mod"]),
    Driver("sdhci-pci", "sdhci-pci", "disk", DISK + ["-device", "sd-card,drive=d0"], ["mmc_block"]),
    scsi("virtio_scsi", "virtio-scsi-pci" + VIRTIO, ["virtio_pci"], known=["live-at-end", "overlap"]),
    scsi("megaraid_sas", "megasas"),
    scsi("sym53c8xx", "lsi53c895a", not_behind_iommu="QEMU's model reads its own memory, a BAR, through the IOMMU"),
    scsi("am53c974", "am53c974"),
    scsi("vmw_pvscsi", "pvscsi", not_behind_iommu="QEMU's model leaves the ring of completions empty there"),
    usb("xhci-pci", "qemu-xhci"),
    usb("ehci-pci", "usb-ehci"),
    usb("ohci-pci", "pci-ohci"),
    usb("uhci-hcd", "piix3-usb-uhci"),
    sound("snd-hda-intel", "intel-hda", ["-device", "hda-output,audiodev=a0,bus=sweep.0"],
          ["snd-hda-codec-generic"]),
    sound("snd-intel8x0", "AC97,audiodev=a0"),
    sound("snd-ens1370", "ES1370,audiodev=a0"),
    Driver("virtio-gpu", "virtio-gpu-pci" + VIRTIO, "screen", (), ["virtio_pci"]),
    Driver("virtio-rng", "virtio-rng-pci" + VIRTIO, "random", (), ["virtio_pci"]),
]

# These take a minute together, and are of different kinds: descriptors in rings, lists of a disk, copies at a bounce.
SHORT = ["e1000e", "8139cp", "nvme", "virtio_blk"]
