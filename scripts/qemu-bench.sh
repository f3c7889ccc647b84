#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Run at length, too long for the suite qemu, the same tests on QEMU's device models, at length. Prints what they measured;
# the last line is as in `make test`.
#
#   scripts/qemu-bench.sh [STEP...]    all steps, or those named
set -u
dir=build/qemu-bench
log=build/log/qemu-bench.log
wanted=" $* "
passed=0
failed=0
ran=0

# step NAME PROGRAM WHAT [VARIABLE=VALUE...]: a test program, given more to do by its environment. What it prints behind
# "# " is what it has to say.
step() {
	name=$1 program=$2 what=$3
	shift 3
	case $wanted in
	'  ' | *" $name "*) ;;
	*) return ;;
	esac
	ran=$((ran + 1))
	printf '== %s: %s\n' "$name" "$what"
	out=build/log/qemu-bench-$name.log
	if ninja -C "$dir" -j "${JOBS:-2}" "$program" >>"$log" 2>&1; then
		env CMOCKA_MESSAGE_OUTPUT=TAP "$@" "$dir/$program" >"$out" 2>&1
		status=$?
	else
		tail -30 "$log"
		echo "not ok - $program could not be built" >"$out"
		status=1
	fi
	sed -n 's/^# \(.*\)/\1/p' "$out" | grep -vE '^(not )?ok - ' || true
	good=$(grep -c '^ok ' "$out")
	bad=$(grep -c '^not ok ' "$out")
	[ "$status" != 0 ] && [ "$bad" = 0 ] && bad=1
	[ "$good" = 0 ] && [ "$bad" = 0 ] && bad=1
	[ "$bad" = 0 ] || echo "FAILED: $out says why"
	passed=$((passed + good))
	failed=$((failed + bad))
}

mkdir -p build/log
: >"$log"
if [ ! -f "$dir/build.ninja" ] &&
	! meson setup "$dir" -Dtests=enabled -Dtools=disabled >"$log" 2>&1; then
	tail -30 "$log" >&2
	echo "qemu-bench.sh: the build could not be set up; the whole log is in $log" >&2
	exit 1
fi

# One line a step.
step nvme-disk tests/drivers/qemu-nvme-disk \
	'64 MiB written, read back and compared, 4 KiB a request, 32 under way' DMAH_NVME_MIB=64
step stale-vtd tests/qemu/qemu-vtd \
	'VT-d: DMA through what a strict unmap ended, 10,000 times; canary and fault record' DMAH_QEMU_OPS=10000
step stale-smmuv3 tests/qemu/qemu-smmuv3-mapping \
	'SMMUv3: the same; canary and event' DMAH_QEMU_OPS=10000
step program-vtd tests/qemu/qemu-program \
	'VT-d: programs of 10,000 random steps against a model of all bytes' DMAH_QEMU_OPS=10000
step program-smmuv3 tests/qemu/qemu-smmuv3-program \
	'SMMUv3: the same' DMAH_QEMU_OPS=10000
step shared-vtd tests/qemu/qemu-shared-random-vtd \
	'VT-d: the shared suite, 3,000 operations of every API on each machine' DMAH_QEMU_OPS=3000
step shared-smmuv3 tests/qemu/qemu-shared-random-smmu \
	'SMMUv3: the same' DMAH_QEMU_OPS=3000

step e1000e tests/drivers/qemu-e1000e \
	'20,000 frames each way, each compared' DMAH_QEMU_OPS=20000
step e1000e-stale tests/drivers/qemu-e1000e_stale \
	'2,000 frames for buffers that are unmapped' DMAH_QEMU_OPS=2000

if [ "$ran" = 0 ]; then
	echo "qemu-bench.sh: no such step:$wanted" >&2
	exit 2
fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
