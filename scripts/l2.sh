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

# l2_same DIR OFTEN: L1's own kernel. Debian's: l2_debian
l2_same() {
	local version

	ln -s "$build/arch/x86/boot/bzImage" "$1/l2.kernel"
	version=$(<"$build/include/config/kernel.release")
	mkdir -p "$2/usr/lib/modules/$version"
	(cd "$modules/$version" && cp -rL kernel/{drivers,net,lib,crypto} updates modules.* \
		"$2/usr/lib/modules/$version/" 2>/dev/null) || true
}

# l2_debian DIR OFTEN: Debian's 6.12 with our driver. What it needs for its root are
# modules, which init loads one after the other.
l2_debian() {
	local image version file name n=10 to

	image=$("$here/kernels" path image-6.12)
	version=${image##*/image-}
	file=$repo/out/build/headers-6.12/src/guest/kvmflip_net.ko
	[[ -f $file ]] || die "no driver for Debian's 6.12: run 'scripts/module headers-6.12'"
	ln -s "$image/boot/vmlinuz-$version" "$1/l2.kernel"
	mkdir -p "$1/l2/first" "$2/usr/lib/modules/$version/updates"
	cp "$file" "$2/usr/lib/modules/$version/updates/"
	cp "$image/lib/modules/$version"/modules.{builtin*,order} "$2/usr/lib/modules/$version/"
	depmod -b "$2" "$version"
	for to in 9pnet_virtio 9p overlay; do
		while read -r _ file; do
			n=$((n + 1))
			name=${file##*/}
			xz -dc "$file" >"$1/l2/first/$n-${name%.xz}"
		done < <(modprobe -d "$image" -S "$version" --show-depends "$to")
	done
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
