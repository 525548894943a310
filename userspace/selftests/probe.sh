#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each allocation of the guest's driver fails once, while it takes its device and while
# the interface goes up: that fails cleanly, or works without, and works the next time.
# timeout: 900
# testbed: --mem 3072 --cpus 1
# full
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/finding.sh"

# To reserve a region fails in one way only, a network device in two, and interrupts in several,
# of which the driver says what it is that failed.
is_told() { # OUTPUT
	[[ $1 =~ 'allocate memory'|'resource busy'|'buffer space' ]] ||
		dmesg | tail -n 3 | grep -q 'there are no interrupts'
}

# In the guest: prints how many allocations failed, and how many of those were not needed.
sweep() { # UNDO COMMAND...
	local n out base undo=$1 unneeded=0

	shift
	faults=0
	for ((n = 1; ; n++)); do
		injected
		base=$faults
		if out=$("$@" "$n" 2>&1); then
			injected
			"$undo" || return 1
			((faults > base)) || break
			unneeded=$((unneeded + 1))
		else
			injected
			((faults > base)) && is_told "$out" || {
				echo "allocation $n ($((faults - base))): $out" >&2
				return 1
			}
			[[ $* != bind* || ! -e /sys/class/net/eth0 ]] || return 1
		fi
	done
	echo $((n - 1)) $unneeded
}

bind() { # N
	# by the shell itself, which is the one that the Nth is counted for
	(echo "$1" >/proc/self/fail-nth && echo "$device" >$driver/bind)
}

unbind() {
	echo "$device" >$driver/unbind
}

up() { # N
	nth "$1" ip link set eth0 up
}

down() {
	ip link set eth0 down
}

in_guest() {
	driver=/sys/bus/pci/drivers/kvmflip_net
	modprobe kvmflip_net && cd $driver || return 1
	device=$(echo 0000:*)
	faults_in kvmflip_net
	# the kernel warns if it finds no memory for a window's struct pages
	spare add_pages
	unbind && sweep unbind bind && (bind 0) && sweep down up && ip link set eth0 up
}

probing() {
	local out failed

	l2_seconds=$((l2_seconds * 4))
	load_module
	pool_add p 8M
	port_add a p max 1M
	l2_start a
	out=$(l2_run a "$(declare -p kinds endless); $(declare -f fail faults_in spare injected nth \
		is_told sweep bind unbind up down in_guest); in_guest")
	diag "failed, not needed: ${out//$'\n'/; }"
	failed=$(awk '{ n += $1 } END { print n + 0 }' <<<"$out")
	positive 'allocations that failed' "$failed"
	# it works, and its kernel was well
	wait_for 'driver of guest a' is_running
	l2_stop a
	finding faults.guest "\"injected\": $failed"
}

is_running() {
	[[ $(field "$(show port a)" state) == running ]]
}

ktap_begin
needs_injection
run_case 'the driver takes its device' probing
ktap_end
