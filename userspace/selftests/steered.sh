#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Mode steered: a queue dedicated to one port, whose buffers stay mapped in the
# guest. Nothing is unmapped or revoked on the way, what is not the port's does
# not stay, and the buffers come home however it ends.
# timeout: 900
# kcsan
. "$(dirname "$0")/common.sh"

# steer NIC PORT [POOL]: dedicate all of its queues
steer() {
	nic_up "$1"
	kvmflip rxq attach "$1" all pool "${3:-p}" mode steered port "$2"
	nics+=("$1")
	wait_for "carrier on $1" has_carrier "$1"
}

buffers_in() { # STATE
	field "$(show pool p)" "$1"
}

guest_got_all() {
	guest_has a received "${sent[a]}"
}

# What must not happen once every buffer is where it stays
toll() {
	local port queue

	port=$(show port a)
	queue=$(show rxq "$nic")
	echo "flips $(field "$port" flips) unmaps $(field "$port" unmap_calls)" \
		"faults $(field "$port" window_faults)" \
		"copied $(sum_of "$port" copied) zeroed $(field "$port" bytes_zeroed)" \
		"syncs $(sum_of "$queue" iotlb_syncs) revokes $(sum_of "$queue" revokes)" \
		"grants $(sum_of "$queue" grants)"
}

# One guest, one queue: after every buffer was there once nothing is paid
steady() { # NIC CHUNK [BUFFER POOL-SIZE MAX]
	local nic=$1 before i

	load_module
	one_queue "$nic"
	pool_add p "${4:-12M}" "${3:-4K}" "$2"
	port_add a p max "${5:-10M}"
	vm_start a
	steer "$nic" a
	equal 'posted, in no guest' "$(buffers_in posted)" 0
	positive 'steered' "$(buffers_in steered)"
	# in rounds that are longer than those that follow, until each buffer had its turn
	traffic "$nic" $((${3+8192} + 10 * rounds[$nic])) 1 size=60-1514 "$(to a)"
	wait_for "all frames at a" guest_got_all
	before=$(toll)
	for ((i = 0; i < 30; i++)); do
		round=64 traffic "$nic" 64 $((100 + i)) size=60-1514 "$(to a)"
		wait_for "all frames at a" guest_got_all
	done
	equal 'the toll of 1920 frames' "$(toll)" "$before"
	equal 'unmap calls' "$(stat port a unmap_calls)" 0
	equal 'IOTLB syncs' "$(stat rxq "$nic" iotlb_syncs)" 0
	guest_is_whole a
	guest_agrees a
	equal 'flipped' "$(stat port a flipped)" "${sent[a]}"
	frames_add_up rxq "$nic"
	frames_add_up port a
	pool_adds_up p
	diag "${sent[a]} frames: $before"
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

# Everything else that comes, between frames of the port
foreign() { # NIC CHUNK
	local nic=$1

	load_module
	one_queue "$nic"
	pool_add p 12M 4K "$2"
	port_add a p max 10M
	port_add b p max 1M
	vm_start a
	steer "$nic" a
	count_start "$nic"
	# shellcheck disable=SC2046 # words
	traffic "$nic" 3000 1 size=60-1514 $(everybody)
	wait_for "all frames at a" guest_got_all
	wait_for "all frames at the host" counted_has "$nic" "${sent[host]}"
	equal "foreign frames" "$(stat rxq "$nic" dropped_foreign)" "${sent[b]}"
	equal "the host's" "$(stat rxq "$nic" copied_host)" "${sent[host]}"
	equal "b's" "$(stat port b received)" 0
	equal "bytes scrubbed, at least" \
		$(($(stat port a bytes_zeroed) >= (sent[b] + sent[host]) * ${2%K} << 10)) 1
	# not a frame of theirs is left anywhere
	equal "b's frames in the pool" "$(poolpeek find p "${tag[b]}" | wc -l)" 0
	equal "the host's" "$(poolpeek find p "${tag[host]}" | wc -l)" 0
	guest_is_whole a
	equal 'host: checksum_ok' "$(counted "$nic" checksum_ok)" "${sent[host]}"
	frames_add_up rxq "$nic"
	frames_add_up port a
	pool_adds_up p
	diag "${sent[a]} to a, ${sent[b]} foreign, ${sent[host]} to the host"
}

is_steered() { # COUNT
	(($(buffers_in steered) >= $1))
}

# The queue is there before the guest, outlives it, and meets the next one
guests_come_and_go() { # NIC
	local nic=$1 copied

	load_module
	one_queue "$nic"
	pool_add p 12M
	port_add a p max 10M
	steer "$nic" a
	equal 'steered, without a guest' "$(buffers_in steered)" 0
	traffic "$nic" 200 1 "$(to a)"
	equal 'dropped, without a guest' "$(stat port a dropped_closed)" 200

	sent[a]=0 sent_sum[a]=0
	vm_start a
	traffic "$nic" 2000 2 "$(to a)"
	wait_for "all frames at a" guest_got_all
	copied=$(stat port a copied_mode)
	positive 'frames copied at first' "$copied"
	positive 'frames in mapped buffers then' "$(stat port a flipped)"
	equal 'all of them' $((copied + $(stat port a flipped))) "${sent[a]}"
	guest_is_whole a
	equal 'steered, without a guest' "$(buffers_in steered)" 0
	traffic "$nic" 300 3 "$(to a)"

	sent[a]=0 sent_sum[a]=0
	vm_start a
	traffic "$nic" 2000 4 "$(to a)"
	wait_for "all frames at a" guest_got_all
	positive 'steered' "$(buffers_in steered)"
	pool_adds_up p
	vm_kill a
	wait_for 'closed port' port_is_closed
	equal 'steered, without a guest' "$(buffers_in steered)" 0
	equal 'mapped, without a guest' "$(buffers_in mapped)" 0
	pool_adds_up p
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

port_is_closed() {
	[[ $(field "$(show port a)" state) == closed ]]
}

mapped_is() { # COUNT
	(($(buffers_in mapped) == $1))
}

# The queue goes while the guest has some of its buffers
detached() { # NIC
	local nic=$1

	load_module
	one_queue "$nic"
	pool_add p 12M
	port_add a p max 10M copybreak 0
	vm_start a --mode hold
	steer "$nic" a
	traffic "$nic" 200 1 "$(to a)"
	wait_for "all frames at a" guest_got_all
	refused "is dedicated to port a" kvmflip port del a
	detach "$nic"
	equal 'steered' "$(buffers_in steered)" 0
	equal 'mapped' "$(buffers_in mapped)" 200
	pool_adds_up p
	# another queue, and the rest of what the guest may have
	steer "$nic" a
	traffic "$nic" 100 2 "$(to a)"
	wait_for "all frames at a" guest_got_all
	guest_is_whole a
	pool_adds_up p
	detach "$nic"
	wait_for 'free pool' pool_is_free p
	positive 'revoked' "$(stat port a revoked)"
}

# A guest that returns nothing gets copies, and the queue is never short
full() { # NIC
	local nic=$1 posted

	load_module
	one_queue "$nic"
	pool_add p 12M
	# some slots more than what the queue has posted
	port_add a p max 4M
	vm_start a --mode hold
	steer "$nic" a
	posted=$(stat rxq "$nic" posted)
	traffic "$nic" 1000 1 size=60-200 "$(to a)"
	wait_for 'copies' copies_of_a
	equal 'posted' "$(stat rxq "$nic" posted)" "$posted"
	equal 'flipped + copied + dropped' \
		$(($(stat port a flipped) + $(stat port a copied_quota) + $(stat port a dropped_quota))) 1000
	frames_add_up port a
	pool_adds_up p
	vm_stop a
	guest_is_clean a
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

copies_of_a() {
	(($(stat port a copied_quota) > 0))
}

# A guest that does everything wrong
hostile() { # NIC
	local nic=$1

	load_module
	one_queue "$nic"
	pool_add p 12M
	port_add a p max 8M
	vm_start a --mode hostile --batch 4
	steer "$nic" a
	round=100 traffic "$nic" 3000 1 size=60-600 "$(to a)"
	vm_stop a
	positive 'attacks' "$(field "$report" attacks)"
	positive 'times it was found out' "$(field "$report" failed)"
	equal 'foreign bytes' "$(field "$report" foreign_bytes)" 0
	positive 'bad returns' "$(stat port a bad_returns)"
	frames_add_up rxq "$nic"
	frames_add_up port a
	pool_adds_up p
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

# A guest that is asked returns what it keeps, and what nobody uses is taken
reclaimed() { # NIC
	local nic=$1 steered

	load_module
	one_queue "$nic"
	pool_add p 12M
	port_add a p max 10M
	vm_start a --mode keep
	steer "$nic" a
	steered=$(buffers_in steered)
	traffic "$nic" 400 1 "$(to a)"
	wait_for "all frames at a" guest_got_all
	equal 'more steered' "$(buffers_in steered)" $((steered + 400))
	kvmflip port reclaim a
	wait_for 'return of all but what is posted' steered_is "$steered"
	traffic "$nic" 100 2 "$(to a)"
	wait_for "all frames at a" guest_got_all
	pool_adds_up p
	guest_is_whole a
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

steered_is() { # COUNT
	(($(buffers_in steered) == $1))
}

# A strict queue of another NIC, in the same pool and for the same guest
beside() {
	load_module
	one_queue virtio
	one_queue igb
	pool_add p 24M
	port_add a p max 12M copybreak 0
	port_add b p max 2M copybreak 0
	vm_start a
	attach virtio p
	steer igb a
	traffic igb 1000 1 size=60-1514 "$(to a)" "$(to b)"
	# b's have come to the wrong queue
	equal 'foreign' "$(stat rxq igb dropped_foreign)" "${sent[b]}"
	sent[b]=0 sent_sum[b]=0
	vm_start b
	traffic virtio 1000 2 size=60-1514 "$(to a)" "$(to b)"
	traffic igb 1000 3 size=60-1514 "$(to a)"
	wait_for 'all frames at a' guest_got_all
	wait_for 'all frames at b' guest_has b received "${sent[b]}"
	guest_is_whole a
	guest_is_whole b
	frames_add_up rxq virtio
	frames_add_up rxq igb
	frames_add_up port a
	pool_adds_up p
	detach igb
	detach virtio
	wait_for 'free pool' pool_is_free p
}

refusals() { # NIC
	local nic=$1

	load_module
	one_queue "$nic"
	pool_add p 12M
	pool_add q 8M
	port_add a p max 1M
	port_add b q max 1M
	nic_up "$nic"
	refused "there is no port x" kvmflip rxq attach "$nic" all pool p mode steered port x
	refused "port b takes its buffers from pool q" \
		kvmflip rxq attach "$nic" all pool p mode steered port b
	refused "port a has max 1048576, a steered queue needs" \
		kvmflip rxq attach "$nic" all pool p mode steered port a
	kvmflip port set a max 10M
	steer "$nic" a
	refused "the queues dedicated to the port need max" kvmflip port set a max 1M
	refused "is dedicated to port a" kvmflip port del a
	detach "$nic"
	wait_for 'free pool' pool_is_free p
	port_del a
}

ktap_begin
for nic in $nic_kinds; do
	# a driver that keeps to chunks of 2 KiB, so that a buffer has several
	if [[ $nic == virtio ]]; then
		run_case "$nic: the steady state, two chunks a buffer" steady "$nic" 2K
		run_case "$nic: frames of others, two chunks a buffer" foreign "$nic" 2K
	fi
	run_case "$nic: the steady state" steady "$nic" 4K
	run_case "$nic: the steady state, buffers of 2 MiB" steady "$nic" 4K 2M 48M 32M
	run_case "$nic: frames of others" foreign "$nic" 4K
	run_case "$nic: guests come and go" guests_come_and_go "$nic"
	run_case "$nic: detached under a guest" detached "$nic"
	is_first "$nic" || continue
	run_case "$nic: a guest that returns nothing" full "$nic"
	run_case "$nic: hostile" hostile "$nic"
	run_case "$nic: reclaim" reclaimed "$nic"
	run_case "$nic: refusals" refusals "$nic"
done
[[ $nic_kinds == *virtio*igb* ]] && run_case 'both: a strict queue beside' beside
ktap_end
