#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# packages.sh [--twice] [--root ROOT] DIR: build the Debian packages of this tree into DIR, unless
# they are there already and nothing has changed. --twice: build again in another place, with
# another umask, time zone and language, and compare. --root: build in that root, as root.
set -euo pipefail

twice=no
chroot=
if [ "${1:-}" = --twice ]; then
	twice=yes
	shift
fi
if [ "${1:-}" = --root ]; then
	chroot=$2
	shift 2
fi
[ $# = 1 ] || { echo "usage: packages.sh [--twice] [--root ROOT] DIR" >&2; exit 2; }
mkdir -p "$1"
out=$(readlink -f "$1")
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
cd "$root"

# The sources, without what was built from them.
sources() {
	find . \( -path ./.git -o -name 'build*' -type d -o -name 'obj-*' -o -name __pycache__ \
		-o -path ./out -o -path ./debian/.debhelper -o -path ./debian/tmp \
		-o -path ./debian/twamp -o -path ./debian/twampd \) -prune \
		-o \( -type f -o -type l \) -print | LC_ALL=C sort
}

# in_root DIR COMMAND...: in DIR/source, which a root of another release has as /mnt/source.
# shellcheck disable=SC2016 # expanded by the inner shell
in_root() {
	unshare --mount --propagation private --pid --fork --kill-child --net sh -euc '
		mount --bind "$1" "$0/mnt"
		mount -t proc proc "$0/proc"
		mount --bind /dev "$0/dev"
		mount -t tmpfs tmpfs "$0/tmp"
		shift
		exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TZ="${TZ:-UTC0}" \
			LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="$DEB_BUILD_OPTIONS" \
			sh -c "cd /mnt/source && exec \"\$@\"" sh "$@"' "$chroot" "$@"
}

# build_in DIR: packages and .changes end up in DIR, their log in DIR/log.
build_in() {
	local dir=$1

	rm -rf "$dir"
	mkdir -p "$dir/source"
	sources | tar -c -T - | tar -x -C "$dir/source"
	(
		export DEB_BUILD_OPTIONS="nocheck ${DEB_BUILD_OPTIONS:-}"
		if [ -n "$chroot" ]; then
			in_root "$dir" dpkg-buildpackage -us -uc -b -Pnocheck
		else
			cd "$dir/source"
			dpkg-buildpackage -us -uc -b
		fi
	) >"$dir/log" 2>&1 ||
		{ tail -n 40 "$dir/log" >&2; echo "the build in $dir failed" >&2; return 1; }
	rm -rf "$dir/source"
}

sums() {
	(cd "$1" && LC_ALL=C sha256sum -- *.deb)
}

(
	flock 9
	now=$(sources | tr '\n' '\0' | xargs -0 sha256sum | sha256sum)
	if [ "$now" != "$(cat "$out/tree" 2>/dev/null)" ]; then
		rm -rf "$out/tree" "$out/first"
		build_in "$out/first"
		echo "$now" >"$out/tree"
	fi
	if [ "$twice" = yes ]; then
		(umask 077 && TZ=Asia/Kathmandu LC_ALL=C.UTF-8 build_in "$out/second/elsewhere")
		if ! diff <(sums "$out/first") <(sums "$out/second/elsewhere"); then
			echo "two builds differ; diffoscope tells how" >&2
			exit 1
		fi
		rm -rf "$out/second"
	fi
) 9>"$out/lock"
