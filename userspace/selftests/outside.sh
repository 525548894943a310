#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two guests are ports of a bridge with the NIC, one of them with a second port in a
# VLAN: they reach each other, the host and what is outside, all of them all others, by
# IPv4 and IPv6.
#
#	 guest a       guest b             outside
#	┌────────┐   ┌────────────┐      ┌ netns ────────────┐
#	│  eth0  │   │ eth0  eth1 │      │ igb, igb.7        │
#	└───┬────┘   └──┬──────┬──┘      └──┬────────────────┘
#	  kf a        kf b   kf c, VLAN 7   │   10.0.2.2: DHCP, HTTP, iperf3
#	    └─── br0 ───┴──────┴── virtio ══╧══╛
#	        br0.7
# timeout: 400
# testbed: --outside --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"

examples=$here/../../Documentation/examples
pings=5
[[ ${KVMFLIP_FULL:-0} == 1 ]] && pings=100

# Who is there without a tag, and in VLAN 7: their addresses. QEMU's own network takes
# any IPv4 packet without a tag for one that it should send on, so there is no other
# machine outside for these.
declare -A ip4=([host]=10.0.2.100)
declare -A ip6=([host]=fd00:2::1 [outside]=fd00:2::2 [a]=fd00:2::a [b]=fd00:2::b)
declare -A ip4_7=([host]=10.7.0.1 [outside]=10.7.0.2 [b]=10.7.0.3)
declare -A ip6_7=([host]=fd00:7::1 [outside]=fd00:7::2 [b]=fd00:7::b)

# addresses DEV IPV4 IPV6: commands that set them
addresses() {
	[[ ! $2 ]] || echo "ip addr add $2/24 dev $1"
	echo "ip addr add $3/64 dev $1 nodad"
}

# vlan_7 DEV: commands that make DEV.7
vlan_7() {
	echo "ip link add link $1 name $1.7 type vlan id 7; ip link set $1.7 up"
}

outside_is_up() {
	[[ $(ip netns exec outside cat /sys/class/net/igb/carrier) == 1 ]]
}

# What others have: a machine on the same wire
the_outside() {
	nic_of igb || fail 'no igb NIC'
	ip netns add outside
	ip link set igb netns outside
	ip netns exec outside bash -e -c "
		ip link set lo up; ip link set igb up
		$(vlan_7 igb)
		$(addresses igb '' "${ip6[outside]}")
		$(addresses igb.7 "${ip4_7[outside]}" "${ip6_7[outside]}")"
	wait_for 'carrier outside' outside_is_up
}

the_bridge() { # PORT...
	local name

	ip link add br0 type bridge vlan_filtering 1
	ip link set virtio master br0
	bridge vlan add dev virtio vid 7
	bridge vlan add dev br0 vid 7 self
	for name; do
		"$examples/bridge-port" "$name" br0
	done
	echo 0 >/proc/sys/net/ipv6/conf/br0/disable_ipv6
	ip link set br0 up
	bash -e -c "$(vlan_7 br0)
		echo 0 >/proc/sys/net/ipv6/conf/br0.7/disable_ipv6
		$(addresses br0 "${ip4[host]}" "${ip6[host]}")
		$(addresses br0.7 "${ip4_7[host]}" "${ip6_7[host]}")"
}

end() {
	ip link del br0 2>/dev/null
	ip netns del outside 2>/dev/null
	return 0
}
at_end=(end "${at_end[@]}")

# all_reach_all ARRAY: whose addresses are in it
all_reach_all() {
	local -n address=$1
	local from to

	for from in "${!address[@]}"; do
		for to in "${!address[@]}"; do
			[[ $from == "$to" ]] || ping_from "$from" "${address[$to]}" "$pings"
		done
	done
}

on_a_bridge() {
	local sum http iperf name rx again

	read -r sum http iperf <<<"$KVMFLIP_OUTSIDE"
	[[ $iperf ]] || fail 'no outside: see scripts/testbed --help'
	load_module
	modprobe -a bridge 8021q
	pool_add p 48M
	vlan[b]=0 vlan[c]=7
	for name in a b c; do
		port_add "$name" p max 12M
	done
	attach virtio p
	the_outside
	the_bridge a b c
	l2_boot a
	l2_start b -device "vfio-pci,sysfsdev=/sys/bus/mdev/devices/${uuid[c]}"
	l2_ready a
	for name in a b; do
		both_up "$name"
		l2_run "$name" 'udhcpc -i eth0 -n -q -t 20 -T 2 -s /l2/udhcpc >&2' ||
			fail "no address for $name from outside"
		ip4[$name]=$(l2_run "$name" 'ip -4 -o addr show eth0 | sed "s/.*inet \([0-9.]*\).*/\1/"')
		diag "guest $name: ${ip4[$name]}"
		l2_run "$name" "$(addresses eth0 '' "${ip6[$name]}")"
	done
	equal "the second address of guest b" "$(l2_run b cat /sys/class/net/eth1/address)" "${mac[c]}"
	l2_run b "set -e; modprobe 8021q; ip link set eth1 up
		$(vlan_7 eth1)
		$(addresses eth1.7 "${ip4_7[b]}" "${ip6_7[b]}")"
	for name in ip4 ip6 ip4_7 ip6_7; do
		all_reach_all $name
	done
	for name in a b host; do
		ping_from "$name" 10.0.2.2 "$pings"
	done
	for name in a b c; do
		positive "frames of the NIC for $name" "$(stat port "$name" received)"
	done
	file_from a "http://10.0.2.2:$http/file" "$sum"
	l2_run b 'iperf3 -s -D'
	iperf_in a "${ip4[b]}"
	ip netns exec outside iperf3 -s >/dev/null 2>&1 &
	children+=($!)
	iperf_in b "${ip4_7[outside]}" -R
	iperf_in a 10.0.2.2 -p "$iperf" -R
	rx=$mbps again=$retransmits
	iperf_in a 10.0.2.2 -p "$iperf"
	figure guest.iperf3 "{\"tcp_rx_mbps\": $rx, \"tcp_tx_mbps\": $mbps, \"retransmits\": $((retransmits + again))}"
	for name in a b c; do
		diag "$(kvmflip -s port show "$name")"
		frames_add_up port "$name"
	done
	pool_adds_up p
	l2_stop a
	l2_stop b
}

ktap_begin
run_case 'two guests on a bridge' on_a_bridge
ktap_end
