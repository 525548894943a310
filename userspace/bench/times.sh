# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # from arms
# Time instead of instructions: frames a second when there are more than that, what is
# lost, and seconds of the processor for them. In an emulator only ratios of one run mean
# anything, and these not much. Sourced by arms.

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
