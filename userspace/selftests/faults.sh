#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each allocation of the module fails once, the first, the second, and so on: who asked is
# told that there is no memory and nothing is left of it, or it works without. So does each
# call of the functions that stand for what the kernel or a device may refuse. Needs a
# kernel with fault injection, as the debug kernel is.
# timeout: 600
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/finding.sh"

faults_on() {
	load_module
	faults_in kvmflip
	at_end+=(faults_off)
}

# Commands, ioctls, a device that is opened, and what a guest's driver makes of it
commands() {
	local out step=16

	faults_on
	# VFIO warns (WARN_ON(group->iommu_group)) if there is no memory for a group
	spare vfio_create_group
	pool_add p 4M
	port_add a p max 1M
	[[ ${KVMFLIP_FULL:-0} == 1 ]] && step=1
	nthfail "${uuid[a]}" $step >"$tmp/nthfail.out"
	out=$(<"$tmp/nthfail.out")
	diag "$out"
	finding faults "\"injected\": $(field "${out##*$'\n'}" injected)"
}

state() {
	printf 'pool\nrxq\nport\n' | kvmflip -j -b -
}

is_as() { # STATE
	[[ $(state) == "$1" ]]
}

# Queues of a NIC are attached; where that works all the same they are detached
attaching() { # MODE
	local n before out base well=0

	faults_on
	one_queue virtio
	pool_add p 8M
	port_add a p max 1M
	nic_up virtio
	before=$(state)
	for ((n = 1; ; n++)); do
		injected
		base=$faults
		if out=$(nth "$n" kvmflip rxq attach virtio all pool p mode "$1" 2>&1); then
			injected
			kvmflip rxq detach virtio all
			((faults > base)) || break
			well=$((well + 1))
		else
			injected
			((faults > base)) || fail "no allocation failed: $out"
			[[ $out =~ [Mm]emory|'ring cannot be mapped' ]] || fail "allocation $n: $out"
		fi
		wait_for "state as before, allocation $n" is_as "$before"
		nothing_on virtio
	done
	diag "$((n - 1)) allocations, $well of them not needed"
	attach virtio p mode "$1"
	vm_start a
	traffic virtio 100 1 size=60-1514 "$(to a)"
	guest_is_whole a
	positive 'allocations that failed' $((n - 1))
	finding "faults.$1" "\"injected\": $((n - 1))"
}

# Functions that fail with EIO, one at a time
calls=/sys/kernel/debug/fail_function

calls_off() {
	echo 0 >$calls/times
	echo >$calls/inject
}

# attaching_by_call FUNCTION MODE...: sets $failed to how many of its calls were made to
# fail; an attach makes two at most, for two rings
attaching_by_call() {
	local n before left out

	failed=0
	before=$(state)
	for n in 1 2; do
		echo "$n" >$calls/space
		echo 1 >$calls/times
		if out=$(kvmflip rxq attach virtio all pool p mode "${@:2}" 2>&1); then
			read -r left <$calls/times
			echo 0 >$calls/times
			kvmflip rxq detach virtio all
			((left)) || fail "$1, call $n: attached all the same"
		else
			read -r left <$calls/times
			((left == 0)) || fail "$1, which did not fail: $out"
			[[ $out =~ 'Input/output error'|'ring cannot be mapped' ]] ||
				fail "$1, call $n: $out"
			failed=$((failed + 1))
		fi
		wait_for "state as before, $1, call $n" is_as "$before"
		nothing_on virtio
		((left == 0)) || break
	done
}

functions() {
	local f failed known=0 sum=0

	[[ -e $calls/inject ]] || exit 4
	load_module
	at_end+=(calls_off)
	echo 0 >$calls/verbose
	echo 0 >$calls/times
	echo 100 >$calls/probability
	one_queue virtio
	pool_add p 12M
	port_add a p max 10M
	nic_up virtio
	for f in $(awk '$2 == "[kvmflip]" { print $1 }' $calls/injectable); do
		known=$((known + 1))
		echo "$f" >$calls/inject
		printf '%#x\n' -5 >"$calls/$f/retval"
		nthfail "${uuid[a]}" calls >"$tmp/nthfail.out"
		failed=$(field "$(tail -n 1 "$tmp/nthfail.out")" injected)
		((failed)) || attaching_by_call "$f" strict
		((failed)) || attaching_by_call "$f" steered port a
		diag "$f: $failed calls failed"
		positive "$f: calls that failed" "$failed"
		sum=$((sum + failed))
		echo "!$f" >$calls/inject
	done
	positive 'functions that can fail' $known
	# nthfail has changed it behind the back of who fills the program's maps
	port_del a
	port_add a p max 1M
	attach virtio p
	vm_start a
	traffic virtio 100 1 size=60-1514 "$(to a)"
	guest_is_whole a
	finding functions "\"functions\": $known, \"calls\": $sum"
}

# Some of all allocations fail while frames flow: some are lost, and counted.
flowing() {
	local forced frames=500

	[[ ${KVMFLIP_FULL:-0} != 1 ]] || frames=10000
	faults_on
	one_queue virtio
	pool_add p 8M
	port_add a p max 1M
	attach virtio p
	vm_start a
	# If there is no memory for a VMM's page table KVM gives it up, whatever memory it is of
	spare 'kf_(huge_)?fault(_slot)?'
	injected
	forced=$faults
	chance 20
	flow virtio $frames size=60-1514 "$(to a 4)" bcast=1
	flow_end
	chance 0
	injected
	forced=$((faults - forced))
	wait_for 'all frames at a' took_all a
	vm_stop a
	guest_is_clean a
	guest_agrees a
	frames_add_up port a
	frames_add_up rxq virtio
	pool_adds_up p
	frames=$(stat rxq virtio received)
	detach virtio
	wait_for 'free pool' pool_is_free p
	positive 'allocations that failed' $forced
	finding faults.traffic "\"injected\": $forced, \"frames\": $frames"
}

ktap_begin
needs_injection
run_case 'commands' commands
run_case 'frames flow' flowing
run_case 'functions' functions
long_case 'attach, copy' attaching copy
long_case 'attach, strict' attaching strict
ktap_end
