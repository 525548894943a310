# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # from common.sh, l2.sh, and those who source this
# What tests of guests do on the internet's layer. Sourced after l2.sh.
#
#   this machine, "L1"                                  guests, "L2"
#   kfN  10.9.N.1, fd00:9:N::1  ──── port ────  eth0  10.9.N.2, fd00:9:N::2

inet() { # NUMBER HOST
	printf '10.9.%d.%d' "$1" "$2"
}

inet6() { # NUMBER HOST
	printf 'fd00:9:%d::%d' "$1" "$2"
}

# kf_of NAME: sets $kf to the network device of a port
kf_of() {
	local dev text

	kf=''
	for dev in /sys/class/net/*; do
		get_line text "$dev/ifalias"
		[[ $text == "kvmflip port $1" ]] && kf=${dev##*/}
	done
	[[ $kf ]] || fail "port $1 has no network device"
}

# driver_in NAME: load it, and wait for the interface
driver_in() {
	l2_run "$1" 'modprobe kvmflip_net || exit
		for i in {1..100}; do [[ -e /sys/class/net/eth0 ]] && exit; sleep 0.1; done
		echo no interface >&2; exit 1' || fail "no driver in guest $1"
}

# both_up NAME: the interfaces at both ends, without addresses
both_up() {
	kf_of "$1"
	ip link set "$kf" up
	driver_in "$1"
	l2_run "$1" ip link set eth0 up
	wait_for "carrier on $kf" has_carrier "$kf"
}

# inet_up NAME NUMBER: both ends have addresses
inet_up() {
	both_up "$1"
	echo 0 >"/proc/sys/net/ipv6/conf/$kf/disable_ipv6"
	ip addr add "$(inet "$2" 1)/24" dev "$kf"
	ip addr add "$(inet6 "$2" 1)/64" dev "$kf" nodad
	l2_run "$1" "ip addr add $(inet "$2" 2)/24 dev eth0
		ip addr add $(inet6 "$2" 2)/64 dev eth0 nodad
		for i in {1..100}; do grep -q 1 /sys/class/net/eth0/carrier && exit; sleep 0.1; done
		echo no carrier >&2; exit 1"
}

no_loss() { # WHAT OUTPUT
	[[ $2 == *' 0% packet loss'* ]] || fail "$1: $2"
}

# ping_from NAME|host ADDRESS COUNT [SECONDS]
ping_from() {
	local out command=(ping -q -c "$3" -i "${4:-0.05}" -W 10 "$2")

	if [[ $1 == host ]]; then
		out=$("${command[@]}") || fail "ping $2: $out"
	else
		out=$(l2_run "$1" "${command[@]}") || fail "ping $2 from $1: $out"
	fi
	no_loss "ping $2 from $1" "$out"
	diag "$1 pings $2: ${out##*$'\n'}"
}

both_ping() { # NAME NUMBER COUNT
	ping_from host "$(inet "$2" 2)" "$3"
	ping_from host "$(inet6 "$2" 2)" "$3"
	ping_from "$1" "$(inet "$2" 1)" "$3"
	ping_from "$1" "$(inet6 "$2" 1)" "$3"
}

# served_by_dhcp NAME: an address more, of a server of the host
served_by_dhcp() {
	local address

	kf_of "$1"
	ip addr add 10.8.0.1/24 dev "$kf"
	dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface="$kf" \
		--dhcp-range=10.8.0.100,10.8.0.200 --dhcp-leasefile="$tmp/leases" \
		--user=root --group= >"$tmp/dnsmasq.out" 2>&1 &
	children+=($!)
	address=$(l2_run "$1" 'udhcpc -i eth0 -n -q -t 10 -T 2 -s /bin/true >&2 &&
		udhcpc -i eth0 -n -q -t 10 -T 2 2>&1 | sed -n "s/.*lease of \([0-9.]*\) .*/\1/p"') ||
		fail "no address for $1: $(<"$tmp/dnsmasq.out")"
	[[ $address == 10.8.0.1[0-9][0-9] ]] || fail "DHCP gave $1: $address"
	diag "DHCP gave $1 $address"
}

# number_after JSON WORD KEY: the integer part of the first KEY after the last WORD
number_after() {
	local value

	get_field value "${1##*\"$2\"}" "$3"
	printf %s "${value%%.*}"
}

# iperf ADDRESS [ARGUMENT]...: sets $mbps, $retransmits and $lost (per mille)
iperf() {
	local out address=$1 bits re='"lost_percent":[[:space:]]*([0-9]+)(\.([0-9]))?'

	shift
	out=$(iperf3 -J -c "$address" -t "$seconds" "$@") || fail "iperf3 $*: $out"
	bits=$(number_after "$out" sum_received bits_per_second)
	mbps=$((bits / 1000000)) retransmits=0 lost=0
	[[ $out != *'"retransmits"'* ]] || retransmits=$(number_after "$out" sum_sent retransmits)
	[[ ! ${out##*sum_received} =~ $re ]] || lost=$((BASH_REMATCH[1] * 10 + ${BASH_REMATCH[3]:-0}))
	positive "Mbit/s of iperf3 $*" "$mbps"
	diag "iperf3 $address $*: $mbps Mbit/s, $retransmits retransmits, $lost per mille lost"
}
