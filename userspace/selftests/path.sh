#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The path itself: mixed traffic into a NIC reaches the one guest, or the host,
# that it is for; nothing is lost, changed or seen by others.
# timeout: 600
# kcsan
. "$(dirname "$0")/common.sh"

mixed() { # NIC COUNT
	local nic=$1 count=$2 name small

	load_module
	pool_add p 16M
	# a's frames are flipped, all of them; of b's the small ones are copied
	port_add a p copybreak 0
	port_add b p
	attach "$nic" p
	count_start "$nic"
	vm_start a
	vm_start b
	# shellcheck disable=SC2046 # words
	traffic "$nic" "$count" 1 size=64-1514 $(everybody)

	for name in a b; do
		wait_for "all frames at $name" guest_has "$name" received "${sent[$name]}"
	done
	wait_for "all frames at the host" counted_has "$nic" "${sent[host]}"
	for name in a b; do
		guest_is_whole "$name"
		guest_agrees "$name"
	done
	equal 'host: received' "$(counted "$nic" frames)" "${sent[host]}"
	equal 'host: checksum_ok' "$(counted "$nic" checksum_ok)" "${sent[host]}"
	equal 'host: checksum_sum' $(($(counted "$nic" checksum_sum) + 0)) "${sent_sum[host]}"

	frames_add_up rxq "$nic"
	frames_add_up port a
	frames_add_up port b
	small=$(stat port b copied_small)
	positive 'small frames' "$small"
	equal 'flipped' "$(stat rxq "$nic" flipped)" $((sent[a] + sent[b] - small))
	equal 'copied' "$(stat rxq "$nic" copied)" $((sent[host] + small))
	equal 'copied to the host' "$(stat rxq "$nic" copied_host)" "${sent[host]}"
	equal 'received' "$(stat rxq "$nic" received)" "$sent_total"
	equal "a's frames" "$(stat port a flipped)" "${sent[a]}"
	equal "b's frames" "$(stat port b flipped)" $((sent[b] - small))
	pool_adds_up p
	detach "$nic"
	wait_for 'free pool' pool_is_free p
	diag "$sent_total frames sent: ${sent[a]} to a, ${sent[b]} to b, ${sent[host]} to the host"
}

# Sizes at the edges, one after the other
sizes() { # NIC
	local nic=$1 size max=1514

	load_module
	nic_up "$nic"
	# igb has no XDP with an mtu larger than that of Ethernet
	if [[ $nic != igb ]]; then
		ip link set "$nic" mtu 3400
		max=3418
	fi
	pool_add p 16M
	port_add a p copybreak 0
	attach "$nic" p
	vm_start a
	for size in 60 61 63 64 127 1514 "$max"; do
		round=200 traffic "$nic" 100 "$size" "size=$size" "$(to a)"
	done
	wait_for 'all frames' guest_has a received "${sent[a]}"
	guest_is_whole a
	detach "$nic"
}

# Recorded frames
recorded() { # NIC
	local nic=$1

	load_module
	pool_add p 16M
	port_add a p
	attach "$nic" p
	vm_start a
	gen pcap-write /tmp/kvmflip-selftest.pcap count=300 seed=5 "$(to a)"
	sent[a]=$(of_tag "$reply" "${tag[a]}" frames)
	sent_sum[a]=$(of_tag "$reply" "${tag[a]}" checksum_sum)
	gen pcap "$nic" /tmp/kvmflip-selftest.pcap
	wait_for 'all frames' guest_has a received "${sent[a]}"
	guest_is_whole a
}

# Priority-tagged frames are the untagged port's
priority_tagged() { # NIC
	local nic=$1

	load_module
	pool_add p 16M
	port_add a p
	attach "$nic" p
	vm_start a
	traffic "$nic" 100 1 "to=${mac[a]}/p/${tag[a]}/1"
	wait_for 'all frames' guest_has a received "${sent[a]}"
	guest_is_whole a
	equal 'tagged' "$(field "$report" tagged)" 100
}

# What bpftrace sees of flips, on a kernel that has types for it, is what is counted
traced() { # NIC
	local nic=$1 into='tracepoint:kvmflip:kvmflip_buffer /str(args->to) == "mapped"/' pid

	[[ -e /sys/kernel/btf/vmlinux ]] && type -P bpftrace >/dev/null || exit 4
	load_module
	pool_add p 16M
	port_add a p copybreak 0
	attach "$nic" p
	vm_start a
	bpftrace -e "$into { @flips = count(); }" >"$tmp/trace" 2>&1 &
	pid=$!
	children+=("$pid")
	patience=120 wait_for 'bpftrace' grep -q Attaching "$tmp/trace"
	nap 5
	traffic "$nic" 500 1 size=64-1514 "$(to a)"
	wait_for 'all frames' guest_has a received "${sent[a]}"
	detach "$nic"
	kill -INT "$pid"
	wait "$pid" || true
	positive 'flips' "$(stat port a flips)"
	equal 'flips' "$(sed -n 's/^@flips: //p' "$tmp/trace")" "$(stat port a flips)"
	guest_is_whole a
}

# settled NIC: no frame is under way in its queue
settled() {
	local was=''

	while now=$(stat rxq "$1" received); [[ $now != "$was" ]]; do
		was=$now
		nap 0.5
	done
}

# More than the host keeps up with, as fast as they come: what is lost is counted, and the
# queue is after it what it was before.
flood() { # NIC COUNT WORD...
	local nic=$1 count=$2 late now start

	load_module
	one_queue "$nic"
	pool_add p 32M 2M
	port_add a p max 22M
	start=$(dmesg | wc -l)
	attach "$nic" p "${@:3}"
	vm_start a
	gen send "$nic" "count=$count" size=1514 burst=0 "$(to a)"
	settled "$nic"
	late=$(stat rxq "$nic" rx_ring_full)
	diag "$late of $count frames came too late"
	equal 'frames, taken or not' $((now + late)) "$count"
	equal 'frames that are not believed' "$(stat rxq "$nic" dropped_invalid)" 0
	equal 'times without a chunk' \
		"$(dmesg | tail -n +$((start + 1)) | grep -c 'ran out of chunks' || true)" 0
	frames_add_up rxq "$nic"
	frames_add_up port a
	vm_stop a
	guest_is_clean a

	vm_start a
	traffic "$nic" 2000 1 size=64-1514 "$(to a)"
	wait_for 'all frames' guest_has a received "${sent[a]}"
	guest_is_whole a
	equal 'frames that came too late' "$(stat rxq "$nic" rx_ring_full)" "$late"
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

frames=6000
[[ ${KVMFLIP_SLOW:-0} == 1 ]] && frames=1500
ktap_begin
for nic in $nic_kinds; do
	run_case "$nic: mixed traffic" mixed "$nic" "$frames"
	run_case "$nic: sizes" sizes "$nic"
	run_case "$nic: recorded frames" recorded "$nic"
	run_case "$nic: priority-tagged frames" priority_tagged "$nic"
	run_case "$nic: bpftrace" traced "$nic"
	run_case "$nic: a flood" flood "$nic" 40000
	run_case "$nic: a flood of copies" flood "$nic" 40000 mode copy
	run_case "$nic: a flood to one guest" flood "$nic" 40000 mode steered port a
done
ktap_end
