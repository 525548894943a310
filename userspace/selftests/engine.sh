#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The delivery engine: large buffers are flipped, what is small, late, stray or
# too much is copied, and the counters say that nothing else was done.
# timeout: 600
# kcsan
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"

# Nothing but flips, and one of everything for each
one_port() { # NIC SUFFIX
	local nic=$1 flips

	load_module
	one_queue "$nic"
	pool_add p 48M 2M
	# shellcheck disable=SC2086 # words
	port_add a p max 40M $patient
	attach "$nic" p
	vm_start a
	steady "$nic" a 24 100 size=1514 "$(to a)"

	flips=${total[port/a.flips]}
	figure "engine.2m.one_port$2" "{$(figures port/a "rxq/$nic")}"
	equal 'frames received' "${total[port/a.received]}" $((flips * frames))
	equal 'frames flipped' "${total[port/a.flipped]}" $((flips * frames))
	equal 'bytes copied' "${total[port/a.bytes_copied]}" 0
	equal 'bytes zeroed but tails' "${total[port/a.bytes_zeroed]}" 0
	at_most 'bytes zeroed in tails' "${total[port/a.bytes_zeroed_tail]}" \
		$((flips * frames * (4096 - 1514)))
	at_most 'unmap calls' "${total[port/a.unmap_calls]}" "$flips"
	at_most 'window faults' "${total[port/a.window_faults]}" "$flips"
	at_most 'IOTLB syncs' "${total[rxq/$nic.iotlb_syncs]}" "$flips"
	at_most 'interrupts' "${total[port/a.interrupts]}" $((8 * flips))
	guest_is_told a
	pool_adds_up p
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

# The owner of a buffer has three quarters of it; the rest is copied and scrubbed.
two_ports() { # NIC SUFFIX
	local nic=$1 flips strays

	load_module
	one_queue "$nic"
	pool_add p 48M 2M
	# shellcheck disable=SC2086 # words
	port_add a p max 40M $patient
	# shellcheck disable=SC2086 # words
	port_add b p max 40M $patient
	attach "$nic" p
	vm_start a
	vm_start b
	steady "$nic" a 24 50 size=1000-1514 "$(to a 3)" "$(to b 1)"

	flips=${total[port/a.flips]}
	strays=${total[port/b.received]}
	figure "engine.2m.two_ports$2" \
		"{\"a\": {$(figures port/a "rxq/$nic")}, \"b\": {$(figures port/b "rxq/$nic")}}"
	positive 'strays' "$strays"
	equal 'frames' $((${total[port/a.received]} + strays)) $((flips * frames))
	equal 'frames of a that were flipped' "${total[port/a.flipped]}" "${total[port/a.received]}"
	equal 'strays that were copied' "${total[port/b.copied_stray]}" "$strays"
	equal 'bytes copied for a' "${total[port/a.bytes_copied]}" 0
	at_most 'bytes zeroed but tails' "${total[port/a.bytes_zeroed]}" $((strays * 4096))
	equal 'bytes zeroed for b' "${total[port/b.bytes_zeroed]}" 0
	guest_is_told a
	guest_is_told b
	frames_add_up rxq "$nic"
	pool_adds_up p
}

# 1,000 frames a second among ten times as many: they need not wait for a buffer
# that takes longer to fill than they have time. A clock in an emulator measures
# what else its machine does, so half of them are compared with half of those that
# did wait.
slow_port() { # NIC
	local nic=$1 fast waited

	load_module
	one_queue "$nic"
	pool_add p 48M 2M
	# shellcheck disable=SC2086 # words
	port_add a p $patient
	port_add b p latency 5000
	attach "$nic" p
	vm_start a
	vm_start b
	flow "$nic" $((100 * frames)) size=1000-1514 "$(to a)" \
		"paced=${mac[b]}/${vlan[b]}/${tag[b]}/1000"
	flow_end
	wait_for 'frames at b' took_all b
	positive 'frames of b' "$(stat port b received)"
	at_most "frames of b that were not copied for their lateness" \
		$(($(stat port b received) - $(stat port b copied_latency))) \
		$(($(stat port b received) / 10))
	at_most 'frames of a that were not flipped' \
		$(($(stat port a received) - $(stat port a flipped))) \
		$(($(stat port a received) / 10))
	fast=$(stat port a flips)
	guest_is_told a
	get_field waited "${report##*delay_us}" median
	diag "a: $fast flips, delays in us ${report##*delay_us}"
	guest_is_told b
	diag "b: delays in us ${report##*delay_us}"
	at_most "half of b's frames took, in us" "$(field "${report##*delay_us}" median)" \
		$((waited / 2))
	frames_add_up rxq "$nic"
}

# Frames of all sizes for some guests, of which each has its turn to get half of them;
# each byte of each chunk is looked at, and whenever one looks the counters add up.
leak() { # NIC COUNT CHUNK GUEST...
	local nic=$1 count=$2 chunk=$3 most name sum=0 words

	shift 3
	load_module
	one_queue "$nic"
	pool_add p $((32 + 16 * $#))M 2M "$chunk"
	for name in "$@"; do
		# shellcheck disable=SC2086 # words
		port_add "$name" p $patient
	done
	attach "$nic" p
	for name in "$@"; do
		vm_start "$name"
	done
	for most in "$@"; do
		words=("$(to "$most" $(($# - 1)))")
		for name in "$@"; do
			[[ $name == "$most" ]] || words+=("$(to "$name" 1)")
		done
		flow "$nic" $((count / $#)) size=60-1514 "${words[@]}"
		nap 0.5
		diag "$(sample 1000)"
		flow_end
	done
	for name in "$@"; do
		guest_is_told "$name"
		equal "port $name: dropped" "$(dropped port "$name")" 0
		positive "guest $name: slots it looked through" "$(field "$report" scanned)"
		sum=$((sum + $(field "$report" received)))
		diag "$name: $(field "$report" flipped) flipped, $(field "$report" copied) copied, $(field "$report" scanned) slots looked through"
	done
	positive 'flips' "$(sum_of "$(show port)" flips)"
	positive 'strays' "$(sum_of "$(show port)" copied_stray)"
	positive 'small frames' "$(sum_of "$(show port)" copied_small)"
	frames_add_up rxq "$nic"
	pool_adds_up p
	diag "$sum frames at $# guests"
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

cost_row() { # LABEL
	local received=${total[port/a.received]} key text=''

	for key in flipped flips window_faults unmap_calls interrupts bytes_copied \
		   bytes_zeroed bytes_zeroed_tail; do
		text+=$(printf ' %9d' $((1000 * ${total[port/a.$key]} / received)))
	done
	text+=$(printf ' %9d' $((1000 * ${total[rxq/virtio.iotlb_syncs]} / received)))
	diag "$(printf '%-11s %7d' "$1" "$received")$text"
	costs+="${costs:+, }\"$1\": {$(figures port/a rxq/virtio)}"
}

# costs_of LABEL COUNT SIZE...: frames of one size after the other
costs_of() {
	local label=$1 count=$2 size

	shift 2
	for size in "$@"; do
		if [[ $label == 2M ]]; then
			steady virtio a 3 6 "size=$size" "$(to a)"
		else
			total=()
			cut
			flow virtio "$count" "size=$size" "$(to a)"
			flow_end
			cut
			add_span
		fi
		cost_row "$label $size"
	done
}

costs() {
	local costs='' sizes='64 256 1024 1514 3498'

	load_module
	nic_up virtio
	one_queue virtio
	ip link set virtio mtu 3484
	diag "per 1,000 frames: frames   flipped     flips    faults    unmaps      irqs    copied    zeroed  in tails    iotlbs"
	# shellcheck disable=SC2086 # words
	{
		arm 4K 'copybreak 0'
		costs_of 4K 1500 $sizes
		arm_end
		arm 2M "copybreak 0 $patient"
		costs_of 2M '' $sizes
		arm_end
		arm 4K '' mode copy
		costs_of copy 1500 $sizes
		arm_end
	}
	figure engine.costs "{$costs}"
}

arm() { # BUFFER PORT-WORDS [QUEUE-WORD]...
	pool_add p 48M "$1"
	# shellcheck disable=SC2086 # words
	port_add a p $2
	attach virtio p "${@:3}"
	vm_start a
}

arm_end() {
	vm_stop a
	guest_is_clean a
	detach virtio
	port_del a
	wait_for 'deleted pool' kvmflip pool del p
	pools=()
}

# Nearly all memory of the machine, some of which is used
too_large() {
	local key kb

	load_module
	while read -r key kb _; do
		[[ $key != MemTotal: ]] || break
	done </proc/meminfo
	refused 'use buffer 4K' kvmflip pool add p size $((kb / 2048 * 2 - 8))M buffer 2M
	[[ -z $(show pool | tr -d '[]\n ') ]] || fail 'there is a pool'
	pool_add p 64M 2M
	pool_adds_up p
}

# 200,000 frames in all, with those in chunks of 2 KiB, and none left over that
# would wait for its buffer to fill
declare -A many=([virtio]=$((120 * frames)) [igb]=$((60 * frames)))

ktap_begin
for nic in $nic_kinds; do
	other=''
	[[ $nic == virtio ]] || other=.$nic
	run_case "$nic: one port" one_port "$nic" "$other"
	run_case "$nic: two guests, every byte" leak "$nic" "${many[$nic]}" 4K a b
	is_first "$nic" || continue
	run_case "$nic: two ports" two_ports "$nic" "$other"
	run_case "$nic: four guests, every byte" leak "$nic" "${many[$nic]}" 4K a b c d
done
# What follows has little to do with the NIC.
if [[ $nic_kinds == *virtio* ]]; then
	run_case 'virtio: chunks of 2 KiB' leak virtio $((40 * frames)) 2K a b
	run_case 'virtio: a slow port' slow_port virtio
	run_case 'virtio: what a frame costs' costs
	run_case 'a pool that does not fit' too_large
fi
ktap_end
