# shellcheck shell=sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Lines of TAP for the shell scripts of this folder.
n=0
bad=0

# report NAME STATUS [TEXT]: one case; the text follows as comments where it failed
report() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "${3-}" | tail -40 | sed 's/^/# /'
		bad=1
	fi
}

# leave: the plan, and the exit status
leave() {
	echo "1..$n"
	exit $bad
}
