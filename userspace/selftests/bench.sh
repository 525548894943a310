#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kvmflip-bench as on a host that has a NIC: each way of frames to a guest is set up, counted
# and taken down while they come. What it says of time is an emulator's.
# timeout: 400
# full
# testbed: --mem 3072 --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"

PATH=$here/../bench:$PATH
arms='drop xsk strict steered copy redirect bridge asis'

run() { # NIC
	local json arm n

	load_module
	modprobe vhost_net
	modprobe tun
	modprobe bridge
	one_queue "$1"
	# not the source that frames have: a bridge would learn it at the NIC
	mac[a]=92:91:91:91:91:95
	pool_add p 64M 2M
	port_add a p max 48M
	l2_start a -netdev tap,id=t,ifname=tap0,script=no,downscript=no,vhost=on \
		-device "virtio-net-pci,netdev=t,mac=d4:d1:d1:d1:d1:d1,$no_offloads"
	ip link set tap0 up
	kf_of a
	ip link set "$kf" up
	ip addr add "$(inet 1 1)/24" dev "$kf"
	# the tap is there first
	l2_run a "modprobe kvmflip_net || exit
		until [[ -e /sys/class/net/eth1 ]]; do sleep 0.1; done
		ip link set eth0 up promisc on && ip link set eth1 up && ip addr add $(inet 1 2)/24 dev eth1"
	wait_for "carrier on $kf" has_carrier "$kf"
	nic_up "$1"
	(
		trap - ERR EXIT
		gen send "$1" count=200000 size=1514 burst=16 gap-us=16000 "$(to a)"
	) >"$tmp/flow" 2>&1 &
	children+=($!)

	kvmflip-bench run "$1" --port a --tap tap0 --arms "$arms" --seconds 4 --warm 1 --rounds 1 \
		--latency "ping -i 0.2 -c 10 $(inet 1 2)" --out "$tmp/bench.json" \
		>"$tmp/bench.out" 2>&1 || fail "kvmflip-bench: $(<"$tmp/bench.out")"
	json=$(<"$tmp/bench.json")
	for arm in $arms; do
		for n in came delivered p50; do
			positive "$arm: $n" "$(python3 -c 'import json, sys
of = json.load(open(sys.argv[1]))["arms"][sys.argv[2]]
print(round((of["frames"] | of["latency, us"])[sys.argv[3]]["median"]))' "$tmp/bench.json" "$arm" "$n")"
		done
	done
	[[ $json == *'"kernel": "'* ]] || fail "it does not say what the machine is: $json"
	sed 's/^/# /' "$tmp/bench.out"
	l2_stop a
	nothing_on "$1"
	wait_for 'free pool' pool_is_free p
}

ktap_begin
run_case 'virtio: every way' run virtio
ktap_end
