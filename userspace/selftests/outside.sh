#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Two guests are ports of a bridge with the NIC: they reach each other, the host and
# what is outside, from which they have their addresses too.
# timeout: 400
# testbed: --outside --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"

declare -A address=()

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
	diag "$(kvmflip -s port show a)"
	frames_add_up port a
	frames_add_up port b
	pool_adds_up p
	l2_stop a
	l2_stop b
}
ktap_begin
run_case 'two guests on a bridge' on_a_bridge
ktap_end
