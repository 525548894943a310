#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the kernel at hand has, and what works with any of them, whatever its NICs and
# IOMMU: frames through a driver that knows no zero-copy.
# timeout: 300
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"

# For the table in README.md
what_there_is() {
	local nic json zero_copy='' paging=none file notes

	load_module
	for nic in $nic_kinds; do
		nic_of "$nic" || continue
		json=$(kvmflip -j check "$nic") || true
		[[ $json != *' has AF_XDP zero-copy'* ]] || zero_copy+="${zero_copy:+, }\"$nic\""
	done
	for file in kvm_amd/parameters/npt kvm_intel/parameters/ept; do
		! grep -qs '[Y1]' "/sys/module/$file" || paging=${file##*/}
	done
	pool_add p 16M 2M
	port_add a p
	vm_start a
	wait_for 'memory slot' eval '[[ $(field "$(show port a)" huge) != unknown ]]'
	equal 'slots of 2 MiB' "$(field "$(show port a)" huge)" possible
	vm_stop a
	notes=$(dmesg | sed -n 's/.*kvmflip: on this kernel \(.*\)/"\1"/p' | sort -u | paste -sd ,)
	figure "kernel.$KVMFLIP_KERNEL" "{\"release\": \"$(uname -r)\", \"paging\": \"$paging\", \
\"zero_copy\": [$zero_copy], \"notes\": [$notes]}"
}

# Each frame gets to whom it is for, as it was sent
copies() {
	local name

	load_module
	pool_add p 16M
	port_add a p
	port_add b p
	attach veth p
	count_start veth
	vm_start a
	vm_start b
	# shellcheck disable=SC2046 # words
	traffic veth 1500 1 size=64-1514 $(everybody)
	for name in a b; do
		wait_for "all frames at $name" guest_has "$name" received "${sent[$name]}"
	done
	wait_for "all frames at the host" counted_has veth "${sent[host]}"
	for name in a b; do
		guest_is_whole "$name"
		guest_agrees "$name"
		equal "$name: copied for the mode" "$(stat port "$name" copied_mode)" "${sent[$name]}"
		frames_add_up port "$name"
	done
	equal 'host: checksum_sum' $(($(counted veth checksum_sum) + 0)) "${sent_sum[host]}"
	frames_add_up rxq veth
	pool_adds_up p
	detach veth
	wait_for 'free pool' pool_is_free p
}

# A guest goes on writing to what it has returned, and what it has lost does not change:
# kunit/live_test.c looks on. That takes a module with KUnit.
flips() {
	local suite=/sys/kernel/debug/kunit/kvmflip_live json

	load_module
	[[ -d $suite ]] || exit 4
	pool_add p 8M
	tag[live]=${tag[a]} mac[live]=${mac[a]} vlan[live]=0
	port_add live p copybreak 0 max 2M
	vm_start live --mode spin-write
	echo 1 >"$suite/run"
	sed 's/^/# /' "$suite/results"
	[[ $(<"$suite/results") != *'not ok'* && $(<"$suite/results") != *SKIP* ]] || fail 'see above'
	json=$(show port live)
	equal 'flips' "$(field "$json" flips)" 320
	equal 'returns' "$(field "$json" returns)" 320
	positive 'unmaps' "$(field "$json" unmap_calls)"
	positive 'faults on empty slots' "$(field "$json" sink_faults)"
	vm_stop live
	# not flipgen's frames, but its bytes
	guest_is_clean live 320
	positive 'rounds over returned slots' "$(field "$report" spins)"
	positive 'frames that went away' "$(field "$report" vanished)"
	diag "$(sum_of "$json" flips) flips, $(sum_of "$json" window_faults) faults," \
		"$(sum_of "$json" unmap_calls) unmaps, $(field "$report" spins) rounds over returned slots"
}

ktap_begin
run_case 'what there is' what_there_is
run_case 'veth: mode copy' copies
run_case 'flips' flips
ktap_end
