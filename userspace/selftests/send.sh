#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What guests send: alone with the device; what they have received before, so that the host finds in its own
# window what it reads; and what happens when they end in the middle of it.
# timeout: 400
# kcsan
# testbed: --mem 3072 --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"

# up NAME: its driver and its port's network device, which nobody else uses
up() {
	dev=$(field "$(show port "$1")" ifname)
	sysctl -qw "net.ipv6.conf.$dev.disable_ipv6=1"
	ip link set "$dev" up
	l2_run "$1" 'modprobe kvmflip_net
		echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
		ip link set eth0 up'
	wait_for "carrier in guest $1" \
		l2_run "$1" 'read -r c </sys/class/net/eth0/carrier; ((c))'
}

sent_has() { # NAME COUNT
	(($(stat port "$1" from_guest) >= $2))
}

all_counted() { # COUNT
	(($(of_tag "$(<"$tmp/$dev.count")" "${tag[a]}" frames) >= $1))
}

# A process that opens the device has to itself what is a VMM's and a guest's
alone() {
	local sum

	load_module
	pool_add p 16M
	port_add a p
	dev=$(field "$(show port a)" ifname)
	sysctl -qw "net.ipv6.conf.$dev.disable_ipv6=1"
	ip link set "$dev" up
	sum=$(sender "${uuid[a]}")
	equal 'frames' "$(stat port a from_guest)" "$(field "$sum" good)"
	equal 'frames that were none' "$(stat port a tx_errors)" "$(field "$sum" bad)"
	equal 'state' "$(field "$(show port a)" state)" closed
}

# Frames come back out of the slots they came in, flipped ones and copied ones
forward() { # NIC
	local nic=$1 count=2000 sum all

	load_module
	one_queue "$nic"
	pool_add p 32M
	port_add a p
	attach "$nic" p
	l2_start a
	up a
	l2_run a 'modprobe -a sch_ingress cls_matchall act_mirred &&
		tc qdisc add dev eth0 clsact &&
		tc filter add dev eth0 ingress matchall action mirred egress redirect dev eth0'
	count_start "$dev"
	flipgen send "$dev" "to=${mac[a]}/0/${tag[a]}" count=$count size=60-1514 >"$tmp/sent"
	wait_for 'what the host sent' sent_has a $count
	flow "$nic" $count size=60-1514 "$(to a)"
	flow_end
	all=$((count + $(stat port a received)))
	wait_for 'what the NIC received' sent_has a $all
	equal 'flipped, and copied' "$(($(stat port a flipped) > 0 && $(stat port a to_guest) > 0))" 1
	equal 'frames that were none' "$(stat port a tx_errors)" 0
	wait_for 'all of it counted' all_counted "$all"
	sum=$(<"$tmp/$dev.count")
	equal 'frames that came back' "$(of_tag "$sum" "${tag[a]}" frames)" $all
	equal 'frames that are whole' "$(of_tag "$sum" "${tag[a]}" checksum_ok)" $all
	l2_stop a
}

# A flood that is cut off by the driver, by the bus, and by the end of the VMM; another
# one finds all as new.
cut_off() {
	load_module
	pool_add p 16M
	port_add a p
	l2_start a
	up a
	l2_bg a "while :; do $tools/flipgen/flipgen send eth0 \
		to=${mac[a]}/0/${tag[a]} count=100000 size=60-1514; sleep 0.1; done"
	wait_for 'frames' sent_has a 500
	l2_run a 'for i in 1 2 3 4 5; do
			ip link set eth0 down; ip link set eth0 up; sleep 0.2
		done'
	wait_for 'frames after that' sent_has a $(($(stat port a from_guest) + 500))
	l2_run a 'cd /sys/bus/pci/drivers/kvmflip_net || exit
		for dev in 0000:*; do
			for i in 1 2 3; do
				echo "$dev" >unbind; echo "$dev" >bind
				ip link set eth0 up; sleep 0.3
			done
		done'
	wait_for 'frames after this' sent_has a $(($(stat port a from_guest) + 500))
	equal 'state' "$(field "$(show port a)" state)" running
	equal 'frames that were none' "$(stat port a tx_errors)" 0
	l2_kill_vm a
	wait_for 'end of the carrier' eval "! has_carrier $dev"
	equal 'state without a VMM' "$(field "$(show port a)" state)" closed
	sender "${uuid[a]}" >"$tmp/sent"
}

ktap_begin
run_case 'without a guest' alone
long_case 'what was received, virtio' forward virtio
long_case 'cut off' cut_off
ktap_end
