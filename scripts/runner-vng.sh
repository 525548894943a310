# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# The usual way in: virtme-ng. Some 30 s slower, for the sake of udev
# (Documentation/testing.rst). Sourced by testbed.

start() {
	local vng

	vng=(
		vng -r "$bzimage" --disable-microvm
		--disable-kvm # it would only add -accel kvm: machine has our choice
		--cpus "$cpus" --memory "${mem}M"
		--append "ignore_loglevel net.ifnames=0 $kargs"
		--qemu-opts="${machine[*]}"
	)
	if ((shell)); then
		say "type scripts/l1/vng in it for the modules, NICs and ports of the tests"
		timeout --foreground "$timeout" "${vng[@]}" || status=$?
		return
	fi
	# Its stderr is the kernel's console, for l1/vng has the job's on stdout.
	# Pipes, because virtme-ng opens both anew and would write over a file.
	timeout -k 5 "$timeout" "${vng[@]}" --verbose --exec "$here/l1/vng" \
		</dev/null 2> >(cat >"$log") | cat || status=$?
}
