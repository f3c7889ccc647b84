#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Boot the example kernel under QEMU. The kernel's exit status becomes this script's.
#
#   run.sh x86|arm64|riscv64 KERNEL [QEMU OPTION...]
#
# IOMMU=no in the environment leaves the IOMMU out: the kernel then fails. IOMMU=amd is AMD's in place of Intel's, on QEMU 11,
# which lab/vm fetches: QEMU 7.2's records no faults.
set -u
arch=$1
kernel=$2
shift 2
common='-nodefaults -no-user-config -display none -no-reboot -m 256M -serial stdio -monitor none'
edu='-device edu,dma_mask=0xffffffffffffffff'
case $arch in
x86)
	iommu='-device intel-iommu,intremap=on,aw-bits=48'
	qemu=qemu-system-x86_64
	case ${IOMMU-} in
	no) iommu= ;;
	amd)
		iommu='-device amd-iommu,dma-remap=on'
		qemu=$(python3 "$(dirname "$0")/../../lab/vm" emulator amd64) || exit 1
		;;
	esac
	# shellcheck disable=SC2086
	$qemu $common -machine q35 -cpu qemu64 $iommu $edu \
		-device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$kernel" "$@" </dev/null
	status=$?
	# The kernel writes 16 when it has passed, and isa-debug-exit ends QEMU with 2 * 16 + 1.
	[ $status = 33 ] && exit 0
	exit 1
	;;
arm64)
	smmu=,iommu=smmuv3
	[ "${IOMMU-}" = no ] && smmu=
	# shellcheck disable=SC2086
	qemu-system-aarch64 $common -machine virt$smmu -cpu cortex-a57 $edu \
		-semihosting-config enable=on,target=native -kernel "$kernel" "$@" </dev/null
	;;
riscv64)
	# QEMU 11 has the IOMMU; lab/vm fetches it, and prints its command, a word a line.
	qemu=$(python3 "$(dirname "$0")/../../lab/vm" emulator riscv64) || exit 1
	iommu=,iommu-sys=on
	[ "${IOMMU-}" = no ] && iommu=
	# shellcheck disable=SC2086
	$qemu $common -machine virt$iommu -bios none $edu -kernel "$kernel" "$@" </dev/null
	;;
*)
	echo "run.sh: unknown architecture '$arch' (x86, arm64 or riscv64)" >&2
	exit 2
	;;
esac
