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

sleeps() { # NIC HOW
	local flood

	[[ -e $power/pm_test ]] || exit 4
	load_module
	pool_add p 16M
	port_add a p max 2M
	port_add b p max 2M
	attach "$1" p
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

ktap_begin
for nic in $nic_kinds; do
	long_case "$nic: the host's devices sleep" sleeps "$nic" to_devices
	if is_first "$nic"; then
		run_case "$nic: the host sleeps until it is woken" sleeps "$nic" to_idle
	fi
done
ktap_end
