# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
# What guests of L1 ("L2") boot from: the same kernel, or Debian's, and an initramfs with
# busybox, all modules that a guest may want, and what tests run in guests.
# Made outside, where that is quick. Sourced by testbed.

# in_memory DIR PROGRAM...: copies of them, with their libraries, at their places
# in DIR; to open a file over 9p takes long, above all in a guest of a guest
in_memory() {
	local dir=$1 file to files=()

	shift
	for file in "$@"; do
		file=$(type -P "$file") && files+=("$file")
	done
	while read -r file; do
		files+=("$file")
	done < <(ldd "${files[@]}" 2>/dev/null | grep -oE '[[:space:]]/[^ ]+' | sort -u)
	files+=(/etc/ld.so.cache /usr/lib/locale/C.utf8/LC_*)
	mkdir -p "$dir"
	for file in /bin /sbin /lib /lib64; do
		[[ -L $file ]] && cp -dn "$file" "$dir/"
	done
	for file in "${files[@]}"; do
		[[ -f $file ]] || continue
		to=$dir$(realpath "${file%/*}")
		mkdir -p "$to"
		cp -L "$file" "$to/"
	done
}

# Programs that busybox has not, or not with all that tests ask of them
l2_programs=(bash ethtool ip iperf3 modprobe ping rmmod tc)

# first_modules IMAGE DIR NAME...: into DIR/first, in the order of loading, those modules of
# one of Debian's kernels, and what they need: all that this needs for its root is modules
first_modules() {
	local image=$1 dir=$2/first version=${1##*/image-} file name n=10

	shift 2
	mkdir -p "$dir"
	while read -r _ file; do
		n=$((n + 1))
		name=${file##*/}
		xz -dc "$file" >"$dir/$n-${name%.xz}"
	done < <(for name in "$@"; do
		modprobe -d "$image" -S "$version" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++')
}

# l2_same DIR OFTEN: L1's own kernel. One of Debian's: l2_stock
l2_same() {
	[[ $kernel == image-* ]] && { l2_stock "$@" "$kernel"; return; }
	ln -s "$bzimage" "$1/l2.kernel"
	mkdir -p "$2/usr/lib/modules/$version"
	(cd "$modules/$version" && cp -rL kernel/{drivers,net,lib,crypto} updates modules.* \
		"$2/usr/lib/modules/$version/" 2>/dev/null) || true
}

# l2_debian DIR OFTEN: the oldest kernel that there is a driver for
l2_debian() {
	l2_stock "$@" image-6.12
}

# l2_stock DIR OFTEN IMAGE: with our driver
l2_stock() {
	local image version file

	image=$("$here/kernels" path "$3")
	version=${image##*/image-}
	file=$repo/out/build/${3/image/headers}/src/guest/kvmflip_net.ko
	[[ -f $file ]] || die "no driver for Debian's ${3#*-}: run 'scripts/module ${3/image/headers}'"
	ln -s "$image/vmlinuz" "$1/l2.kernel"
	mkdir -p "$2/usr/lib/modules/$version/updates"
	cp "$file" "$2/usr/lib/modules/$version/updates/"
	cp "$image/lib/modules/$version"/modules.{builtin*,order} "$2/usr/lib/modules/$version/"
	depmod -b "$2" "$version"
	first_modules "$image" "$1/l2" 9pnet_virtio 9p overlay
}

# make_l2 DIR same|debian: DIR/l2.kernel and DIR/l2.cpio
make_l2() {
	local dir=$1/l2 applet

	mkdir -p "$dir/bin" "$dir/often/l2/bin"
	cp /bin/busybox "$dir/bin/"
	for applet in chroot dmesg insmod ln mkdir mount mv poweroff setsid sh timeout; do
		ln -s busybox "$dir/bin/$applet"
	done
	cp "$here/l2/init" "$dir/"

	in_memory "$dir/often" "${l2_programs[@]}" "$repo/userspace/selftests/sink"
	cp /bin/busybox "$here/l2/udhcpc" "$dir/often/l2/"
	for applet in $(/bin/busybox --list); do
		ln -s ../busybox "$dir/often/l2/bin/$applet"
	done
	for applet in "${l2_programs[@]}"; do
		rm -f "$dir/often/l2/bin/$applet"
	done
	"l2_$2" "$1" "$dir/often"
	(cd "$dir" && find . | cpio -o -H newc --quiet >"$1/l2.cpio")
	rm -r "$dir"
}
