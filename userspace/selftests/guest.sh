#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A port is a network interface of an ordinary Linux guest: it pings, has TCP and
# UDP both ways, takes files whole, is a port of a bridge, and what large frames of
# the NIC it reads nobody has copied.
# timeout: 600
# testbed: --outside
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"

seconds=4 pings=1000 files=1
[[ ${KVMFLIP_FULL:-0} == 1 ]] && seconds=60 files=10
[[ ${KVMFLIP_SLOW:-0} == 1 ]] && pings=200

# What a guest sees of its port
device() {
	local text bar

	load_module
	pool_add p 16M
	port_add a p
	l2_start a
	text=$(l2_run a "grep -H . /sys/bus/pci/devices/*/{vendor,device}; cd /sys/bus/pci/drivers
		for d in /sys/bus/pci/devices/*; do read v <\$d/vendor; read n <\$d/device
			[[ \$v\$n == 0x1af40x10f0 ]] && sed -n 3p \$d/resource; done")
	bar=${text##*$'\n'}
	[[ $text == *0x10f0* ]] || fail "no device of ours in: $text"
	((${bar%% *} >= 1 << 32)) || fail "the window lies below 4 GiB: $bar"
	inet_up a 1
	equal 'driver' "$(l2_run a 'basename $(readlink /sys/class/net/eth0/device/driver)')" kvmflip_net
	equal 'address' "$(l2_run a cat /sys/class/net/eth0/address)" "${mac[a]}"
	l2_run a 'ethtool -i eth0; ethtool -g eth0; ethtool -c eth0; ethtool -k eth0; ethtool -l eth0' >"$tmp/ethtool" ||
		diag "ethtool: some of -i -g -c -k -l is not there"
	inet_follows a
	l2_stop a
	wait_for 'no carrier at the host' eval "! has_carrier $kf"
}

# Carrier, MTU and what is set at one end shows at the other
inet_follows() { # NAME
	kf_of "$1"
	ip link set "$kf" down
	wait_for 'no carrier in the guest' l2_run "$1" '! grep -q 1 /sys/class/net/eth0/carrier'
	ip link set "$kf" up
	wait_for 'carrier in the guest' l2_run "$1" 'grep -q 1 /sys/class/net/eth0/carrier'
	l2_run "$1" ip link set eth0 down
	wait_for 'no carrier at the host' eval "! has_carrier $kf"
	l2_run "$1" ip link set eth0 up
	wait_for 'carrier at the host' has_carrier "$kf"
}

# Host and guest, alone
host_and_guest() {
	local text

	load_module
	pool_add p 16M
	port_add a p
	l2_start a
	inet_up a 1
	both_ping a 1 20
	served_by_dhcp a
	iperf_both a "$(inet 1 1)" "$(inet 1 2)"
	pings_under_load a 1
	file_from a "http://$(inet 1 1):8000/file"
	text=$(l2_run a 'ip -s -s link show eth0; ethtool -S eth0')
	links_agree a
	l2_stop a
}

ktap_begin
run_case 'what a guest sees' device
run_case 'host and guest' host_and_guest
run_case 'two guests on a bridge' on_a_bridge
run_case 'a port with a VLAN' tagged
for nic in $nic_kinds; do
	run_case "$nic: nobody copies" zero_copy "$nic"
done
run_case 'a reader that does not read' slow_reader
run_case 'taken away under traffic' taken_away
ktap_end
