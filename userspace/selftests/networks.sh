#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A port's network device among others: in a bridge, in Open vSwitch, with nftables
# and tc, in other namespaces, with VLANs and DHCP, under other names.
#
#	 guest a        L1
#	┌────────┐   ┌────────────────────────────────────┐  ┌ netns ───┐
#	│   eth0 ├───┤ kf0 ── br0 or ovs0 ── veth "wire" ──┼──┤ peer     │
#	└────────┘   │            │                       │  └──────────┘
#	             │           NIC (generator)          │
#	             └────────────────────────────────────┘
# timeout: 400
# testbed: --mem 3072 --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"

examples=$here/../../Documentation/examples
nobody=52:54:00:99:99:99
host_ip=10.9.0.1 guest_ip=10.9.0.2 peer_ip=10.9.0.3

in_peer() {
	ip netns exec peer "$@"
}

link_stat() { # DEV COUNTER: sets $value
	get_line value "/sys/class/net/$1/statistics/$2"
}

# settled DEV COUNTER: sets $value when no more come
settled() {
	local before=-1

	value=0
	while ((value != before)); do
		before=$value
		nap 0.3
		link_stat "$1" "$2"
	done
}

# guest_says COMMAND...: it works
guest_says() {
	l2_run a "$@" >"$tmp/said" 2>&1 || fail "guest: $*" "$(<"$tmp/said")"
}

reached() { # FROM-IP-OF-GUEST: both ways between guest and peer
	in_peer ping -q -c 2 -i 0.2 -W 5 "${1:-$guest_ip}" >"$tmp/ping" ||
		fail 'the peer does not reach the guest' "$(<"$tmp/ping")"
	guest_says ping -q -c 2 -i 0.2 -W 5 "${2:-$peer_ip}"
}

not_reached() {
	! in_peer ping -q -c 2 -i 0.2 -W 1 "$guest_ip" >/dev/null ||
		fail "the guest is reached: $1"
}

no_ipv6() { # DEV: nothing is sent but what we send
	echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"
}

begin() {
	load_module
	modprobe -a bridge veth 8021q
	nic_up virtio
	pool_add p 16M
	port_add a p max 4M
	attach virtio p
	kf=$(field "$(show port a)" ifname)
	no_ipv6 "$kf"
	no_ipv6 virtio

	ip netns add peer
	ip link add wire type veth peer name eth0 netns peer
	no_ipv6 wire
	in_peer ip link set lo up
	in_peer ip link set eth0 up
	in_peer ip addr add "$peer_ip/24" dev eth0
	ip link set wire up

	l2_start a
	guest_says "modprobe kvmflip_net &&
		echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6 &&
		ip addr add $guest_ip/24 dev eth0 && ip link set eth0 up"
}

end() {
	local name

	for name in virtio a wire; do
		ip link set dev "$name" nomaster 2>/dev/null || true
	done
	ip link del br0 2>/dev/null || true
	ip link del wire 2>/dev/null || true
	ip netns del peer 2>/dev/null || true
}
at_end=(end "${at_end[@]}")

flooded() { # sets $value to the frames to nobody, of 20, that the guest was sent
	local before

	settled "$kf" tx_packets
	before=$value
	in_peer ping -q -c 20 -i 0.01 -W 0.1 10.9.0.99 >/dev/null || true
	settled "$kf" tx_packets
	value=$((value - before))
}

# virtio-net does not count skbs that it sends on a queue with an AF_XDP socket, but
# how often it told its device of some
kicks() {
	ethtool -S virtio | sed -n 's/^ *tx_kicks: //p'
}

# What a bridge does, and what the documentation has it do
bridge_port() {
	local before

	ip link add br0 type bridge vlan_filtering 1 mcast_snooping 0
	no_ipv6 br0
	ip link set virtio master br0
	ip link set wire master br0
	ip link set br0 up
	ip addr add "$host_ip/24" dev br0
	ip link set "$kf" master br0
	ip link set "$kf" up
	wait_for carrier has_carrier "$kf"
	reached
	ping -q -c 2 -i 0.2 -W 5 "$guest_ip" >/dev/null || fail 'the host does not reach the guest'
	in_peer ip neigh replace 10.9.0.99 lladdr "$nobody" dev eth0
	flooded
	((value >= 20)) || fail "a bridge should flood to a port it was told nothing of: $value of 20"

	"$examples/bridge-port" a br0
	[[ $(bridge fdb show dev "$kf" master) == *"${mac[a]}"*static* ]] || fail "$(bridge fdb show dev "$kf")"
	flooded
	# somebody may ask for an address meanwhile
	((value < 5)) || fail "$value frames for nobody were flooded to the guest"
	reached

	# It does not learn, so nobody can be impersonated; what the bridge knew it
	# has forgotten, and still finds the guest.
	ip link set br0 type bridge fdb_flush
	reached
	[[ $(bridge fdb show dev "$kf" master dynamic) != *extern* ]] || fail 'it has learnt'

	# what nobody else takes comes from the NIC by the bridge
	settled "$kf" tx_packets
	before=$value
	gen send virtio count=50 seed=3 bcast=1
	settled "$kf" tx_packets
	equal 'broadcasts of the NIC' $((value - before)) 50
	# and the guest's own go out there
	before=$(kicks)
	guest_says "ping -c 2 -W 1 10.9.0.98 || true"
	positive 'broadcasts of the guest at the NIC' $(($(kicks) - before))

	vlans
	dhcp
	ip addr del "$host_ip/24" dev br0
	ip link set "$kf" nomaster
	ip link set wire nomaster
	ip link del br0
}

# Tagged on the guest's side, untagged on the peer's
vlans() {
	guest_says 'modprobe 8021q; ip link add link eth0 name eth0.7 type vlan id 7 &&
		ip addr add 10.9.7.2/24 dev eth0.7 && ip link set eth0.7 up'
	in_peer ip addr add 10.9.7.3/24 dev eth0
	bridge vlan add dev "$kf" vid 7
	bridge vlan add dev wire vid 7 pvid untagged
	bridge fdb add "${mac[a]}" dev "$kf" master static vlan 7
	reached 10.9.7.2 10.9.7.3
	bridge vlan del dev wire vid 7
	bridge vlan add dev wire vid 1 pvid untagged
	reached
	# the host's own end of a VLAN
	ip link add link br0 name br0.7 type vlan id 7
	bridge vlan add dev br0 vid 7 self
	ip addr add 10.9.7.1/24 dev br0.7
	ip link set br0.7 up
	ping -q -c 2 -i 0.2 -W 5 10.9.7.2 >/dev/null || fail 'the guest is not reached in VLAN 7'
	ip link del br0.7
	guest_says ip link del eth0.7
}

dhcp() {
	dnsmasq --keep-in-foreground --conf-file=/dev/null --interface=br0 --bind-interfaces \
		--port=0 --dhcp-range=10.9.0.50,10.9.0.60,1h --dhcp-leasefile="$tmp/leases" \
		--pid-file= --user=root >"$tmp/dnsmasq.out" 2>&1 &
	children+=($!)
	guest_says 'ip addr flush dev eth0; udhcpc -n -q -i eth0 -s /l2/udhcpc -t 20 -T 1'
	[[ $(l2_run a ip -4 addr show dev eth0) =~ 10\.9\.0\.5[0-9] ]] || fail "no lease: $(<"$tmp/said")"
	grep -q "${mac[a]}" "$tmp/leases" || fail "leases: $(<"$tmp/leases")"
	guest_says "ip addr flush dev eth0; ip addr add $guest_ip/24 dev eth0"
}

openvswitch() {
	switch_starts
	ip link set "$kf" up
	ovs-vsctl --timeout=30 add-br ovs0 -- add-port ovs0 "$kf" -- add-port ovs0 wire
	no_ipv6 ovs0
	ovs-ofctl add-flow ovs0 "priority=10,dl_dst=${mac[a]},actions=output:$kf"
	reached
	[[ $(ovs-ofctl dump-flows ovs0 "dl_dst=${mac[a]}") != *n_packets=0,* ]] ||
		fail 'frames do not use the flow'
	ovs-vsctl --timeout=30 set port "$kf" tag=9
	ovs-ofctl del-flows ovs0 "dl_dst=${mac[a]}"
	not_reached 'from another VLAN of Open vSwitch'
	ovs-vsctl --timeout=30 clear port "$kf" tag
	reached
	ovs-vsctl --timeout=30 del-br ovs0
	wait_for 'device without switch' eval "[[ \$(ip link show $kf) != *ovs-system* ]]"
}

# routed: the peer is not in this case
filters() {
	ip addr add "$host_ip/24" dev "$kf"
	ip link set "$kf" up
	ping -q -c 1 -W 5 "$guest_ip" >/dev/null || fail 'the guest is not reached'

	modprobe -a nf_tables
	nft -f - <<-END
		table netdev t {
			chain in {
				type filter hook ingress device "$kf" priority 0
				ip protocol icmp counter name seen
				udp dport 9 counter name dropped drop
			}
			counter seen { }
			counter dropped { }
		}
	END
	guest_says ping -q -c 5 -i 0.1 -W 5 "$host_ip"
	guest_says "for i in 1 2 3; do echo x >/dev/udp/$host_ip/9; done"
	[[ $(nft list counter netdev t seen) == *'packets 5 '* ]] ||
		fail "seen: $(nft list counter netdev t seen)"
	[[ $(nft list counter netdev t dropped) == *'packets 3 '* ]] ||
		fail "dropped: $(nft list counter netdev t dropped)"
	nft delete table netdev t
	nft -f - <<-END
		table ip t {
			chain in {
				type filter hook input priority 0
				iifname "$kf" icmp type echo-request drop
			}
		}
	END
	! l2_run a ping -q -c 2 -i 0.2 -W 1 "$host_ip" >/dev/null || fail 'nftables does not drop'
	nft delete table ip t
	guest_says ping -q -c 1 -W 5 "$host_ip"
}

shaping() {
	local began took

	# what the guest sends: a copy of it elsewhere, and no more than so much of it
	modprobe -a dummy sch_ingress sch_tbf cls_flower cls_matchall act_gact act_mirred act_police
	ip link add sink type dummy
	no_ipv6 sink
	ip link set sink up
	tc qdisc add dev "$kf" clsact
	tc filter add dev "$kf" ingress pref 1 protocol ip flower ip_proto icmp \
		action mirred egress mirror dev sink
	guest_says ping -q -c 5 -i 0.1 -W 5 "$host_ip"
	link_stat sink tx_packets
	equal 'mirrored' "$value" 5
	tc filter del dev "$kf" ingress
	tc filter add dev "$kf" ingress matchall action police rate 8kbit burst 2k conform-exceed drop
	l2_run a ping -q -s 1000 -c 10 -i 0.02 -W 1 "$host_ip" >"$tmp/ping" || true
	[[ $(<"$tmp/ping") != *' 10 received'* ]] || fail 'nothing was policed'
	tc qdisc del dev "$kf" clsact
	ip link del sink

	# what it receives: 20 frames of 1,400 bytes at 400 kbit/s take half a second
	tc qdisc replace dev "$kf" root tbf rate 400kbit burst 1600 latency 2s
	began=${EPOCHREALTIME/./}
	ping -q -s 1372 -c 20 -i 0.002 -W 5 "$guest_ip" >"$tmp/ping" || fail "$(<"$tmp/ping")"
	took=$(((${EPOCHREALTIME/./} - began) / 1000))
	((took > 450)) || fail "tbf lets 28 kB through in $took ms"
	tc qdisc del dev "$kf" root
	ip addr flush dev "$kf"
}

# Away, back by the end of the namespace, and under other names
moved() {
	ip link set "$kf" netns peer
	in_peer ip link set "$kf" up
	in_peer ip addr add "$host_ip/24" dev "$kf"
	in_peer ip addr flush dev eth0
	in_peer ping -q -c 2 -i 0.2 -W 5 "$guest_ip" >/dev/null ||
		fail 'the guest is not reached from the namespace'
	guest_says ping -q -c 2 -i 0.2 -W 5 "$host_ip"
	[[ $(in_peer ip link show a) == *"$kf"* ]] || fail 'its other name has stayed behind'
	ip netns del peer
	wait_for 'device back' test -e "/sys/class/net/$kf"

	ip link set "$kf" name guest-a
	equal 'name' "$(field "$(show port a)" ifname)" guest-a
	ip link property add dev guest-a altname some-other-name
	ip addr add "$host_ip/24" dev some-other-name
	ip link set some-other-name up
	ping -q -c 2 -i 0.2 -W 5 "$guest_ip" >/dev/null || fail 'the guest is not reached by other names'
	kf=guest-a
}

# One guest for all of it, as to boot it takes longer than the rest
all() {
	begin
	diag "bridge, VLANs, DHCP"
	bridge_port
	diag "Open vSwitch"
	openvswitch
	diag "nftables"
	filters
	diag "tc"
	shaping
	diag "names and namespaces"
	moved
	equal 'errors' "$(stat port a tx_errors)" 0
	l2_stop a
	frames_add_up port a
	port_del a
	[[ ! -e /sys/class/net/guest-a ]] || fail 'the network device outlives its port'
}

ktap_begin
long_case 'networks' all
ktap_end
