#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kvmflip-bench measures what flows, and leaves the NIC as it was.
# timeout: 200
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
PATH=$PATH:$tools/bench

# The port's network device is in place of a tap: it takes what XDP redirects into it.
measures() { # NIC
	local nic=$1 arm table dev

	load_module
	one_queue "$nic"
	nic_up "$nic"
	pool_add p 64M 2M
	port_add a p
	vm_start a
	dev=$(field "$(show port a)" ifname)
	ip link set "$dev" up
	flow "$nic" 200000 size=1514 "$(to a)"
	table=$(kvmflip-bench run "$nic" --port a --tap "$dev" --arms 'drop strict copy redirect bridge' \
		--seconds 1 --warm 0.5 --rounds 2 --latency 'echo time=1.5 ms' --out "$tmp/bench.out")
	kill "$flow_pid"
	for arm in drop strict copy redirect bridge; do
		grep -qw "$arm" <<<"$table" || fail "no $arm in: $table"
	done
	grep -E '^  (delivered|p99) ' <<<"$table"
	! grep -E '^  delivered .* 1 \(' <<<"$table" || fail "an arm without frames: $table"
	nothing_on "$nic"
	[[ $(ip link show "$nic") != *master* ]] || fail "$nic is still on a bridge"
}

refuses() { # NIC
	nic_up "$1"
	refused 'there is no arm toss' kvmflip-bench run "$1" --arms toss
	refused 'needs --port' kvmflip-bench run "$1" --arms strict
}

# What it costs here says nothing, but it has to be found out at all.
calibrates() {
	local prices name

	load_module
	prices=$(calibrate)
	for name in copied_byte zeroed_byte context_switch flush exit page_fault; do
		[[ $(field "$prices" "$name") != 0 ]] || fail "$name in: $prices"
	done
}

ktap_begin
run_case 'kvmflip-bench says what it needs' refuses virtio
long_case 'events cost something' calibrates
long_case 'kvmflip-bench measures ways of frames' measures virtio
ktap_end
