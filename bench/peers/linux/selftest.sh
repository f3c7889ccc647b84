#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# The self test as TAP, for a test runner: builds in BUILD_DIR, and is skipped where no source of
# Linux was downloaded yet. It downloads nothing.
#
#   selftest.sh BUILD_DIR
set -u
build=${1:?usage: selftest.sh BUILD_DIR}
here=$(dirname "$0")

version=$(LINUX_PEER_DOWNLOAD=no sh "$here/build.sh" "$build")
status=$?
if [ $status = 3 ]; then
	echo '1..0 # SKIP no source of Linux: the benchmark downloads it'
	exit 0
fi
[ $status = 0 ] || exit $status
if [ ! -x "$build/linux-peer-selftest" ]; then
	echo '1..0 # SKIP there is no libcmocka'
	exit 0
fi
echo "# Linux $version" >&2
CMOCKA_MESSAGE_OUTPUT=TAP exec "$build/linux-peer-selftest"
