# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# The usual way in: virtme-ng. Sourced by testbed.

start() {
	local vng exec=()

	((shell)) || exec=(--exec "$here/l1/vng")
	vng=(
		vng -r "$build/arch/x86/boot/bzImage" --disable-microvm
		--disable-kvm # it would only add -accel kvm: machine has our choice
		--cpus 2 --memory "${mem}M" "${exec[@]}"
		--append "console=ttyS1 ignore_loglevel $kargs"
		--qemu-opts="${machine[*]} -serial chardev:klog"
	)
	if ((shell)); then
		timeout --foreground "$timeout" "${vng[@]}" || status=$?
		return
	fi
	# Pipes, because virtme-ng opens its stdout and stderr anew and would write
	# over what is in a file.
	timeout -k 5 "$timeout" "${vng[@]}" </dev/null 2> >(cat >"$out/qemu.log") | cat || status=$?
}
