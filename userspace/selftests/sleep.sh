#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The host is suspended to idle under traffic, with all its devices, and wakes: queues end
# before, guests keep what they have, and what was saved is set up again.
# timeout: 200
# testbed: --sleeps --cpus 1
. "$(dirname "$0")/common.sh"

power=/sys/power

# as if it was: all but the processors sleeps, for a second
to_devices() {
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
	echo devices >$power/pm_test
	echo freeze >$power/state
	echo none >$power/pm_test
}

# until it is woken, by what the testbed writes to its serial port
to_idle() {
	local port

	echo none >$power/pm_test
	echo enabled >/sys/class/tty/ttyS1/power/wakeup
	exec {port}<>/dev/ttyS1
	stty raw -echo <&"$port"
	echo 3 >&"$port"
	echo freeze >$power/state
	exec {port}>&-
}

told() {
	[[ $(<"$tmp/told") == *'"rxq-detach"'*'"reason":"sleep"'* ]]
}

sleeps() { # NIC HOW [MODE-WORD]...
	local flood

	[[ -e $power/pm_test ]] || exit 4
	load_module
	pool_add p 16M
	port_add a p max 8M
	port_add b p max 8M
	attach "$1" p "${@:3}"
	kvmflip save >"$tmp/config"
	vm_start a
	vm_start b
	round=100 traffic "$1" 200 7 size=64-1514 "$(to a)"
	kvmflip -j monitor rxq >"$tmp/told" &
	children+=($!)
	# b's come all the time; how many of them reach it does not matter
	(
		trap - ERR EXIT
		gen send "$1" count=2000 size=64-1514 burst=16 gap-us=8000 "$(to b)"
	) >"$tmp/flood" 2>&1 &
	flood=$!
	children+=($!)
	wait_for 'frames on the way' received_has "$1" 300

	"$2"
	nics=()
	wait_for 'word of it' told
	equal "queues of $1" "$(kvmflip -j rxq show "$1")" '[]'
	pool_adds_up p
	wait "$flood" || fail "flipgen: $(cat "$tmp/flood")"

	kvmflip apply "$tmp/config"
	nics=("$1")
	nic_up "$1"
	unset 'returns[b]'
	round=100 traffic "$1" 200 77 size=64-1514 "$(to a)"
	guest_is_whole a
	vm_stop b
	guest_is_clean b
	frames_add_up rxq "$1"
	frames_add_up port a
	frames_add_up port b
	detach "$1"
	wait_for 'free pool' pool_is_free p
}

# Who holds the socket of a queue keeps the host awake, which says so after half a minute.
refuses() { # NIC
	local other=igb holder freeze

	[[ -e $power/pm_test ]] || exit 4
	load_module
	one_queue "$1"
	pool_add p 8M
	port_add a p max 2M
	[[ $1 != igb ]] || other=virtio
	nic_up $other
	attach "$1" p
	echo 'kvmflip-test: allow DMAR' >/dev/kmsg
	badxsk scribble p 300 1 >"$tmp/badxsk.out" 2>&1 &
	holder=$!
	children+=("$holder")
	wait_for 'rings that it has' grep -q socket: "/proc/$holder/maps"
	echo devices >$power/pm_test
	(
		trap - ERR EXIT
		echo freeze >$power/state
	) 2>"$tmp/freeze" &
	freeze=$!
	children+=("$freeze")
	wait_for 'end of the queue' no_queue "$1"
	refused 'the host is about to sleep' kvmflip rxq attach $other 0 pool p
	! wait "$freeze" || fail 'it slept'
	echo none >$power/pm_test
	grep -q 'Device or resource busy' "$tmp/freeze" || fail "it says $(<"$tmp/freeze")"
	dmesg | grep -q 'kvmflip: no sleep: a process still holds the socket' || fail 'it does not say why'
	kill -KILL "$holder"
	wait "$holder" || true
	echo 'kvmflip-test: expected end' >/dev/kmsg
	nics=()
	wait_for 'free pool' pool_is_free p

	attach "$1" p
	vm_start a
	round=100 traffic "$1" 200 7 size=64-1514 "$(to a)"
	guest_is_whole a
	detach "$1"
}

no_queue() { # NIC
	[[ $(kvmflip -j rxq show "$1") == '[]' ]]
}

ktap_begin
for nic in $nic_kinds; do
	long_case "$nic: the host's devices sleep" sleeps "$nic" to_devices
	if is_first "$nic"; then
		run_case "$nic: the host sleeps until it is woken" sleeps "$nic" to_idle
		long_case "$nic: mode copy" sleeps "$nic" to_devices mode copy
		long_case "$nic: mode steered" sleeps "$nic" to_devices mode steered port a
		long_case "$nic: a queue that cannot be taken down" refuses "$nic"
	fi
done
ktap_end
