#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Install the Debian packages that a make target needs, and only those that are missing.
#
#   scripts/deps.sh build|run|bench|quick|test|lint|example-kernel|linux-module|linux-series|linux-series-test   install what is missing for that target
#   scripts/deps.sh --list TARGET      print the packages and what each is for
#
# DEPS=no in the environment skips the step (packages handled elsewhere). On a system without
# dpkg the list is printed and the build goes on with what it finds.
set -u

# target  package  what it is for. "run" includes "build", "bench" and "test" include "run".
table() {
	cat <<'TABLE'
build gcc                     the compiler
build libc6-dev               the C library's headers: the tool, the simulator and the posix port
build meson                   the build system
build ninja-build             runs what Meson generates
build pkg-config              finds the libraries below
build libtracecmd-dev         reads trace.dat files
build libtracefs-dev          libtracecmd's pkg-config file requires it, its package does not
build libtraceevent-dev       decodes the binary events in them
build liblzma-dev             reads .xz traces
build libzstd-dev             reads .zst traces
build zlib1g-dev              reads .gz traces
build libjansson-dev          --json
run   gnuplot-nox             draws the plots of a replay, and of the benchmark
bench valgrind                callgrind: counts the benchmark's instructions
bench python3                 takes what the benchmark needs out of Linux's source
test  libcmocka-dev           the unit test framework
quick libcmocka-dev           the unit test framework
test  g++                     compiles each public header as C++
test  clang-14                second compiler; AddressSanitizer, UBSan, ThreadSanitizer, libFuzzer
test  libclang-rt-14-dev      the run-time libraries of those
test  llvm-14                 llvm-symbolizer: function names in sanitizer reports
lint  clang-format-14         checks the code style
lint  python3                 runs the test configurations, the mutants and the fuzzers
test  xz-utils                unpacks the source of cmocka for the cross builds; .xz traces in tests
test  zstd                    makes .zst traces in tests
test  gzip                    makes .gz traces in tests
test  util-linux              setarch: runs ThreadSanitizer without address randomisation
test  gcc-aarch64-linux-gnu   cross compiler: aarch64
test  libc6-dev-arm64-cross   its C library
test  gcc-arm-linux-gnueabihf cross compiler: 32-bit arm
test  libc6-dev-armhf-cross   its C library
test  gcc-riscv64-linux-gnu   cross compiler: riscv64
test  libc6-dev-riscv64-cross its C library
test  qemu-user               runs the cross-built suites
test  qemu-system-x86         Intel's IOMMU and PCI devices, as models that the suite qemu drives
test  qemu-system-arm         the SMMUv3, likewise
test  ethtool                 resizes the rings of a network card in a booted kernel
test  valgrind                callgrind: counts the instructions of a replay
test  cmake                   builds examples/cmake and the CMake lines of docs/porting.md
test  rustc                   compiles examples/rust, which calls the library
test  make                    builds kernel modules
test  device-tree-compiler    the device tree that gives Xen a second domain
test  libelf1                 the kernel's own build tools need it
test  trace-cmd               records in booted kernels beside dmah record
module gcc                    compiles the kernel module
module make                   builds it
module python3                fetches the kernel's headers where they are not installed
module libelf1                the kernel's own build tools need it
series git                    makes the patches
series perl                   runs the kernel's checkpatch
series python3                fetches the kernel's source, and edits it
series xz-utils               unpacks the kernel's source
seriestest bc                 the kernel's build
seriestest bison              the kernel's build
seriestest cpio               the kernel's build
seriestest flex               the kernel's build
seriestest gcc                compiles the kernel
seriestest device-tree-compiler the device tree that gives Xen a second domain
seriestest gcc-aarch64-linux-gnu compiles the kernel of arm64
seriestest gcc-arm-linux-gnueabihf compiles the kernel of 32-bit arm
seriestest libc6-dev         the kernel's program of the DMA benchmark
seriestest libelf-dev         objtool, which the kernel's build runs
seriestest libssl-dev         the kernel's build
seriestest make               builds the kernel
seriestest qemu-system-arm    boots it: arm64, 32-bit arm
seriestest qemu-system-x86    boots it
kernel gcc                    compiles the example kernel for x86
kernel gcc-aarch64-linux-gnu  compiles the example kernel for arm64
kernel gcc-riscv64-linux-gnu  compiles the example kernel for riscv64
kernel make                   builds it
kernel qemu-system-x86        boots it: Intel's IOMMU
kernel qemu-system-arm        boots it: the SMMUv3
test  bison                   configures the kernel of linux/series
test  flex                    configures the kernel of linux/series
test  git                     makes the patches of linux/series
test  perl                    runs the kernel's checkpatch on them
test  spin                    checks the models in tests/spin
TABLE
}

# classes TARGET: the rows of the table that a target needs
classes() {
	case $1 in
	build) echo 'build' ;;
	run) echo 'build run' ;;
	bench) echo 'build run bench' ;;
	test) echo 'build run lint test' ;;
	quick) echo 'build lint quick' ;;
	lint) echo 'lint' ;;
	example-kernel) echo 'kernel' ;;
	linux-module) echo 'module' ;;
	linux-series) echo 'series' ;;
	linux-series-test) echo 'series seriestest' ;;
	*)
		echo "deps.sh: unknown target '$1' (build, run, bench, quick, test, lint, example-kernel, linux-module, linux-series or linux-series-test)" >&2
		exit 2
		;;
	esac
}

packages() {
	wanted=$(classes "$1") || exit 2
	table | while read -r class package what; do
		case " $wanted " in
		*" $class "*) echo "$package $what" ;;
		esac
	done
}

if [ "${1-}" = --list ]; then
	packages "${2:-test}" | awk '{ p = $1; $1 = ""; printf "%-24s%s\n", p, $0 }'
	exit
fi
target=${1:?usage: deps.sh [--list] build|run|bench|quick|test|lint|example-kernel|linux-module|linux-series|linux-series-test}
classes "$target" >/dev/null || exit 2

[ "${DEPS-}" = no ] && exit 0

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
	echo "deps.sh: no dpkg and apt-get here; this needs the equivalents of these Debian packages:" >&2
	packages "$target" | awk '{ print "  " $0 }' >&2
	exit 0
fi

missing() {
	for p in "$@"; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)
		[ "$state" = installed ] || printf '%s ' "$p"
	done
}

# shellcheck disable=SC2046
need=$(missing $(packages "$target" | awk '{ print $1 }'))
[ -z "$need" ] && exit 0

# Given no password and no terminal, sudo must fail at once and not wait for an answer.
if [ "$(id -u)" = 0 ]; then
	as_root=
elif command -v sudo >/dev/null 2>&1; then
	as_root='sudo'
	[ -t 0 ] || as_root='sudo -n'
	if ! $as_root true; then
		echo "deps.sh: sudo refused; these packages are missing:" >&2
		echo "  apt-get install --no-install-recommends $need" >&2
		exit 1
	fi
else
	echo "deps.sh: these packages are missing, and this is neither root nor is there sudo:" >&2
	echo "  apt-get install --no-install-recommends $need" >&2
	exit 1
fi

# env, because sudo does not pass the variable on.
apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@" </dev/null
}

mkdir -p build/log
log=build/log/deps.log
: >"$log"
echo "deps: these Debian packages are missing and will be installed: $need(log: $log)"
if ! apt update >>"$log" 2>&1; then
	echo "deps.sh: apt-get update failed; going on with the package lists there are" >&2
	grep -E '^(E|Err|W):?' "$log" | tail -5 >&2
fi
# Say how much that is before it happens. A line is: 'address' file bytes checksum.
# shellcheck disable=SC2086
apt install --no-install-recommends --print-uris $need 2>>"$log" | grep "^'" |
	awk '{ n++; bytes += $3 } END { printf "deps: %d packages with their dependencies, %.0f MB to download\n", n, bytes / 1e6 }'
# shellcheck disable=SC2086
if apt install --no-install-recommends $need >>"$log" 2>&1; then
	exit 0
fi

# One at a time, to be able to name the package that is to blame.
bad=
for p in $need; do
	apt install --no-install-recommends "$p" >>"$log" 2>&1 || bad="$bad $p"
done
[ -z "$bad" ] && exit 0
echo "deps.sh: apt-get could not install:" >&2
for p in $bad; do
	packages "$target" | awk -v p="$p" '$1 == p { $1 = ""; print "  " p ":" $0 }' >&2
done
grep -E '^(E|Err):?' "$log" | tail -5 >&2
echo "deps.sh: the whole log is in $log" >&2
exit 1
