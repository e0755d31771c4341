#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Boots a Debian root as PID 1 of namespaces of its own; used by machine.py, which has made the
# mount namespace that the first stage runs in. Everything that is written goes to a tmpfs, so
# when PID 1 ends, the kernel takes all of it back.
set -eu

# outer ROOT WORK CGROUP: the file system; then PID, network, host name and cgroup namespaces.
outer() {
	root=$1 work=$2 cgroup=$3
	mount -t tmpfs -o size=1g,mode=755 tmpfs "$work"
	mkdir "$work/upper" "$work/scratch" "$work/top"
	top=$work/top
	mount -t overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/scratch" overlay "$top"
	mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs "$top/run"
	mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$top/tmp"
	# Device nodes of its own: what is done to them never reaches those of the host.
	mount -t tmpfs -o nosuid,mode=755 tmpfs "$top/dev"
	for node in null:3 zero:5 full:7 random:8 urandom:9; do
		mknod -m 666 "$top/dev/${node%:*}" c 1 "${node#*:}"
	done
	mknod -m 666 "$top/dev/tty" c 5 0
	mkdir "$top/dev/pts" "$top/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$top/dev/pts"
	mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$top/dev/shm"
	ln -s pts/ptmx "$top/dev/ptmx"
	ln -s /proc/self/fd "$top/dev/fd"
	: >"$top/dev/console"
	mount --bind "$(tty)" "$top/dev/console"
	echo $$ >"$cgroup/cgroup.procs"
	exec unshare --cgroup --net --uts --ipc --pid --mount --propagation private \
		--fork --kill-child=KILL "$0" inner "$top"
}

# inner TOP: as PID 1. /proc/sys and /sys are the host's, and so read-only.
inner() {
	cd "$1"
	ip link set lo up
	hostname testbed
	mount -t proc -o nosuid,nodev,noexec proc proc
	mount --bind proc/sys proc/sys
	mount --bind proc/sys/net proc/sys/net
	mount -o remount,bind,ro proc/sys
	mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
	mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
	mkdir run/host
	pivot_root . run/host
	umount -l run/host
	rmdir run/host
	mount --make-rshared /
	# The clock, the modules and the hardware are the host's.
	exec env -i container=testbed PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb \
		setpriv --bounding-set=-sys_module,-sys_rawio,-sys_time /lib/systemd/systemd
}

"$@"
