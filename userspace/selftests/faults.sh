#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each allocation of the module fails once, the first, the second, and so on: the command
# says so and nothing is left of it, or it does without. Needs a kernel with fault
# injection, as the debug kernel is.
# timeout: 1800
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"

kinds=(/sys/kernel/debug/{failslab,fail_page_alloc})
endless=1000000000
forced=0 # faults so far

# Only what the module's code asks for, and all of that
faults_on() {
	local kind start end

	load_module
	read -r start end < <(awk '$4 == "[kvmflip]" && $3 ~ /[tT]/ { print $1 }' /proc/kallsyms |
		sort | sed -n '1p; $p' | paste -sd ' ')
	for kind in "${kinds[@]}"; do
		echo N >"$kind/ignore-gfp-wait"
		echo 0 >"$kind/verbose"
		echo 0 >"$kind/probability"
		echo "0x$start" >"$kind/require-start"
		printf '0x%x\n' $((0x$end + 4096)) >"$kind/require-end"
		echo $endless >"$kind/times"
	done
	echo 0 >"${kinds[1]}/min-order"
	at_end+=(faults_off)
}

# chance PERCENT: that any allocation of the module fails
chance() {
	local kind

	for kind in "${kinds[@]}"; do
		echo "$1" >"$kind/probability"
	done
}

faults_off() {
	chance 0
}

# injected: sets $faults to how many there were since faults_on
injected() {
	local kind left

	faults=0
	for kind in "${kinds[@]}"; do
		read -r left <"$kind/times"
		faults=$((faults + endless - left))
	done
}

# nth N COMMAND...: its Nth allocation fails
nth() {
	(
		trap - ERR EXIT
		echo "$1" >/proc/self/fail-nth
		exec "${@:2}"
	)
}

state() {
	kvmflip -j pool
	kvmflip -j rxq
	kvmflip -j port
}

is_as() { # STATE
	[[ $(state) == "$1" ]]
}

# sweep UNDO COMMAND...: with one allocation after the other failing, until none is left;
# where the command is well all the same it is undone
sweep() {
	local undo=$1 n before out base faults well=0

	shift
	before=$(state)
	for ((n = 1; ; n++)); do
		injected
		base=$faults
		if out=$(nth "$n" "$@" 2>&1); then
			injected
			"$undo"
			((faults > base)) || break
			well=$((well + 1))
		else
			injected
			((faults > base)) || fail "'$*' failed, and no allocation did: $out"
			[[ $out == *[Mm]emory* ]] || fail "'$*', allocation $n: $out"
		fi
		wait_for "state as before '$*', allocation $n" is_as "$before"
	done
	((n > 1)) || fail "'$*' allocates nothing"
	diag "$*: $((n - 1)) allocations, $well of them not needed"
	forced=$((forced + n - 1))
}

del_pool() {
	kvmflip pool del q
}

del_port() {
	kvmflip port del b
}

as_it_was() {
	kvmflip port set a max 1M
}

nothing() {
	:
}

commands() {
	faults_on
	pool_add p 4M 2M
	port_add a p max 1M
	sweep del_pool kvmflip pool add q size 4M buffer 2M
	sweep del_pool kvmflip pool add q size 64K buffer 4K
	sweep del_port kvmflip port add b pool p mac "${mac[b]}"
	sweep as_it_was kvmflip port set a max 2M
	sweep nothing kvmflip -s pool show
	sweep nothing kvmflip -s port show a
	figure hostile.faults.commands "{\"injected\": $forced}"
}

opens() {
	faults_on
	pool_add p 16M
	port_add a p
	sweep nothing sender "${uuid[a]}"
	equal 'state' "$(field "$(show port a)" state)" closed
	figure hostile.faults.open "{\"injected\": $forced}"
}

undo_attach() {
	kvmflip rxq detach virtio all
}

# attaching MODE: and traffic behind it
attaching() {
	faults_on
	one_queue virtio
	pool_add p 8M
	port_add a p max 1M
	nic_up virtio
	sweep undo_attach kvmflip rxq attach virtio all pool p mode "$1"
	attach virtio p mode "$1"
	vm_start a
	traffic virtio 100 1 size=60-1514 "$(to a)"
	guest_is_whole a
	figure "hostile.faults.$1" "{\"injected\": $forced}"
}

# Some of all allocations fail while frames flow: some are lost, and counted.
flowing() {
	local faults

	faults_on
	one_queue virtio
	pool_add p 8M
	port_add a p max 1M
	attach virtio p
	vm_start a
	injected
	forced=$faults
	chance 20
	flow virtio 2000 size=60-1514 "$(to a 4)" bcast=1
	flow_end
	chance 0
	injected
	forced=$((faults - forced))
	positive 'allocations that failed' "$forced"
	wait_for 'all frames at a' took_all a
	vm_stop a
	guest_is_clean a
	guest_agrees a
	frames_add_up port a
	frames_add_up rxq virtio
	pool_adds_up p
	figure hostile.faults.traffic "{\"injected\": $forced, \"frames\": $(stat rxq virtio received)}"
	detach virtio
	wait_for 'free pool' pool_is_free p
}

ktap_begin
[[ -e /proc/self/fail-nth && -d ${kinds[0]} ]] || {
	echo '1..0 # SKIP no fault injection in this kernel'
	exit 4
}
run_case 'commands' commands
run_case 'a device is opened' opens
run_case 'frames flow' flowing
run_case 'attach, copy' attaching copy
long_case 'attach, strict' attaching strict
ktap_end
