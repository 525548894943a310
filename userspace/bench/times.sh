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

# offer COUNT SIZE WORD...: send frames; sets $seconds, $ticks, what the processor did
# meanwhile, and $gained, how many have arrived
offer() {
	local base start now words from to i

	base=$(got)
	gained=0
	read -ra words <<<"$whom"
	read -ra from <<<"$(cpu_ticks)"
	start=$EPOCHREALTIME
	gen send "$nic" "count=$1" "size=$2" "${@:3}" "${words[@]}"
	seconds=$(awk "BEGIN { print $EPOCHREALTIME - $start }")
	read -ra to <<<"$(cpu_ticks)"
	ticks=()
	for i in "${!to[@]}"; do
		ticks+=($((to[i] - from[i])))
	done
	# what is on its way still comes
	while nap 1; now=$(($(got) - base)); ((now != gained)); do
		gained=$now
	done
	[[ $guest ]] || gained=$1
}

# loss_free COUNT SIZE: sets $rate, the most frames a second of which no more than three
# in a hundred are missing, in bursts with ever shorter gaps, and $spent, what the
# processor did for COUNT at that rate. As many as that may still wait for their buffer.
loss_free() {
	local short=0 long=8192 gap seconds ticks gained

	rate=0 spent=0,0,0
	while ((long - short > 64)); do
		gap=$(((short + long) / 2))
		offer "$1" "$2" burst=64 "gap-us=$gap"
		if ((gained * 100 >= $1 * 97)); then
			long=$gap
			rate=$(awk "BEGIN { print $1 / $seconds }")
			spent=$(IFS=,; echo "${ticks[*]}")
		else
			short=$gap
		fi
	done
}

# take_time ARM SIZE: one line of figures
take_time() {
	local paced=24576 sent=65536 seconds ticks gained rate spent

	loss_free $paced "$2"
	offer $sent "$2" burst=0
	printf '{"arm": "%s", "size": %d, "rate": %s, "frames": %d, "ticks": [%s], "sent": %d, "got": %d, "seconds": %s}\n' \
		"$1" "$2" "$rate" $paced "$spent" $sent "$gained" "$seconds" >>"$KVMFLIP_OUT/times"
	diag "$1, $2 bytes: $rate frames a second; of a flood $gained of $sent frames in $seconds s"
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
