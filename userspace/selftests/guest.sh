#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A port is a network interface of an ordinary Linux guest: it pings, has TCP and
# UDP both ways, takes files whole, and what large frames of the NIC it reads nobody
# has copied.
# timeout: 600
# testbed: --mem 3072 --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"

pings=1000
[[ ${KVMFLIP_SLOW:-0} == 1 ]] && pings=200

# What a guest sees of its port
device() {
	local text bar

	load_module
	pool_add p 16M
	port_add a p
	l2_start a
	text=$(l2_run a "grep -H . /sys/bus/pci/devices/*/{vendor,device}
		for d in /sys/bus/pci/devices/*; do read v <\$d/vendor; read n <\$d/device
			[[ \$v\$n != 0x1af40x10f0 ]] || sed -n 3p \$d/resource; done")
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

# Carrier, MTU and address: what is set at the host shows in the guest, and frames pass
inet_follows() { # NAME
	kf_of "$1"
	ip link set "$kf" down
	wait_for 'no carrier in the guest' l2_run "$1" '! grep -q 1 /sys/class/net/eth0/carrier'
	ip link set "$kf" up
	wait_for 'carrier in the guest' l2_run "$1" 'grep -q 1 /sys/class/net/eth0/carrier'
	ip link set "$kf" mtu 1400
	wait_for 'MTU in the guest' l2_run "$1" 'grep -q 1400 /sys/class/net/eth0/mtu'
	ip link set "$kf" mtu 1500
	wait_for 'MTU in the guest' l2_run "$1" 'grep -q 1500 /sys/class/net/eth0/mtu'
	kvmflip port set "$1" mac 92:91:91:91:91:92
	wait_for 'address in the guest' l2_run "$1" 'grep -q 92:91:91:91:91:92 /sys/class/net/eth0/address'
	ping_from host "$(inet 1 2)" 5
	ping_from "$1" "$(inet 1 1)" 5
	kvmflip port set "$1" mac "${mac[$1]}"
	wait_for 'address in the guest' l2_run "$1" "grep -q ${mac[$1]} /sys/class/net/eth0/address"
	l2_run "$1" rmmod kvmflip_net
	wait_for 'no carrier at the host' eval "! has_carrier $kf"
	driver_in "$1"
	l2_run "$1" ip link set eth0 up
	wait_for 'carrier at the host' has_carrier "$kf"
}

# In both directions, while TCP flows
pings_under_load() { # NAME NUMBER
	iperf3 -c "$(inet "$2" 2)" -t 600 >"$tmp/load.out" 2>&1 &
	children+=($!)
	l2_bg "$1" ping -q -c "$pings" -i 0.002 -W 10 "$(inet "$2" 1)"
	ping_from host "$(inet "$2" 2)" "$pings" 0.002
	no_loss "ping in $1" "$(l2_wait "$1" "$l2_job")"
	kill "${children[-1]}"
	wait "${children[-1]}" || true
}

# nobody_complains NAME: neither kernel has a warning or worse of what is ours
nobody_complains() {
	local ours='^<[0-4]>.*(kvmflip|eth0|kf[0-9])' out

	out=$(l2_run "$1" "dmesg -r | grep -E '$ours' | grep -v taints || true")
	[[ -z $out ]] || fail "guest $1: $out"
	out=$(dmesg -r | sed -n 'H; /kvmflip-test: case/h; ${x;p}' | grep -E "$ours" | grep -v taints) || true
	[[ -z $out ]] || fail "host: $out"
}

# Host and guest, alone
host_and_guest() {
	local sum

	load_module
	pool_add p 16M
	port_add a p
	l2_start a
	inet_up a 1
	both_ping a 1 20
	served_by_dhcp a
	iperf_both a 1
	pings_under_load a 1
	mkdir "$tmp/www"
	head -c 64M /dev/urandom >"$tmp/www/file"
	sum=$(md5sum <"$tmp/www/file")
	busybox httpd -f -p 8000 -h "$tmp/www" &
	children+=($!)
	file_from a "http://$(inet 1 1):8000/file" "${sum%% *}"
	rm "$tmp/www/file"
	links_agree a
	nobody_complains a
	l2_stop a
}

# --- VLAN ---------------------------------------------------------------------

# A port's VLAN is in its frames: the guest has an interface for it, as the host has.
tagged() {
	load_module
	pool_add p 16M
	port_add b p
	attach virtio p
	l2_start b
	both_up b
	modprobe 8021q
	ip link add vlan7 link "$kf" type vlan id 7
	ip addr add "$(inet 7 1)/24" dev vlan7
	ip link set vlan7 up
	l2_run b "modprobe 8021q && ip link add vlan7 link eth0 type vlan id 7 &&
		ip addr add $(inet 7 2)/24 dev vlan7 && ip link set vlan7 up"
	ping_from host "$(inet 7 2)" 20
	ping_from b "$(inet 7 1)" 20
	l2_bg b sink udp 9000 500
	wait_for 'a socket' l2_run b 'grep -q :2328 /proc/net/udp6'
	round=100 traffic virtio 500 1 size=200-1514 "$(to b)" "udp=$(inet 7 1)/$(inet 7 2)/9000"
	l2_wait b "$l2_job"
	l2_stop b
}

# --- Who counts ---------------------------------------------------------------

came() { # NIC: sets $came, to what the generator has got of it
	gen stats
	get_field came "${reply##*\"$1\": \{}" came
}

# While the generator, the host and the guest send at once, through a bridge, all that
# count say the same of each direction.
counted_alike() { # NIC
	local nic=$1 count=4000 was job i sent sink

	load_module
	one_queue "$nic"
	pool_add p 32M
	port_add a p
	attach "$nic" p
	l2_start a
	bridge_with "$nic" a
	# nothing is said but what is sent here
	for i in br0 "$kf" "$nic"; do
		echo 1 >"/proc/sys/net/ipv6/conf/$i/disable_ipv6"
	done
	driver_in a
	l2_run a "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
		ip link set eth0 up
		ip addr add $(inet 1 2)/24 dev eth0
		ip neigh replace $(inet 1 9) lladdr 02:00:00:00:00:09 dev eth0
		ip neigh replace $(inet 1 1) lladdr $(<"/sys/class/net/br0/address") dev eth0"
	wait_for "carrier on $kf" has_carrier "$kf"
	ip addr add "$(inet 1 1)/24" dev br0
	ip neigh replace "$(inet 1 2)" lladdr "${mac[a]}" dev br0
	wait_for 'the end of what is under way' links_read a
	came "$nic"
	was=("$came" "$(stat port a received)")

	l2_bg a sink udp 9000 $count 10
	sink=$l2_job
	wait_for 'a socket' l2_run a 'grep -q :2328 /proc/net/udp6'
	l2_bg a "for i in {1..500}; do echo x >/dev/udp/$(inet 1 9)/9; done
		ping -q -c 100 -i 0.01 -s 1400 -W 10 $(inet 1 1)"
	job=$l2_job
	flow "$nic" $count size=200-1514 "$(to a)" "udp=$(inet 1 9)/$(inet 1 2)/9000"
	ping_from host "$(inet 1 2)" 100 0.01
	no_loss 'ping in a' "$(l2_wait a "$job")"
	flow_end
	sent=$(field "${reply##*\}\}, }" frames)
	job=$(l2_wait a "$sink") || fail "what the socket got: $job"
	equal 'frames of the generator that the socket got' "$(field "$job" frames)" "$sent"
	wait_for 'the end of what is under way' links_read a
	came "$nic"
	equal 'frames of the generator that the port received' \
		$(($(stat port a received) - was[1])) "$sent"
	equal 'come out of the NIC, of the guest' $((came - was[0])) 500
	links_agree a
	l2_stop a
}

# What a socket holds is not the host's, up to the port's share; others have theirs.
slow_reader() {
	local job conns=200 out

	[[ ${KVMFLIP_FULL:-0} == 1 ]] && conns=1000 l2_seconds=300
	load_module
	one_queue virtio
	pool_add p 64M 2M
	# shellcheck disable=SC2086 # words
	port_add a p max 16M $patient
	# shellcheck disable=SC2086 # words
	port_add b p $patient
	attach virtio p
	l2_start a
	inet_up a 1
	vm_start b
	l2_bg a sink udp 9000 $((8 * frames)) 30 /run/l2/go
	job=$l2_job
	wait_for 'a socket' l2_run a 'grep -q :2328 /proc/net/udp6'
	flow virtio $((24 * frames)) size=1514 "$(to a)" "udp=$(inet 1 9)/$(inet 1 2)/9000"
	flow_end
	positive 'buffers that the socket holds' "$(field "$(show port a)" mapped)"
	at_most 'buffers that the socket holds' "$(field "$(show port a)" mapped)" 8
	flow virtio $((8 * frames)) size=1514 "$(to b)"
	flow_end
	wait_for 'frames at b' took_all b
	equal 'frames of b that were dropped' "$(dropped port b)" 0
	equal 'frames of b over its share' "$(stat port b copied_quota)" 0
	: >"$tmp/l2/a/go"
	out=$(l2_wait a "$job") || fail "what the socket got: $out"

	# the same with TCP from the host
	rm "$tmp/l2/a/go"
	l2_bg a sink tcp 9001 $conns 60 /run/l2/go
	job=$l2_job
	wait_for 'a socket' l2_run a 'grep -q :2329 /proc/net/tcp6'
	sink send "$(inet 1 2)" 9001 $conns 100000 100 >"$tmp/send.out" &
	children+=($!)
	nap 3
	ping_from host "$(inet 1 2)" 20
	ping_from a "$(inet 1 1)" 20
	flow virtio $((4 * frames)) size=1514 "$(to b)"
	flow_end
	wait_for 'frames at b' took_all b
	equal 'frames of b that were dropped' "$(dropped port b)" 0
	: >"$tmp/l2/a/go"
	out=$(l2_wait a "$job") || fail "what the sockets got: $out"
	diag "the sockets: $out"
	wait "${children[-1]}" || fail "sink send: $(<"$tmp/send.out")"
	guest_is_told b
	l2_stop a
	pool_adds_up p
}

ktap_begin
long_case 'what a guest sees' device
run_case 'host and guest' host_and_guest
run_case 'a port with a VLAN' tagged
for nic in $nic_kinds; do
	is_first "$nic" || continue
	run_case "$nic: nobody copies" zero_copy "$nic"
done
run_case 'all counts agree' counted_alike virtio
run_case 'a reader that does not read' slow_reader
ktap_end
