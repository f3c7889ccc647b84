#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Check that a program links with a library of the same options and with no other: DMAH_CHECK and DMAH_HOST_LOCK_WORDS.
# The program is the example port, in C and its main file in C++, compiled plainly, optimised, and with link-time
# optimisation; the library is the one file of make dist. TAP.
set -u
root=${DMAH_ROOT:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
. "$root/tests/packaging/tap.sh"
CC=${CC:-gcc}
CXX=${CXX:-g++}

python3 "$root/scripts/amalgamate.py" --output "$work/dmah.c" || exit 1
include="-I$root/include"

# options NAME: the compiler's arguments for one of the builds below
options() {
	case $1 in
	default) ;;
	check) echo '-DDMAH_CHECK' ;;
	locks) echo '-DDMAH_HOST_LOCK_WORDS=2' ;;
	both) echo '-DDMAH_CHECK -DDMAH_HOST_LOCK_WORDS=2' ;;
	esac
}

# A main file in C++.
cat >"$work/main.cc" <<'C'
#include <dmah/device.h>
#include <dmah/dmah.h>

extern "C" void machine_print(const char *, const char *, const char *, uint64_t)
{
}

int main()
{
	static dmah_device dev;
	dmah_domain_config config = {};
	dmah_domain *dom;
	dmah h = {};

	/* Arguments that are refused: the program is about linking. */
	return dmah_domain_init(&dom, &config, nullptr, 0) == DMAH_EINVAL && !dmah_unmap(&dev, &h) && !dmah_mapped(&h) ? 0 : 1;
}
C

# A driver that includes dmah.h alone.
cat >"$work/driver.c" <<'C'
#include <dmah/dmah.h>
int driver(struct dmah_device *dev, struct dmah *h);
int driver(struct dmah_device *dev, struct dmah *h)
{
	return dmah_sync_for_cpu(dev, h, 0, 1) || dmah_map_page(dev, h, 0, 0, 4096, DMAH_TO_DEVICE);
}
C

build() { # COMPILER OUTPUT SOURCE FLAGS...: compile one file
	compiler=$1 output=$2 source=$3
	shift 3
	"$compiler" -w "$include" "-I$root/examples/port" "$@" -c "$source" -o "$output" 2>"$work/log" ||
		{ report "compile $source $*" 1 "$(cat "$work/log")"; leave; }
}

for c in default check locks both; do
	o=$(options $c)
	# shellcheck disable=SC2086
	{
		build "$CC" "$work/lib-$c.o" "$work/dmah.c" -std=gnu11 -O0 $o
		build "$CC" "$work/port-$c.o" "$root/examples/port/port.c" -std=gnu11 -O0 $o
		build "$CC" "$work/c-O0-$c.o" "$root/examples/port/main.c" -std=gnu11 -O0 $o
		build "$CC" "$work/c-O2-$c.o" "$root/examples/port/main.c" -std=gnu11 -O2 -ffunction-sections -fdata-sections $o
		build "$CXX" "$work/cc-O1-$c.o" "$work/main.cc" -std=c++17 -O1 $o
		build "$CC" "$work/driver-$c.o" "$work/driver.c" -std=gnu11 -O2 $o
	}
done
for c in default check; do
	o=$(options $c)
	# shellcheck disable=SC2086
	{
		build "$CC" "$work/lto-lib-$c.o" "$work/dmah.c" -std=gnu11 -O1 -flto $o
		build "$CC" "$work/lto-main-$c.o" "$root/examples/port/main.c" -std=gnu11 -O1 -flto $o
	}
done

link() { # LANGUAGE-LEVEL PROGRAM'S-OPTIONS LIBRARY'S-OPTIONS
	case $1 in
	c-O2) set -- "$@" "$CC" -Wl,--gc-sections ;;
	cc-*) set -- "$@" "$CXX" ;;
	*) set -- "$@" "$CC" ;;
	esac
	form=$1 program=$2 library=$3
	shift 3
	text=$("$@" -o "$work/program" "$work/$form-$program.o" "$work/port-$library.o" "$work/lib-$library.o" 2>&1)
}

refused() { # NAME STATUS TEXT: a link that must have failed, for a name that carries options
	! [ "$2" = 0 ] && printf '%s' "$3" | grep -qE 'undefined reference to .?dmah_[a-z0-9_]+'
	report "$1" $? "$3"
}

for form in c-O0 c-O2 cc-O1; do
	for program in default check locks both; do
		for library in default check locks both; do
			link $form $program $library
			status=$?
			if [ $program = $library ]; then
				[ $status = 0 ] && "$work/program" >"$work/out" 2>&1
				report "$form: options '$program' on both sides: links and runs" $? "$text$(cat "$work/out")"
			else
				refused "$form: a program with '$program' and a library with '$library' do not link" $status "$text"
			fi
		done
	done
done
for program in default check; do
	for library in default check; do
		text=$("$CC" -O1 -flto -o "$work/program" "$work/lto-main-$program.o" "$work/port-$library.o" \
			"$work/lto-lib-$library.o" 2>&1)
		status=$?
		if [ $program = $library ]; then
			[ $status = 0 ] && "$work/program" >/dev/null 2>&1
			report "link-time optimisation: options '$program' on both sides: links and runs" $? "$text"
		else
			refused "link-time optimisation: '$program' and '$library' do not link" $status "$text"
		fi
	done
done
# One driver that was compiled otherwise than the rest of the kernel.
text=$("$CC" -o "$work/program" "$work/c-O0-check.o" "$work/driver-default.o" "$work/port-check.o" "$work/lib-check.o" 2>&1)
refused 'one driver without DMAH_CHECK among the files of a check build does not link' $? "$text"
text=$("$CC" -o "$work/program" "$work/c-O0-default.o" "$work/driver-check.o" "$work/port-default.o" "$work/lib-default.o" 2>&1)
refused 'one driver with DMAH_CHECK among the files of a default build does not link' $? "$text"
leave
