# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # from arms
# Time instead of instructions: frames a second when there are more than that, what is
# lost, and seconds of the processor for them; of arms with TCP round trips. In an emulator
# only ratios of one run mean anything. Sourced by arms.
#
# NAPI has a thread: a flood of softirqs would leave nothing of the one processor to
# whatever else is to be done for a frame.

cpu_ticks() { # the host's, those of its guests, the idle
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 - $10 - $11, $10 + $11, $5 + $6 }' /proc/stat
}

# take_time ARM SIZE: one line of figures
take_time() {
	local sent=${BENCH_FLOOD:-65536} base start seconds gained=0 now from to words

	base=$(got)
	read -ra words <<<"$whom"
	read -ra from <<<"$(cpu_ticks)"
	start=$EPOCHREALTIME
	gen send "$nic" "count=$sent" "size=$2" burst=0 "${words[@]}"
	seconds=$(awk "BEGIN { print $EPOCHREALTIME - $start }")
	read -ra to <<<"$(cpu_ticks)"
	# what is on its way still comes
	while nap 1; now=$(($(got) - base)); ((now != gained)); do
		gained=$now
	done
	[[ $guest ]] || gained=$sent
	printf '{"arm": "%s", "size": %d, "sent": %d, "got": %d, "seconds": %s, "ticks": [%d, %d, %d]}\n' \
		"$1" "$2" "$sent" "$gained" "$seconds" $((to[0] - from[0])) \
		$((to[1] - from[1])) $((to[2] - from[2])) >>"$KVMFLIP_OUT/times"
	diag "$1, $2 bytes: $gained of $sent frames in $seconds s"
}

# take_rtts ARM: a line of round trips of the guest's for each load, in frames a second
# that it gets besides
take_rtts() {
	local load beside pings=${BENCH_PINGS:-200} rtts words

	read -ra words <<<"$whom"
	for load in ${BENCH_LOADS:-0 1000 5000 9000}; do
		beside=''
		if ((load)); then
			gen send "$nic" count=$((load * pings / 40)) "burst=$((load / 1000))" \
				gap-us=1000 size=1514 "${words[@]}" &
			beside=$!
			nap 0.5
		fi
		rtts=$(l2_run "$guest" "ping -i 0.02 -c $pings 10.0.2.2" |
			sed -n 's/.* time=\([0-9.]*\) ms$/\1/p' | paste -sd,)
		[[ ! $beside ]] || wait "$beside"
		printf '{"arm": "%s", "load": %d, "sent": %d, "ms": [%s]}\n' "$1" "$load" \
			"$pings" "$rtts" >>"$KVMFLIP_OUT/rtts"
	done
	diag "$1: round trips"
}
