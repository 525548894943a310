#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each allocation of the module fails once, the first, the second, and so on: who asked is
# told that there is no memory and nothing is left of it, or it works without. Needs a
# kernel with fault injection, as the debug kernel is.
# timeout: 600
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"

kinds=(/sys/kernel/debug/{failslab,fail_page_alloc})
endless=1000000000

# Only what the module's code asks for, and all of that
faults_on() {
	local kind start end

	load_module
	read -r start end < <(awk '$4 == "[kvmflip]" && $2 ~ /[tT]/ { print $1 }' /proc/kallsyms |
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

# spare PATTERN: but not what functions of such names ask for, which are near each other
spare() {
	local kind first last

	read -r first last < <(awk -v name="^$1\$" '$2 ~ /[tT]/ && $3 ~ name { print $1 }' \
		/proc/kallsyms | sort | sed -n '1p; $p' | paste -sd ' ')
	((0x$last - 0x$first < 8192)) || fail "$1: from $first to $last"
	for kind in "${kinds[@]}"; do
		echo "0x$first" >"$kind/reject-start"
		printf '0x%x\n' $((0x$last + 1024)) >"$kind/reject-end"
	done
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

# Reports of the kernel since it came up, but for what it says when it starts
splats() {
	dmesg | grep -cE 'BUG:|WARNING:|KASAN|refcount_t:|possible .* locking' || true
}

# What kmemleak knows of, once if time is short: objects count when they are 5 s old and
# two scans agree
leaks() { # NAME
	local scan=/sys/kernel/debug/kmemleak

	if ! grep -q kmemleak=on /proc/cmdline || [[ $1 != faults && ${KVMFLIP_FULL:-0} != 1 ]]; then
		echo null
		return
	fi
	nap 6
	echo scan >$scan
	echo scan >$scan
	head -n 40 $scan | sed 's/^/# /' >&2
	grep -c '^unreferenced object' $scan || true
}

# finding NAME INJECTED [MEMBER...]: what is known at the end of a case
finding() {
	local name=$1 injected=$2 seen found

	shift 2
	seen=$(splats)
	found=$(leaks "$name")
	figure "hostile.$name" "{\"injected\": $injected, \"splats\": $seen, \"leaks\": $found$*}"
	equal 'reports of the kernel' "$seen" 0
	[[ $found == null ]] || equal 'leaks' "$found" 0
	positive 'allocations that failed' "$injected"
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
	finding faults "$(field "${out##*$'\n'}" injected)"
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
	finding "faults.$1" $((n - 1))
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
	finding faults.traffic $forced ", \"frames\": $frames"
}

ktap_begin
[[ -e /proc/self/fail-nth && -d ${kinds[0]} ]] || {
	echo '1..0 # SKIP no fault injection in this kernel'
	exit 4
}
run_case 'commands' commands
run_case 'frames flow' flowing
long_case 'attach, copy' attaching copy
long_case 'attach, strict' attaching strict
ktap_end
