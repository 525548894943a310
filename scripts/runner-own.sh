# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2054,SC2154
# The fast way in: an initramfs of busybox alone, the kernel's console to a
# file. Sourced by testbed.

# What tests run again and again lies in memory, with its libraries: to open a
# file over 9p takes a tenth of a second where the kernel is checked.
often=(bash bpftool cat comm dmesg env ethtool find grep head ip mkdir modprobe
	rm rmmod sed sleep sort tail timeout wc)

# Now and then an emulated processor misses what it waits for, and the machine does
# nothing any more: no test does so little for so long.
end_if_stalled() { # PID of QEMU's parent
	local pid used last=0 idle=0

	while sleep 10 && pid=$(pgrep -P "$1"); do
		used=$(awk '{ print $14 + $15 }' "/proc/$pid/stat") || break
		idle=$((used - last < 100 ? idle + 10 : 0))
		last=$used
		((idle < 120)) && continue
		touch "$run/stalled"
		kill "$pid"
	done
}

start() {
	local qemu reader

	mkdir -p "$run/initramfs/bin"
	cp /bin/busybox "$run/initramfs/bin/"
	for applet in chroot insmod ip ln mkdir mount poweroff readlink setsid sh \
		switch_root; do
		ln -s busybox "$run/initramfs/bin/$applet"
	done
	cp "$here/l1/init" "$here/l1/names.sh" "$run/initramfs/"
	[[ $kernel != image-* ]] || first_modules "$build" "$run/initramfs" virtio_pci \
		virtio_console 9pnet_virtio 9p overlay virtio_net igb
	in_memory "$run/initramfs/often" "${often[@]}" \
		"$repo"/userspace/{bpf/demux-test,flipgen/flipgen,flipvm/flipvm,kvmflip/kvmflip,selftests/poolpeek}
	(cd "$run/initramfs" && find . | cpio -o -H newc --quiet >"$run/initramfs.cpio")
	rm -r "$run/initramfs"

	qemu=(
		qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot
		"${machine[@]}" -smp "$cpus" -m "$mem"
		# the kernel's console, to a file only
		-chardev "file,id=klog,path=$log,append=on" -serial chardev:klog
		-kernel "$bzimage" -initrd "$run/initramfs.cpio"
		-append "console=ttyS0 $kargs"
		-fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
		-device "virtio-9p-pci,fsdev=root,mount_tag=root${keeps[3]}"
	)
	if ((shell)); then
		qemu+=(-chardev stdio,id=stdout,signal=off
			-device virtconsole,bus=ports.0,chardev=stdout,name=stdout)
		timeout --foreground "$timeout" "${qemu[@]}" 2>"$out/qemu.log" || status=$?
		return
	fi
	# A fifo and not a file: what the command prints is seen as it comes. Held
	# open here until QEMU has ended, so that neither end can block.
	mkfifo "$run/stdout"
	exec 8<>"$run/stdout"
	cat "$run/stdout" 8>&- &
	reader=$!
	qemu+=(-chardev "file,id=stdout,path=$run/stdout"
		-device virtserialport,bus=ports.0,chardev=stdout,name=stdout)
	timeout -k 5 "$timeout" "${qemu[@]}" </dev/null 2>"$out/qemu.log" 8>&- &
	children+=($!)
	end_if_stalled $! &
	children+=($!)
	wait "${children[-2]}" || status=$?
	exec 8>&-
	wait "$reader" || true
}
