#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Everything that can be taken away while frames come in: the program that set
# it up, a VM, a queue, a port, the interface, the NIC's driver, the module.
# Afterwards nothing is left behind, and all of it can be set up again.
# Leaks are looked for after the suites, by scripts/l1/suites.
# timeout: 1500
. "$(dirname "$0")/common.sh"

# Both guests on a NIC, small enough to reuse all buffers soon
topology() { # NIC
	load_module
	pool_add p 16M
	port_add a p max 2M
	port_add b p max 2M
	attach "$1" p
	vm_start a
	vm_start b
}

# Frames of a flood: as many as take some seconds
flood_frames=6000
[[ ${KVMFLIP_SLOW:-0} == 1 ]] && flood_frames=1500

# flood NIC: frames for everybody, in the background
flood() {
	(
		trap - ERR EXIT
		# shellcheck disable=SC2046 # words
		gen send "$1" "count=$flood_frames" size=64-1514 burst=16 gap-us=4000 $(everybody)
	) >"$tmp/flood" 2>&1 &
	flood_pid=$!
	children+=($!)
	wait_for 'frames on the way' received_has "$1" 100
}

flood_end() {
	wait "$flood_pid" || fail "flipgen: $(cat "$tmp/flood")"
}

# It still works, from the beginning to the end: new traffic, all of it
still_works() { # NIC
	sent=() sent_sum=() sent_total=0
	local name

	for name in a b; do
		[[ -n ${vm[$name]:-} ]] && vm_stop "$name" && guest_is_clean "$name"
		vm_start "$name"
	done
	round=100 traffic "$1" 400 77 size=64-1514 "$(to a)" "$(to b)" bcast=1
	for name in a b; do
		wait_for "frames at $name" guest_has "$name" received "${sent[$name]}"
		guest_is_whole "$name"
	done
	frames_add_up rxq "$1"
	frames_add_up port a
	frames_add_up port b
	pool_adds_up p
	detach "$1"
	wait_for 'free pool' pool_is_free p
}

no_process_of_ours() {
	local exe

	for exe in /proc/[0-9]*/exe; do
		exe=$(readlink "$exe" 2>/dev/null) || continue
		[[ ${exe##*/} != kvmflip ]] || return 1
	done
}

cli_gone() { # NIC
	topology "$1"
	no_process_of_ours || fail 'a kvmflip process is still there'
	still_works "$1"
}

vm_killed() { # NIC
	local i

	topology "$1"
	for i in 1 2 3; do
		flood "$1"
		vm_kill a
		wait_for 'closed port' port_is a closed
		flood_end
		equal "slots a has" "$(field "$(show port a)" mapped)" 0
		vm_start a
	done
	vm_stop b
	guest_is_clean b
	vm_start b
	still_works "$1"
}

port_is() { # NAME STATE
	[[ $(field "$(show port "$1")" state) == "$2" ]]
}

queue_detached() { # NIC
	topology "$1"
	flood "$1"
	detach "$1"
	wait "$flood_pid" || true
	pool_adds_up p
	attach "$1" p
	still_works "$1"
}

port_deleted() { # NIC
	topology "$1"
	flood "$1"
	refused 'stop its VM first' kvmflip port del a
	vm_stop a
	guest_is_clean a
	port_del a
	flood_end
	pool_adds_up p
	port_add a p max 2M
	vm_start a
	still_works "$1"
}

pool_deleted() { # NIC
	topology "$1"
	flood "$1"
	refused 'delete them first' kvmflip pool del p
	flood_end
	vm_stop a
	vm_stop b
	port_del a
	port_del b
	refused 'delete them first' kvmflip pool del p
	detach "$1"
	wait_for 'free pool' pool_is_free p
	wait_for 'deleted pool' kvmflip pool del p
	pools=()
	topology "$1"
	still_works "$1"
}

interface_down() { # NIC
	topology "$1"
	flood "$1"
	ip link set "$1" down
	nap 0.5
	ip link set "$1" up
	wait_for 'carrier' has_carrier "$1"
	wait "$flood_pid" || true
	still_works "$1"
}

driver_unbound() { # NIC
	local device driver

	topology "$1"
	device=$(readlink -f "/sys/class/net/$1/device")
	driver=$(readlink -f "$device/driver")
	flood "$1"
	echo "${device##*/}" >"$driver/unbind"
	nics=()
	wait_for 'queue gone' no_queues
	wait_for 'free pool' pool_is_free_but_mapped p
	echo "${device##*/}" >"$driver/bind"
	wait_for 'NIC back' nic_of "$1"
	# what the generator still had to send
	wait "$flood_pid" 2>/dev/null || true
	attach "$1" p
	still_works "$1"
}

no_queues() {
	[[ $(kvmflip -j rxq show) != *queue* ]]
}

pool_is_free_but_mapped() { # POOL: what guests have is theirs
	local json

	json=$(show pool "$1")
	(($(field "$json" free) + $(field "$json" mapped) == $(field "$json" total)))
}

# The module goes with queues, ports and pools in place, but not with a VM
module_removed() { # NIC
	topology "$1"
	flood "$1"
	! rmmod kvmflip 2>/dev/null || fail 'removed although VMs use it'
	vm_stop a
	guest_is_clean a
	vm_kill b
	wait_for 'module unused' module_refs 0
	rmmod kvmflip
	nics=() ports=() pools=()
	wait "$flood_pid" || true
	topology "$1"
	still_works "$1"
}

module_refs() { # COUNT
	[[ $(</sys/module/kvmflip/refcnt) == "$1" ]]
}

# The same things over and over
again_and_again() { # NIC
	local i

	load_module
	for i in 1 2 3 4 5; do
		pool_add p 16M
		port_add a p
		attach "$1" p
		detach "$1"
		port_del a
		wait_for 'deleted pool' kvmflip pool del p
		pools=()
	done
}

ktap_begin
for nic in $nic_kinds; do
	run_case "$nic: a VM is killed" vm_killed "$nic"
	run_case "$nic: its queues are detached" queue_detached "$nic"
	run_case "$nic: down and up" interface_down "$nic"
	run_case "$nic: its driver is unbound" driver_unbound "$nic"
	run_case "$nic: the module is removed" module_removed "$nic"
	is_first "$nic" || continue
	run_case "$nic: the CLI is gone" cli_gone "$nic"
	run_case "$nic: a port is deleted" port_deleted "$nic"
	run_case "$nic: the pool is deleted" pool_deleted "$nic"
	run_case "$nic: attached again and again" again_and_again "$nic"
done
ktap_end
