#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A device reaches no buffer that a guest has.
# timeout: 400
. "$(dirname "$0")/common.sh"

kernel_mark() {
	echo "kvmflip-test: $*" >/dev/kmsg
}

faults() {
	dmesg | grep -c 'DMAR:.*DMA Write.*fault addr' || true
}

# A device that writes to a buffer after it was taken from it: the write faults
# and does not land. The device is made to do so by entries of the fill ring
# changed behind the module's back.
late_write() { # NIC
	local nic=$1 answer unposted before

	load_module
	# its fill ring is the one that is poked
	one_queue "$nic"
	pool_add p 16M
	port_add a p max 1M
	attach "$nic" p
	vm_start a --mode hold
	round=50 traffic "$nic" 100 1 size=1514 "$(to a)"
	wait_for 'frames at a' guest_has a received 100

	coproc poke { poolpeek poke p "${tag[a]}" 16; }
	read -r -t "$patience" answer <&"${poke[0]}"
	equal 'entries of the fill ring' "$answer" 'ready 16'
	before=$(faults)
	kernel_mark 'expect DMAR'
	# enough for the NIC to come to those entries: some 900 are before them
	for _ in {1..6}; do
		gen send "$nic" count=200 size=1514 burst=50 gap-us=5000 \
			"to=b2:b2:b2:b2:b2:b2/0/${tag[host]}/1"
		nap 1
	done
	unposted=$(stat rxq "$nic" dropped_unposted)
	echo >&"${poke[1]}"
	read -r -t "$patience" answer <&"${poke[0]}"
	# shellcheck disable=SC2154 # set by coproc
	wait "$poke_PID"
	sleep 1
	kernel_mark 'expected end'
	equal "chunks of the guest that the device wrote to" "$answer" 'changed 0'
	positive "the device's writes that faulted" "$(($(faults) - before))"
	# igb completes what it did not write; virtio_net finds no header there
	[[ $nic != igb ]] || positive 'completions of chunks that were not posted' "$unposted"
	vm_stop a
	guest_is_clean a
	equal 'received' "$(field "$report" received)" 100
	frames_add_up rxq "$nic"
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

# A mode in which a device is given all of a pool has to wait for the queues of
# others, and for guests that have buffers of it from a queue that was in another.
exposed() { # NIC
	local nic=$1 other=igb

	[[ $nic == virtio ]] || other=virtio
	load_module
	one_queue "$nic"
	one_queue "$other"
	pool_add p 16M
	port_add a p max 1M
	attach "$nic" p
	nic_up "$other"
	refused 'pool p has queues in other modes than copy' \
		kvmflip rxq attach "$other" all pool p mode copy
	vm_start a --mode hold
	round=50 traffic "$nic" 100 1 size=1514 "$(to a)"
	positive 'buffers of a' "$(field "$(show port a)" mapped)"
	detach "$nic"
	nic_up "$nic"
	refused 'guests still have buffers of pool p' \
		kvmflip rxq attach "$nic" all pool p mode copy
	nothing_on "$nic"
	attach "$nic" p
	detach "$nic"
	wait_for 'frames at a' guest_has a received 100
	vm_stop a
	guest_is_clean a
	attach "$nic" p mode copy
	refused 'pool p has queues in mode copy' kvmflip rxq attach "$other" all pool p
	nothing_on "$other"
}

ktap_begin
for nic in $nic_kinds; do
	run_case "$nic: a write to a revoked page" late_write "$nic"
	! is_first "$nic" || run_case "$nic: buffers of guests, and mode copy" exposed "$nic"
done
ktap_end
