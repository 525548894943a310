#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The command line program against the module: what it shows, what is refused
# and why, and that nothing half made stays behind. What needs no module is in
# userspace/kvmflip/tests.
# timeout: 600
. "$(dirname "$0")/common.sh"

# says STATUS MESSAGE ARGS...: kvmflip ARGS ends so, with one line that says so
says() {
	local status=0 out

	out=$(kvmflip "${@:3}" 2>&1 >/dev/null) || status=$?
	equal "status of kvmflip ${*:3}" "$status" "$1"
	[[ $out == "kvmflip: "*"$2"* && $out != *$'\n'* ]] ||
		fail "kvmflip ${*:3}: $out" "not: $2"
}

pools_and_ports() {
	local json

	load_module
	equal 'no pools' "$(kvmflip -j pool)" '[]'
	pool_add p 16M
	json=$(kvmflip -j -s pool show p)
	equal 'pool: size' "$(field "$json" size)" 16777216
	equal 'pool: buffer_size' "$(field "$json" buffer_size)" 4096
	equal 'pool: free' "$(field "$json" free)" 4096
	equal 'pool: total' "$(field "$json" total)" 4096
	says 2 'pool p exists' pool add p size 1M buffer 4K
	says 2 'there is no pool q' pool del q
	says 2 'not supported' pool add q size 16M buffer 2M
	says 2 'attribute "node"' pool add q size 16M buffer 4K node 99

	port_add a p
	port_add b p max 1M uuid c73f1fa6-489e-4834-9476-d70dabd98c40
	equal 'uuid of b' "${uuid[b]}" c73f1fa6-489e-4834-9476-d70dabd98c40
	[[ -e /sys/bus/mdev/devices/${uuid[a]} ]] || fail 'a has no device'
	json=$(kvmflip -j port show b)
	equal 'b: mac' "$(field "$json" mac)" "${mac[b]}"
	equal 'b: vlan' "$(field "$json" vlan)" 7
	equal 'b: max_size' "$(field "$json" max_size)" 1048576
	equal 'b: state' "$(field "$json" state)" closed

	says 2 'port a has mac' port add c pool p mac "${mac[a]}"
	says 2 'port a exists' port add a pool p mac "${mac[c]}"
	says 2 'port b has this uuid' port add c pool p mac "${mac[c]}" uuid "${uuid[b]}"
	says 2 'there is no pool q' port add c pool q mac "${mac[c]}"
	says 2 'max must be' port add c pool p mac "${mac[c]}" max 1
	says 2 'port a has mac' port set b mac "${mac[a]}" vlan 0
	says 2 'there is no port c' port set c max 1M
	says 2 'there is no port c' port del c
	says 2 '2 ports' pool del p
	equal 'ports after what was refused' "$(kvmflip port | grep -c pool)" 2
}

# The entries of the program's map are those of the ports, whatever happens
map_entries() {
	local dir=/sys/bus/mdev/devices

	load_module
	pool_add p 16M
	port_add a p
	port_add b p
	entries | grep -qx "92 91 91 91 91 91 00 00" || fail 'no entry of a'
	entries | grep -qx "b2 b2 b2 b2 b2 b2 07 00" || fail 'no entry of b'
	kvmflip port set b mac 72:71:71:71:71:71 vlan 9
	entries | grep -qx "72 71 71 71 71 71 09 00" || fail 'no new entry of b'
	equal 'entries' "$(entries | wc -l)" 2
	# what is refused leaves nothing
	port_del a
	says 2 'port b has this uuid' port add c pool p mac "${mac[c]}" uuid "${uuid[b]}"
	equal 'entries' "$(entries | wc -l)" 1
	equal 'devices' "$(find "$dir" -mindepth 1 | wc -l)" 1
	# what a module leaves that is unloaded is out of the way later
	bpftool map update pinned $pins/ports key hex 92 91 91 91 91 91 00 00 \
		value hex 01 00 00 00 01 00 00 00
	port_add a p
	equal 'entries' "$(entries | wc -l)" 2
}

entries() {
	bpftool map dump pinned $pins/ports | sed -n 's/^key: \(.*[^ ]\) *value:.*/\1/p'
}

attach_refused() { # NIC
	local nic=$1 max=3498

	load_module
	pool_add p 16M
	nic_of "$nic"
	ip link set "$nic" down
	says 2 "$nic is down: ip link set $nic up" rxq attach "$nic" all pool p
	nic_up "$nic"
	says 2 'there is no such pool' rxq attach "$nic" all pool q
	says 2 "$nic has no receive queue 99" rxq attach "$nic" 99 pool p
	ip link set "$nic" mtu $((max + 1))
	says 2 "ip link set $nic mtu $max" rxq attach "$nic" all pool p
	ip link set "$nic" mtu 1500
	says 2 "of $nic is not attached" rxq detach "$nic" 0
	says 2 "$nic has no attached queue" rxq detach "$nic" all
	ip link set "$nic" xdp obj "$tools/bpf/demux.bpf.o" sec xdp
	says 2 "$nic has another XDP program" rxq attach "$nic" all pool p
	ip link set "$nic" xdp off
	nothing_on "$nic"
	attach "$nic" p
	says 2 "$nic queue 0 is attached already" rxq attach "$nic" 0 pool p
	says 2 'delete them first' pool del p
	program_on "$nic" || fail "no program on $nic"
	pinned "$nic" || fail "$pins has no sockets of $nic"
	detach "$nic"
	nothing_on "$nic"
}

one_of_two_queues() {
	load_module
	pool_add p 16M
	nic_up igb
	ethtool -L igb combined 2 >/dev/null
	says 2 'igb has 2 receive queues: attach all' rxq attach igb 0 pool p
	nothing_on igb
	ethtool -K igb rxvlan on >/dev/null
	kvmflip rxq attach igb all pool p
	nics+=(igb)
	[[ $(ethtool -k igb) == *'rx-vlan-offload: off'* ]] || fail 'tags are stripped'
	kvmflip rxq detach igb 1
	program_on igb || fail 'the program went with the first queue'
	kvmflip rxq attach igb 1 pool p
	equal 'queues' "$(kvmflip rxq show igb | grep -c queue)" 2
	detach igb
	nothing_on igb
}

# The second queue finds no buffers: the first is detached again
half_attached() {
	load_module
	pool_add p 6M
	nic_up igb
	ethtool -L igb combined 2 >/dev/null
	says 2 'rxq attach igb 1: pool p has' rxq attach igb all pool p
	nothing_on igb
}

no_zero_copy() {
	load_module
	pool_add p 16M
	modprobe -q tun || return 4
	ip tuntap add kvmflip-tap mode tap
	ip link set kvmflip-tap up
	says 2 'driver tun has no AF_XDP zero-copy' rxq attach kvmflip-tap all pool p
	ip link del kvmflip-tap
}

ktap_begin
run_case 'pools and ports' pools_and_ports
run_case 'entries of the demux map' map_entries
for nic in $nic_kinds; do
	run_case "$nic: attach refused" attach_refused "$nic"
done
if [[ $nic_kinds == *igb* ]]; then
	run_case 'one of two queues' one_of_two_queues
	run_case 'half attached' half_attached
fi
run_case 'no zero-copy' no_zero_copy
ktap_end
