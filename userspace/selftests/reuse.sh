#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One buffer, two guests: the second sees nothing of the first, and the first
# nothing of the second, however hard it looks.
# timeout: 600
# kcsan
. "$(dirname "$0")/common.sh"

chunks_of() { # POOL NAME
	poolpeek find "$1" "${tag[$2]}" | sort
}

set_up() { # NIC
	load_module
	one_queue "$1"
	pool_add p 6M
	port_add a p max 1M copybreak 0
	port_add b p max 1M copybreak 0
	attach "$1" p
}

# A guest holds buffers and dies; another gets the same ones.
next_owner() { # NIC
	local nic=$1 shared

	set_up "$nic"
	vm_start a --mode hold
	round=64 traffic "$nic" 192 1 size=1000-1514 "$(to a)"
	wait_for 'frames at a' guest_has a received 192
	chunks_of p a >"$tmp/first"
	equal "a's chunks" "$(wc -l <"$tmp/first")" 192
	vm_stop a
	guest_is_clean a

	# All buffers go round, then b keeps what it gets.
	vm_start b
	round=128 traffic "$nic" 3072 2 size=60-200 "$(to b)"
	wait_for 'frames at b' guest_has b received "${sent[b]}"
	guest_is_whole b
	sent[b]=0 sent_sum[b]=0
	vm_start b --mode hold
	round=64 traffic "$nic" 192 3 size=60-200 "$(to b)"
	wait_for 'frames at b' guest_has b received 192
	chunks_of p b >"$tmp/second"
	shared=$(comm -12 "$tmp/first" "$tmp/second" | wc -l)
	positive 'chunks that were first at a, then at b' "$shared"
	guest_is_whole b
	pool_adds_up p
	diag "$shared chunks went from a to b"
}

# A guest that keeps using what it has returned, beside one that does not
spin() { # NIC MODE
	local nic=$1 mode=$2

	set_up "$nic"
	vm_start a --mode "$mode"
	vm_start b
	round=128 traffic "$nic" 3000 1 size=60-1514 "$(to a)" "$(to b)"
	wait_for 'frames at b' guest_has b received "${sent[b]}"
	wait_for 'frames at a' guest_has a received "${sent[a]}"
	guest_is_whole b
	guest_is_whole a
	positive 'rounds over returned slots' "$(field "$report" spins)"
	positive 'frames that went away' "$(field "$report" vanished)"
	positive "a's faults on empty slots" "$(stat port a sink_faults)"
	frames_add_up port a
	pool_adds_up p
}

# Guests whose other processor is in all slots all the time, while they come and go
many() { # NIC
	local nic=$1 name i

	set_up "$nic"
	vm_start a --cpus 2 --mode spin-write
	vm_start b --cpus 2
	for ((i = 0; i < 4; i++)); do
		round=128 traffic "$nic" 500 $i size=60-1514 "$(to a)" "$(to b)"
		kvmflip port reclaim a
		kvmflip port reclaim b
	done
	for name in a b; do
		wait_for "frames at $name" guest_has "$name" received "${sent[$name]}"
		guest_is_whole "$name"
		positive "rounds of $name" "$(field "$report" rounds)"
		equal "foreign bytes that $name saw in them" "$(field "$report" round_foreign)" 0
		positive "$name's faults on empty slots" "$(stat port "$name" sink_faults)"
		frames_add_up port "$name"
	done
	pool_adds_up p
}

ktap_begin
for nic in $nic_kinds; do
	run_case "$nic: the next owner of a buffer" next_owner "$nic"
	run_case "$nic: writing to returned slots" spin "$nic" spin-write
	is_first "$nic" || continue
	run_case "$nic: reading returned slots" spin "$nic" spin
	run_case "$nic: several processors in slots" many "$nic"
done
ktap_end
