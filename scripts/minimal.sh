# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # cache.sh has some, others are for the caller
# What the suites share that try the packages in a minimal Debian. Sourced after
# progress.sh, cache.sh and verdict.sh.
old=$(sed -n 's/^VERSION := //p' userspace/version.mk) new=$old+1

# apart ARG...: what is mounted goes with the namespace, whatever becomes of the suite
apart() {
	((EUID == 0)) || skip 'needs root'
	[[ ${KVMFLIP_APART:-} ]] || KVMFLIP_APART=1 exec unshare --mount "$PWD/scripts/suites/${0##*/}" "$@"
}

# build_packages VERSION: into $root, one suite at a time, but the benchmark, which wants
# more than is there
build_packages() {
	mkdir -p "$root/packages/$1" && flock 8 && scripts/package "$1" &&
		cp out/packages/{kvmflip{,-*dkms}_,libkvmflip}*.deb "$root/packages/$1/"
} 8>out/packages.lock

# lay_out VERSION...: sets $dir, where there is room, and $root, the Debian. What is written
# to it is in memory. It has this checkout and the cache where they are here, and packages
# of these versions in /packages.
lay_out() {
	local program debian at

	for program in dh_dkms lintian mmdebstrap; do
		command -v $program >/dev/null || skip "no $program"
	done
	debian=$(scripts/root) || skip 'no minimal Debian'
	mkdir -p out
	dir=$(mktemp -d) root=$dir/root
	trap 'umount -R "$dir" && rmdir "$dir"' EXIT
	mount -t tmpfs -o size=6G tmpfs "$dir"
	mkdir "$dir"/{up,work,root}
	mount -t overlay -o "lowerdir=$debian,upperdir=$dir/up,workdir=$dir/work" overlay "$root"
	for at; do
		verdict "packages of $at" build_packages "$at"
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

# prepare_kernel DIR BUILD: the Debian has the modules that are in DIR, and DKMS builds ours
# for them, with BUILD
prepare_kernel() {
	kernel=$(basename "$1"/lib/modules/*)
	mkdir -p "$root/lib/modules"
	cp -r "$1/lib/modules/$kernel" "$root/lib/modules/"
	ln -sfn "$2" "$root/lib/modules/$kernel/build"
}

# install_inside VERSION: and have DKMS build it for the kernel that it will run under
install_inside() {
	local packages=("$root/packages/$1/"{kvmflip_,kvmflip-dkms_,libkvmflip0_}*.deb)

	inside apt-get -y -q --no-install-recommends --allow-downgrades \
		install "${packages[@]#"$root"}" &&
		inside dkms autoinstall -k "$kernel" && inside depmod "$kernel"
}

# boot KERNEL NAME [OPTION]... of testbed: the Debian, with what was written to its disk
# before, until it has done what scripts/l1/system does by this name
boot() {
	local out=out/system/$2 try code

	umount -q "$root"{/proc,/dev,"$PWD","$cache"}
	mkdir -p "$out"
	for try in 1 2; do
		scripts/testbed --kernel "$1" --timeout 900 --root "$root" "${@:3}" \
			--out "$out" -- env KVMFLIP_NEW="$new" scripts/l1/system "$2" >"$log"
		code=$?
		# the emulated machine stood still before it had done anything
		((try == 1 && code == 125)) && [[ ! -s $log ]] || break
	done
	((code == 0)) || status=1
	while IFS= read -r line; do
		[[ $line =~ ^(not )?ok\ [0-9]+(.*) ]] || { echo "$line"; continue; }
		tests=$((tests + 1))
		echo "${BASH_REMATCH[1]}ok $tests${BASH_REMATCH[2]}"
	done < <(grep -v '^KTAP\|^1\.\.' "$log")
	((status == 0)) || finish
}

# Inside it: apt, which has all that it needs, and a kernel for DKMS
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends "$@"
}
