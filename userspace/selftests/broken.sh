#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# NICs and drivers that do what they should not: what they leave behind, and
# what they say twice.
# timeout: 300
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"

# two_guests NIC COUNT: take frames of all sizes, and see none but their own
two_guests() {
	local nic=$1 count=$2 name

	for name in a b; do
		vm_start "$name"
	done
	flow "$nic" "$count" size=60-1514 "$(to a)" "$(to b)"
	flow_end
	for name in a b; do
		wait_for "all frames at $name" took_all "$name"
		vm_stop "$name"
		# what is taken from a guest that is late reads as zeros
		guest_is_clean "$name" "$(stat port "$name" revoked)"
		positive "frames flipped to $name" "$(field "$report" flipped)"
	done
	frames_add_up rxq "$nic"
	pool_adds_up p
}

# The NIC has written parts of frames everywhere, and announced none of them.
partial() { # NIC BUFFER
	load_module
	one_queue "$1"
	pool_add p 48M "$2"
	# shellcheck disable=SC2086 # words
	port_add a p $patient
	# shellcheck disable=SC2086 # words
	port_add b p $patient
	poolpeek soil p "${tag[c]}"
	attach "$1" p
	two_guests "$1" 16000
	detach "$1"
	wait_for 'free pool' pool_is_free p
}

# With a larger ring than was reckoned with igb may find no chunks to give the NIC, and
# then completes those once more that it had before (scripts/suites/dry-ring sees to it,
# with a module without a reserve). Those that igb does not have are told from frames, and
# the device does not get at what guests have. The driver does, with the metadata in front
# of where a frame would be. It is not believed any more, until it is attached again.
dry() {
	local name unposted where

	load_module
	one_queue igb
	ethtool -G igb rx 256
	pool_add p 16M 4K
	port_add a p copybreak 0
	port_add b p copybreak 0
	nic_up igb
	echo 'kvmflip-test: allow DMAR' >/dev/kmsg
	attach igb p
	ethtool -G igb rx 4096
	wait_for 'carrier on igb' has_carrier igb
	for name in a b; do
		vm_start "$name"
	done
	flow igb 16000 size=60-1514 "$(to a)" "$(to b)"
	flow_end
	unposted=$(stat rxq igb dropped_unposted)
	diag "$unposted completions of chunks that igb did not have"
	[[ ! ${KVMFLIP_NO_RESERVE:-} ]] || positive 'completions of such chunks' "$unposted"
	equal 'queues that are given up' \
		"$(kvmflip rxq show igb | grep -c broken || true)" $((unposted > 0))
	for name in a b; do
		wait_for "all frames at $name" took_all "$name"
		vm_stop "$name"
		equal "guest $name: misdelivered" "$(field "$report" misdelivered)" 0
		equal "guest $name: bad_desc" "$(field "$report" bad_desc)" 0
		(($(field "$report" foreign_bytes) == 0)) && continue
		where=${report##*foreign_where}
		equal "guest $name: where the first foreign byte is" "$(field "$where" offset)" 240
	done
	frames_add_up rxq igb
	pool_adds_up p
	detach igb
	wait_for 'free pool' pool_is_free p
	echo 'kvmflip-test: expected end' >/dev/kmsg
	ethtool -G igb rx 256
	wait_for 'carrier on igb' has_carrier igb
	[[ ! ${KVMFLIP_NO_RESERVE:-} ]] || return 0
	for name in a b; do
		port_del "$name"
		port_add "$name" p copybreak 0
	done
	attach igb p
	two_guests igb 2000
	detach igb
}

ktap_begin
if [[ -n ${KVMFLIP_NO_RESERVE:-} ]]; then
	run_case 'igb: a fill ring that runs dry' dry
	ktap_end
fi
for nic in $nic_kinds; do
	run_case "$nic: partial frames in buffers of 4 KiB" partial "$nic" 4K
	run_case "$nic: partial frames in buffers of 2 MiB" partial "$nic" 2M
done
[[ $nic_kinds != *igb* ]] || run_case 'igb: a fill ring that runs dry' dry
ktap_end
