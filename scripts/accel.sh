# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Which virtualisation L1 can have here. Sourced; sets accel and accel_args.

# /dev/kvm alone proves nothing: it may be a software hypervisor that cannot
# run an ordinary guest, or hardware that does not nest.
kvm_nests() {
	local nested

	grep -qwE 'vmx|svm' /proc/cpuinfo || return 1
	[[ -r /dev/kvm && -w /dev/kvm ]] || return 1
	for nested in /sys/module/kvm_{intel,amd}/parameters/nested; do
		[[ -r $nested ]] && grep -q '^[1Y]' "$nested" && return 0
	done
	return 1
}

# shellcheck disable=SC2034 # read by those who source this
if [[ ${KVMFLIP_ACCEL:-} != tcg ]] && kvm_nests; then
	accel=kvm
	accel_args=(-accel kvm -cpu host)
else
	accel=tcg
	# shellcheck disable=SC2054 # the comma is QEMU's
	accel_args=(-accel tcg,thread=multi -cpu EPYC,+svm,+npt)
fi
