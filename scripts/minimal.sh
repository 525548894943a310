# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # cache.sh has some, others are for the caller
# What the suites share that try the packages in a minimal Debian. Sourced after
# progress.sh and cache.sh.
tests=0 status=0 log=/tmp/kvmflip-minimal.log

# verdict NAME COMMAND...: and what it said, if it failed
verdict() {
	local name=$1

	shift
	tests=$((tests + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $tests - $name"
	else
		tail -n 40 "$log" | sed 's/^/# /'
		echo "not ok $tests - $name"
		status=1
	fi
}

skip() {
	echo "1..0 # SKIP $*"
	exit 4
}

finish() {
	echo "1..$tests"
	exit $status
}

# apart ARG...: what is mounted goes with the namespace, whatever becomes of the suite
apart() {
	((EUID == 0)) || skip 'needs root'
	[[ ${KVMFLIP_APART:-} ]] || KVMFLIP_APART=1 exec unshare --mount "$PWD/scripts/suites/${0##*/}" "$@"
}

# lay_out: sets $dir, where there is room, and $root, the Debian. What is written to it
# is in memory. It has this checkout and the cache where they are here, and packages of
# two versions, $old and $new, in /packages.
lay_out() {
	local program debian at

	for program in dh_dkms lintian mmdebstrap; do
		command -v $program >/dev/null || skip "no $program"
	done
	debian=$(scripts/root) || skip 'no minimal Debian'
	dir=$(mktemp -d) root=$dir/root
	trap 'umount -R "$dir" && rmdir "$dir"' EXIT
	mount -t tmpfs -o size=6G tmpfs "$dir"
	mkdir "$dir"/{up,work,root}
	mount -t overlay -o "lowerdir=$debian,upperdir=$dir/up,workdir=$dir/work" overlay "$root"
	old=$(sed -n 's/^VERSION := //p' userspace/version.mk)
	new=$old+1
	for at in "$new" "$old"; do
		mkdir -p "$root/packages/$at"
		verdict "packages of $at" scripts/package "$at"
		# the benchmark wants more than is there
		cp out/packages/{kvmflip{,-*dkms}_,libkvmflip}*.deb "$root/packages/$at/"
	done
	((status == 0)) || finish
}

# inside COMMAND...: in $root, as if it were a machine's
inside() {
	(
		for at in "$PWD" "$cache"; do
			mkdir -p "$root$at"
			mountpoint -q "$root$at" || mount --bind "$at" "$root$at"
		done
		mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
		mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"
		exec chroot "$root" "$@"
	)
}

# Inside it: apt, which has all that it needs, and a kernel for DKMS
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends "$@"
}
