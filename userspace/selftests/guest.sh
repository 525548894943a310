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

# file_from NAME URL MD5
file_from() {
	local sum i

	for ((i = 0; i < files; i++)); do
		sum=$(l2_run "$1" "wget -q -O - $2 | md5sum")
		equal "file from $2" "${sum%% *}" "$3"
	done
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

# --- A bridge ----------------------------------------------------------------

# bridge_with NIC NAME...: br0 with the NIC and ports
bridge_with() {
	local nic=$1 name

	shift
	modprobe bridge
	ip link add br0 type bridge
	at_end+=(bridge_end)
	ip link set "$nic" master br0
	for name; do
		kf_of "$name"
		ip link set "$kf" master br0 up
		# they are told by the demux program, and never need to be learnt
		bridge link set dev "$kf" learning off
		bridge fdb replace "${mac[$name]}" dev "$kf" master static
	done
	ip link set br0 up
}

bridge_end() {
	ip link del br0 2>/dev/null
	return 0
}

# Two guests, the host, and what is outside
on_a_bridge() {
	local sum http iperf name rx again

	read -r sum http iperf <<<"$KVMFLIP_OUTSIDE"
	[[ $iperf ]] || fail 'no outside: see scripts/testbed --help'
	load_module
	pool_add p 48M
	vlan[b]=0
	port_add a p max 16M
	port_add b p max 16M
	attach virtio p
	bridge_with virtio a b
	l2_boot a
	l2_start b
	l2_ready a
	for name in a b; do
		both_up "$name"
		l2_run "$name" 'udhcpc -i eth0 -n -q -t 20 -T 2 -s /l2/udhcpc >&2' ||
			fail "no address for $name from outside"
		address[$name]=$(l2_run "$name" 'ip -4 -o addr show eth0 | sed "s/.*inet \([0-9.]*\).*/\1/"')
		diag "guest $name: ${address[$name]}"
	done
	ip addr add 10.0.2.100/24 dev br0
	ping_from a "${address[b]}" 20
	ping_from b "${address[a]}" 20
	for name in a b; do
		ping_from "$name" 10.0.2.2 20
		ping_from "$name" 10.0.2.100 20
		ping_from host "${address[$name]}" 20
	done
	positive 'frames of the NIC' "$(stat port a received)"
	file_from a "http://10.0.2.2:$http/file" "$sum"
	l2_run b 'iperf3 -s -D'
	iperf_in a "${address[b]}"
	iperf_in a 10.0.2.2 -p "$iperf" -R
	rx=$mbps again=$retransmits
	iperf_in a 10.0.2.2 -p "$iperf"
	figure guest.iperf3 "{\"tcp_rx_mbps\": $rx, \"tcp_tx_mbps\": $mbps, \"retransmits\": $((retransmits + again))}"
	frames_add_up port a
	frames_add_up port b
	pool_adds_up p
	l2_stop a
	l2_stop b
}
declare -A address=()

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
	frames_add_up port a
	pool_adds_up p
	l2_stop a
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
