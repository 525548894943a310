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

# Carrier, MTU and what is set at one end shows at the other
inet_follows() { # NAME
	kf_of "$1"
	ip link set "$kf" down
	wait_for 'no carrier in the guest' l2_run "$1" '! grep -q 1 /sys/class/net/eth0/carrier'
	ip link set "$kf" up
	wait_for 'carrier in the guest' l2_run "$1" 'grep -q 1 /sys/class/net/eth0/carrier'
	ip link set "$kf" mtu 1400
	wait_for 'MTU in the guest' l2_run "$1" 'grep -q 1400 /sys/class/net/eth0/mtu'
	l2_run "$1" rmmod kvmflip_net
	wait_for 'no carrier at the host' eval "! has_carrier $kf"
	driver_in "$1"
	l2_run "$1" ip link set eth0 up
	wait_for 'carrier at the host' has_carrier "$kf"
}

# iperf_both NAME NUMBER: TCP and UDP both ways between host and guest
iperf_both() {
	local way

	l2_run "$1" 'iperf3 -s -D'
	for way in '' -R; do
		# shellcheck disable=SC2086 # nothing or a word
		iperf "$(inet "$2" 2)" $way
		# shellcheck disable=SC2086
		iperf "$(inet "$2" 2)" -u -b 5M -l 1400 $way
		at_most 'UDP that was lost, per mille' "$lost" 10
	done
	iperf "$(inet6 "$2" 2)"
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

# --- Who copies ---------------------------------------------------------------

# Frames that fill buffers of 2 MiB are read by a socket from where the NIC put them.
zero_copy() { # NIC
	local nic=$1 count=$((12 * frames)) was is job out other=''

	load_module
	one_queue "$nic"
	pool_add p 64M 2M
	# shellcheck disable=SC2086 # words
	port_add a p max 48M $patient
	attach "$nic" p
	l2_start a
	# the host itself sends nothing
	both_up a
	l2_run a ip addr add "$(inet 1 2)/24" dev eth0
	# the first buffers have frames that were copied before their owner was known
	flow "$nic" $((4 * frames)) size=1000-1514 "$(to a)" "udp=$(inet 1 9)/$(inet 1 2)/9"
	flow_end
	l2_bg a sink udp 9000 $count 30
	job=$l2_job
	wait_for 'a socket' l2_run a 'grep -q :2328 /proc/net/udp6'
	read -ra was <<<"$(stat port a bytes_copied) $(guest_stat a rx_bytes_copied rx_zero_copy rx_window_pages)"
	flow "$nic" $((count + frames)) size=1000-1514 "$(to a)" "udp=$(inet 1 9)/$(inet 1 2)/9000"
	flow_end
	out=$(l2_wait a "$job") || fail "what the socket got: $out"
	read -ra is <<<"$(stat port a bytes_copied) $(guest_stat a rx_bytes_copied rx_zero_copy rx_window_pages)"
	diag "the socket: $out; ${was[*]}; ${is[*]}"
	[[ $nic == virtio ]] || other=.$nic
	figure "guest.zero_copy$other" "{\"frames\": $count, \"host_bytes_copied\": $((is[0] - was[0])), \"guest_bytes_copied\": $((is[1] - was[1]))}"
	equal 'bytes that the host copied' "${is[0]}" "${was[0]}"
	equal 'bytes that the guest copied' "${is[1]}" "${was[1]}"
	at_most 'frames that were read from the window' "$count" $((is[2] - was[2]))
	at_most 'pages of them in the window' "$count" $((is[3] - was[3]))
	equal 'frames that came, of those of the generator' "$(stat port a received)" $((17 * frames))
	equal 'frames of the host' "$(stat port a to_guest)" 0
	equal 'frames in the guest' "$(l2_run a cat /sys/class/net/eth0/statistics/rx_packets)" \
		"$(stat port a received)"
	sent_is_counted a "$nic"
	frames_add_up port a
	pool_adds_up p
	l2_stop a
}

came() { # NIC: sets $came, to what the generator has got of it
	gen stats
	get_field came "${reply##*\"$1\": \{}" came
}

# What a guest sends through a bridge and the NIC, all on the way count alike.
sent_is_counted() { # NAME NIC
	local was out

	bridge_with "$2" "$1"
	l2_run "$1" "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
		ip neigh replace $(inet 1 9) lladdr 02:00:00:00:00:09 dev eth0"
	# what the guest has said of itself so far
	wait_for 'the end of what is under way' links_still "$1"
	came "$2"
	was=("$came" "$(stat port "$1" from_guest)" "$(<"/sys/class/net/$kf/statistics/rx_packets")")
	out=$(l2_run "$1" "was=\$(</sys/class/net/eth0/statistics/tx_packets)
		for i in {1..200}; do echo x >/dev/udp/$(inet 1 9)/9; done
		echo \$((\$(</sys/class/net/eth0/statistics/tx_packets) - was))")
	wait_for 'the end of what is under way' links_still "$1"
	came "$2"
	equal 'sent by the guest' "$out" 200
	equal 'sent by the guest, says its port' $(($(stat port "$1" from_guest) - was[1])) 200
	equal "received by $kf" $(($(<"/sys/class/net/$kf/statistics/rx_packets") - was[2])) 200
	equal 'come out of the NIC' $((came - was[0])) 200
}

# What a socket holds is not the host's, up to the port's share; others have theirs.
slow_reader() {
	local job conns=200 out

	[[ ${KVMFLIP_FULL:-0} == 1 ]] && conns=1000
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

# --- All that can be taken away -----------------------------------------------

# under_traffic NIC NAME: frames of the NIC, of the host and of the guest, in the background
under_traffic() {
	(
		trap - ERR EXIT
		while :; do
			gen send "$1" count=400 burst=16 gap-us=20000 size=200-1514 "$(to "$2")" "udp=$(inet 1 9)/$(inet 1 2)/9000"
		done
	) >"$tmp/flow" 2>&1 &
	children+=($!)
	ping -q -i 0.02 -s 1400 "$(inet 1 2)" >"$tmp/ping.out" 2>&1 &
	children+=($!)
}

taken_away() {
	local cycles=3 i

	[[ ${KVMFLIP_FULL:-0} == 1 ]] && cycles=200
	load_module
	pool_add p 16M
	port_add a p max 8M
	attach virtio p
	l2_seconds=$((60 + cycles * 30))
	for ((i = 0; i < (cycles + 9) / 10; i++)); do
		l2_start a
		inet_up a 1
		((i)) || under_traffic virtio a
		((i)) || l2_run a "set -e
			again() { for i in {1..100}; do [[ -e /sys/class/net/eth0 ]] && break; sleep 0.1; done
				ip link set eth0 up; ip addr replace $(inet 1 2)/24 dev eth0; sleep 0.3; }
			ping -q -i 0.02 -s 1400 $(inet 1 1) >/dev/null 2>&1 &
			cd /sys/bus/pci/drivers/kvmflip_net; device=(0000:*)
			for ((n = 0; n < $cycles; n++)); do
				ip link set eth0 down; again
				echo \$device >unbind; echo \$device >bind; again
				cd /; rmmod kvmflip_net; modprobe kvmflip_net
				cd /sys/bus/pci/drivers/kvmflip_net; again
			done"
		l2_kill_vm a
		wait_for 'closed port' eval '[[ $(field "$(show port a)" state) == closed ]]'
		equal 'buffers of a' "$(field "$(show port a)" mapped)" 0
		ip addr flush dev "$kf"
	done
	l2_start a
	inet_up a 1
	both_ping a 1 10
	pool_adds_up p
	l2_stop a
}

ktap_begin
long_case 'what a guest sees' device
run_case 'host and guest' host_and_guest
run_case 'a port with a VLAN' tagged
for nic in $nic_kinds; do
	is_first "$nic" || continue
	run_case "$nic: nobody copies" zero_copy "$nic"
done
run_case 'a reader that does not read' slow_reader
long_case 'taken away under traffic' taken_away
ktap_end
