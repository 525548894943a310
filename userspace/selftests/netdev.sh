#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The host's side of a port: what the host sends through it reaches the guest,
# and it behaves as a network device should.
# timeout: 300
. "$(dirname "$0")/common.sh"

declare -A kf=()

# kf_up PORT: its network device, of which nothing is sent but what we send
kf_up() {
	kf[$1]=$(field "$(show port "$1")" ifname)
	sysctl -qw "net.ipv6.conf.${kf[$1]}.disable_ipv6=1"
	ip link set "${kf[$1]}" up
	wait_for "carrier on ${kf[$1]}" has_carrier "${kf[$1]}"
}

link_stat() { # PORT COUNTER
	local value

	get_line value "/sys/class/net/${kf[$1]}/statistics/$2"
	echo "$value"
}

host_sends() { # PORT WORD...
	flipgen send "${kf[$1]}" "to=${mac[$1]}/${vlan[$1]}/${tag[$1]}" "${@:2}" >"$tmp/sent"
}

# Every frame arrives as it was sent, more of them than there is room for at a time
to_guest() {
	local count=20000

	load_module
	pool_add p 8M
	port_add a p
	vm_start a
	kf_up a
	host_sends a count=$count size=60-1514
	wait_for 'frames at the guest' guest_has a received $count
	vm_stop a
	guest_is_clean a
	equal 'frames at the guest' "$(field "$report" received)" $count
	equal 'frames that are whole' "$(field "$report" checksum_ok)" $count
	equal 'frames out of order' "$(field "$report" reordered)" 0
	equal 'frames copied by the port' "$(stat port a to_guest)" $count
	equal 'bytes' "$(stat port a to_guest_bytes)" \
		"$(of_tag "$(<"$tmp/sent")" "${tag[a]}" bytes)"
	equal 'frames of a NIC' "$(stat port a received)" 0
	equal 'frames sent by the device' "$(link_stat a tx_packets)" $count
	equal 'frames dropped by the device' "$(link_stat a tx_dropped)" 0
	wait_for 'end of the carrier' eval "! has_carrier ${kf[a]}"
}

ktap_begin
run_case 'host to guest' to_guest
ktap_end
