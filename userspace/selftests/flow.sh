# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # from common.sh, and for those who source this
# What the tests of the delivery engine share: traffic in the background, and
# counters at moments in it. Sourced after common.sh.

tag[d]=0x64 mac[d]=62:64:64:64:64:64 vlan[d]=0

frames=512 # in a buffer of 2 MiB with chunks of 4 KiB
patient='latency 60000000'

# Frames a second that neither NIC loses, and a guest can keep up with
declare -A speed=([virtio]='burst=64 gap-us=5000' [igb]='burst=32 gap-us=4000')
[[ ${KVMFLIP_SLOW:-0} == 1 ]] &&
	speed=([virtio]='burst=16 gap-us=10000' [igb]='burst=16 gap-us=10000')

# --- Traffic that flows while the test looks on ---------------------------

# flow NIC COUNT WORD...: in the background
flow() {
	local nic=$1 count=$2

	shift 2
	flow_nic=$nic
	flow_base=$(stat rxq "$nic" received)
	(
		trap - ERR EXIT
		# shellcheck disable=SC2086 # words
		gen send "$nic" "count=$count" ${speed[$nic]} "$@"
		echo "$reply"
	) >"$tmp/flow" 2>&1 &
	flow_pid=$!
	children+=($!)
}

# flow_end: all is sent, and delivered but for what the NIC has lost and for what
# waits in a buffer that is not full
flow_end() {
	local i

	wait "$flow_pid" || fail "flipgen: $(cat "$tmp/flow")"
	reply=$(<"$tmp/flow")
	flow_base=$((flow_base + $(field "${reply##*\}\}, }" frames)))
	# the last frames wait for as long as their port is patient
	for ((i = 0; i < 25; i++)); do
		! received_has "$flow_nic" "$flow_base" || return 0
		nap 0.1
	done
	diag "$((flow_base - $(stat rxq "$flow_nic" received))) frames are not there yet, or lost by $flow_nic"
}

flipped_has() { # NAME COUNT
	local json flips

	json=$(show port "$1")
	get_field flips "$json" flips
	((flips >= $2))
}

# took_all NAME: its guest has read all that its port has delivered
took_all() {
	local json given

	json=$(show port "$1")
	get_sum given "$json" 'flipped|copied'
	guest_has "$1" received "$given"
}

# guest_is_told NAME: it saw what its port says, whole, and nothing else
guest_is_told() {
	wait_for "all frames at $1" took_all "$1"
	vm_stop "$1"
	guest_is_clean "$1"
	guest_agrees "$1"
	equal "guest $1: checksum_ok" "$(field "$report" checksum_ok)" \
		"$(field "$report" received)"
	equal "guest $1: reordered" "$(field "$report" reordered)" 0
	equal "port $1: dropped_invalid" "$(stat port "$1" dropped_invalid)" 0
	frames_add_up port "$1"
}

# --- Counters at moments in a flow -----------------------------------------

declare -A before=() after=() total=()
keys='received flipped flips copied copied_stray copied_latency unmap_calls
window_faults bytes_copied bytes_zeroed bytes_zeroed_tail interrupts iotlb_syncs'

# cut: all counters at one moment, in after; what was there is in before
cut() {
	local sort name json out

	before=()
	for name in "${!after[@]}"; do
		before[$name]=${after[$name]}
	done
	out=$(sample still)
	while read -r sort name json; do
		after[$sort/$name]=$json
	done <<<"$out"
}

# value_of JSON KEY: sets $value, without a process
value_of() {
	value=0
	[[ $1 =~ \"$2\":([0-9]+) ]] && value=${BASH_REMATCH[1]}
	return 0
}

# grown OBJECT KEY: sets $value to what it grew by from the cut before to the last
grown() {
	local old

	value_of "${before[$1]}" "$2"
	old=$value
	value_of "${after[$1]}" "$2"
	value=$((value - old))
}

# add_span: what has grown is a part of $total, unless frames were copied because
# the flow stopped for a while: a machine that others use has such moments
add_span() {
	local object key

	for object in "${!after[@]}"; do
		grown "$object" copied_latency
		((value == 0)) || return 1
	done
	for object in "${!after[@]}"; do
		for key in $keys; do
			grown "$object" "$key"
			total[$object.$key]=$((${total[$object.$key]:-0} + value))
		done
	done
}

# steady NIC NAME BEFORE FLIPS WORD...: sets $total to what is counted while frames
# flow, from when NAME has got so many buffers, till it has got so many more
steady() {
	local nic=$1 name=$2 begin=$3 flips=$4 pauses=0 length

	shift 4
	total=()
	length=$(((begin + flips / 2 + 10) * frames))
	flow "$nic" "$length" "$@"
	flows_on "$name" "$begin" || fail 'no steady state'
	while ((${total[port/$name.flips]:-0} < flips)); do
		((pauses < 60)) || fail 'the flow stops over and over'
		if ! kill -0 "$flow_pid" 2>/dev/null; then
			flow_end
			flow "$nic" "$length" "$@"
		fi
		# the first buffers have frames that were copied before they were full
		flows_on "$name" 3 || continue
		cut
		while flows_on "$name" 10; do
			cut
			add_span || break
			((${total[port/$name.flips]} < flips)) || break
		done
		pauses=$((pauses + 1))
	done
	flow_end
	diag "${total[port/$name.flips]} flips in $nic's steady flow; it paused $((pauses - 1)) times"
}

# flows_on NAME FLIPS: until it has got so many more; false if the flow ends
flows_on() {
	local base

	base=$(stat port "$1" flips)
	until flipped_has "$1" $((base + $2)); do
		kill -0 "$flow_pid" 2>/dev/null || return 1
	done
}

at_most() { # WHAT NUMBER LIMIT
	(($2 <= $3)) || fail "$1: $2, should be at most $3"
}

figure() { # NAME JSON
	mkdir -p "$KVMFLIP_OUT/figures"
	echo "$2" >"$KVMFLIP_OUT/figures/$1.json"
	diag "$1 $2"
}

# figures PORT RXQ: what $total has of both, as members
figures() {
	local key

	printf '"frames": %s' "${total[$1.received]}"
	for key in flips flipped copied copied_stray unmap_calls window_faults \
		   bytes_copied bytes_zeroed bytes_zeroed_tail interrupts; do
		printf ', "%s": %s' $key "${total[$1.$key]}"
	done
	printf ', "iotlb_syncs": %s' "${total[$2.iotlb_syncs]}"
}
