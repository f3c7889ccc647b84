#!/bin/sh
# SPDX-License-Identifier: MIT OR GPL-2.0-only
#
# Get the source of Linux from a Debian package linux-source-*, and unpack the few files that the
# peer is made of.
#
#   fetch.sh CACHE_DIR       prints the folder with the files; nothing is done where they are there
#
# LINUX_PEER_SERIES="7.3" in the environment wants that series and no other; LINUX_PEER_DEB=file.deb
# takes a package from there; LINUX_PEER_DOWNLOAD=no does with what is there. Exit status 3: the
# package cannot be had, for the reason in the one line on stderr.
set -u
cache=${1:?usage: fetch.sh CACHE_DIR}
series=${LINUX_PEER_SERIES:-6.12}
mirror=http://deb.debian.org

files='Makefile drivers/iommu/*.[ch] drivers/iommu/intel/*.[ch] lib/rbtree.c include/linux/iommu.h
include/linux/iova.h include/linux/io-pgtable.h include/linux/rbtree.h include/linux/rbtree_types.h
include/linux/rbtree_augmented.h include/uapi/linux/iommu.h include/uapi/linux/iommufd.h
include/linux/generic_pt/*.h drivers/iommu/generic_pt/*.h drivers/iommu/generic_pt/fmt/*.[ch]
include/linux/iommu-dma.h include/linux/dma-mapping.h include/linux/dma-map-ops.h
include/linux/dma-direct.h include/linux/scatterlist.h include/linux/swiotlb.h lib/scatterlist.c
kernel/dma/mapping.c kernel/dma/direct.[ch] kernel/dma/swiotlb.c'

mkdir -p "$cache" || exit 1
cache=$(cd "$cache" && pwd) || exit 1
log=$cache/fetch.log

unavailable() {
	echo "fetch.sh: no source of Linux: $1" >&2
	exit 3
}

# The list is part of the name, so that a longer list is not satisfied by an old folder.
stamp=.unpacked-$(echo "$files" | cksum | cut -d' ' -f1)
for s in $series; do
	if [ -z "${LINUX_PEER_DEB-}" ] && [ -f "$cache/linux-source-$s/$stamp" ]; then
		echo "$cache/linux-source-$s"
		exit 0
	fi
done

for tool in dpkg-deb tar xz; do
	command -v $tool >/dev/null 2>&1 || unavailable "$tool is not installed"
done
: >"$log"

# With arguments of apt, so that a second set of lists can be looked at the same way.
download() { # SERIES [APT OPTION...]
	package=linux-source-$1
	shift
	apt-cache "$@" show "$package" >/dev/null 2>&1 || return 1
	(cd "$cache" && apt-get "$@" -q -o Acquire::Retries=2 -o Acquire::http::Timeout=30 \
		download "$package") >>"$log" 2>&1 </dev/null
}

downloaded() { # SERIES
	for f in "$cache/linux-source-$1"_*.deb; do
		[ -f "$f" ] && deb=$f && ours=$f
	done
	[ -n "$deb" ]
}

# If the machine's own lists know no such package, use lists in the cache that name
# Debian 12 and 13 with their backports and Debian 12's security updates. They need no root and change nothing.
private_lists() {
	apt=$cache/apt
	mkdir -p "$apt/lists/partial" "$apt/archives/partial" || return 1
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -f $key ] || return 1
	cat >"$apt/sources.list" <<-LIST || return 1
		deb [signed-by=$key] $mirror/debian bookworm main
		deb [signed-by=$key] $mirror/debian bookworm-backports main
		deb [signed-by=$key] $mirror/debian-security bookworm-security main
		deb [signed-by=$key] $mirror/debian trixie-backports main
	LIST
	options="-o Dir::Etc::SourceList=$apt/sources.list -o Dir::Etc::SourceParts=-"
	options="$options -o Dir::State::Lists=$apt/lists -o Dir::Cache=$apt"
	options="$options -o Dir::Cache::Archives=$apt/archives"
	# shellcheck disable=SC2086
	apt-get $options -q -o Acquire::Retries=2 -o Acquire::http::Timeout=30 update \
		>>"$log" 2>&1 </dev/null
}

deb=${LINUX_PEER_DEB-}
ours=
if [ -z "$deb" ] && [ "${LINUX_PEER_DOWNLOAD-}" = no ]; then
	unavailable "none was downloaded yet"
fi
if [ -z "$deb" ]; then
	# A file that an interrupted run left may be half a package.
	rm -f "$cache"/linux-source-*.deb
	command -v apt-get >/dev/null 2>&1 || unavailable "there is no apt-get here"
	for s in $series; do
		download "$s" && downloaded "$s" && break
	done
fi
if [ -z "$deb" ] && private_lists; then
	for s in $series; do
		# shellcheck disable=SC2086
		download "$s" $options && downloaded "$s" && break
	done
fi
[ -n "$deb" ] || unavailable "apt has no linux-source package of $series (log: $log)"

s=$(dpkg-deb -f "$deb" Package) || unavailable "$deb is no Debian package"
s=${s#linux-source-}
d=$cache/linux-source-$s
rm -rf "$d" "$d.new"
mkdir -p "$d.new" || exit 1
# The patterns are for tar, not for the shell. tar reports those that match nothing (no series has
# all of the files) after it has unpacked the rest; extract.py says what is really missing.
(
	set -f
	patterns=
	for f in $files; do
		patterns="$patterns linux-source-$s/$f"
	done
	# shellcheck disable=SC2086
	dpkg-deb --fsys-tarfile "$deb" | tar xO "./usr/src/linux-source-$s.tar.xz" | xz -dc |
		tar x -C "$d.new" --strip-components=1 --wildcards --no-wildcards-match-slash \
			$patterns
) >>"$log" 2>&1
if ! [ -s "$d.new/Makefile" ] || ! [ -s "$d.new/drivers/iommu/iova.c" ]; then
	unavailable "$deb does not unpack (log: $log)"
fi
dpkg-deb -f "$deb" Version >"$d.new/$stamp"
mv "$d.new" "$d" || exit 1
# 150 MB, of which one is used.
[ -n "$ours" ] && rm -rf "$ours" "$cache/apt"
echo "$d"
