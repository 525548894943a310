#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest driver: what it copies and what not, and what it does when the device,
# the guest or a program of the user gets in its way.
# timeout: 600
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"

# driver_start NAME: its guest, with the driver, up
driver_start() {
	l2_start "$1"
	l2_run "$1" 'modprobe kvmflip_net && ip link set eth0 up'
	wait_for "carrier in guest $1" l2_run "$1" 'read -r c </sys/class/net/eth0/carrier; ((c))'
}

# driver_stat NAME COUNTER...: the counters' values, in one line
driver_stat() {
	local out key value='' name=$1

	out=$(l2_run "$name" ethtool -S eth0)
	shift
	for key; do
		[[ $out =~ [[:space:]]"$key: "([0-9]+) ]] || fail "guest $name has no counter $key"
		value+="${BASH_REMATCH[1]} "
	done
	echo "$value"
}

driver_has() { # NAME COUNTER VALUE
	(($(driver_stat "$1" "$2") >= $3))
}

# Large frames lie in the window, small ones are copied, and the bytes are counted.
zero_copy() { # NIC
	local nic=$1 count packets zero copied bytes pages

	load_module
	one_queue "$nic"
	pool_add p 48M 2M
	port_add a p max 40M
	attach "$nic" p
	driver_start a
	l2_run a 'ethtool -i eth0; ethtool -g eth0; ethtool -l eth0; ethtool -k eth0; ip link show eth0; dmesg | tail -5; cat /proc/interrupts' >&2
	count=4096
	flow "$nic" $count size=1000-1514 "$(to a)"
	flow_end
	wait_for 'frames in guest a' driver_has a rx_packets $((count / 2))
	read -r packets zero copied bytes pages < <(driver_stat a rx_packets rx_zero_copy \
		rx_copied rx_bytes_copied rx_window_pages)
	l2_run a 'ethtool -S eth0; ip -s link show eth0' >&2
	kvmflip -s port show a >&2
	l2_stop a
}

ktap_begin
run_case 'zero copy, virtio' zero_copy virtio
ktap_end
