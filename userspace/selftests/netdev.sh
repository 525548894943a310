#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The host's side of a port: what the host sends through it reaches the guest,
# and it behaves as a network device should.
# timeout: 300
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"

declare -A kf=()

# kf_of PORT: learn the name of its network device
kf_of() {
	local json

	json=$(show port "$1")
	get_field "kf[$1]" "$json" ifname
}

# kf_up PORT: nothing is sent on it but what we send
kf_up() {
	kf_of "$1"
	echo 1 >"/proc/sys/net/ipv6/conf/${kf[$1]}/disable_ipv6"
	ip link set "${kf[$1]}" up
	wait_for "carrier on ${kf[$1]}" has_carrier "${kf[$1]}"
}

link_stat() { # PORT COUNTER
	local value

	get_line value "/sys/class/net/${kf[$1]}/statistics/$2"
	echo "$value"
}

dropped_some() { # PORT
	(($(link_stat "$1" tx_dropped)))
}

host_sends() { # PORT WORD...
	flipgen send "${kf[$1]}" "to=${mac[$1]}/${vlan[$1]}/${tag[$1]}" "${@:2}" >"$tmp/sent"
}

# The three that count what the host sent are of one mind
all_agree() { # PORT FRAMES
	local key out

	equal 'frames copied by the port' "$(stat port "$1" to_guest)" "$2"
	equal 'frames sent by the device' "$(link_stat "$1" tx_packets)" "$2"
	equal 'bytes' "$(stat port "$1" to_guest_bytes)" "$(link_stat "$1" tx_bytes)"
	out=$(ethtool -S "${kf[$1]}")
	for key in to_guest to_guest_bytes interrupts doorbells; do
		[[ $out =~ [[:space:]]$key:\ ([0-9]+) ]] || fail "ethtool has no $key"
		equal "$key" "${BASH_REMATCH[1]}" "$(stat port "$1" $key)"
	done
}

# Every frame arrives as it was sent, more of them than there is room for at a time
to_guest() {
	local count=20000

	load_module
	pool_add p 8M
	port_add a p
	vm_start a
	kf_up a
	host_sends a count=$count size=60-1514
	wait_for 'frames at the guest' guest_has a received $count
	vm_stop a
	guest_is_clean a
	equal 'frames at the guest' "$(field "$report" received)" $count
	equal 'frames that are whole' "$(field "$report" checksum_ok)" $count
	equal 'frames out of order' "$(field "$report" reordered)" 0
	all_agree a $count
	equal 'bytes' "$(stat port a to_guest_bytes)" \
		"$(of_tag "$(<"$tmp/sent")" "${tag[a]}" bytes)"
	equal 'frames of a NIC' "$(stat port a received)" 0
	equal 'frames dropped by the device' "$(link_stat a tx_dropped)" 0
	wait_for 'end of the carrier' eval "! has_carrier ${kf[a]}"
}

no_veth() {
	ip link del v0 2>/dev/null
	return 0
}

# What an XDP program of the host redirects to it arrives as what the stack sends does,
# but does not wait for room.
by_xdp() {
	local i count=2000

	load_module
	modprobe veth
	pool_add p 8M
	port_add a p
	vm_start a
	kf_up a
	get_line i "/sys/class/net/${kf[a]}/ifindex"
	at_end+=(no_veth)
	# do_redirect finds the one from the other
	ip link add v0 index 2048 type veth peer name v1 index $((i ^ 1024))
	for i in v0 v1; do
		echo 1 >"/proc/sys/net/ipv6/conf/$i/disable_ipv6"
		ip link set $i up
	done
	ip link set v1 xdpdrv obj "$here/xdp.bpf.o" program do_redirect
	flipgen send v0 "to=${mac[a]}/0/${tag[a]}" count=$count size=60-1514 \
		burst=16 gap-us=5000 >"$tmp/sent"
	wait_for 'most of the frames' guest_has a received $((count / 2))
	nap 1
	all_agree a $((count - $(link_stat a tx_dropped)))
	wait_for 'frames at the guest' guest_has a received "$(stat port a to_guest)"
	vm_stop a
	guest_is_clean a
	equal 'frames at the guest' "$(field "$report" received)" "$(stat port a to_guest)"
	equal 'frames that are whole' "$(field "$report" checksum_ok)" "$(stat port a to_guest)"
	equal 'frames out of order' "$(field "$report" reordered)" 0
}

# Beside what a NIC receives, which a flood from the host takes nothing from
beside_nic() { # NIC
	local nic=$1 sender

	load_module
	one_queue "$nic"
	pool_add p 16M
	port_add a p
	attach "$nic" p
	vm_start a
	kf_up a
	host_sends a count=1000000 size=60-1514 2>/dev/null &
	sender=$!
	children+=("$sender")
	flow "$nic" 5000 size=60-256 "$(to a)"
	flow_end
	kill -0 "$sender" || fail 'the host does not send any more'
	kill "$sender"
	wait "$sender" 2>/dev/null || true
	equal 'frames of the NIC' "$(stat port a received)" 5000
	equal 'frames of it that were dropped' "$(dropped port a)" 0
	positive 'frames of the host' "$(stat port a to_guest)"
	frames_add_up port a
	ip link set "${kf[a]}" down
	nap 0.5
	all_agree a "$(stat port a to_guest)"
	vm_stop a
	guest_is_clean a
	equal 'frames at the guest' "$(field "$report" received)" \
		$((5000 + $(stat port a to_guest)))
	detach "$nic"
}

# A guest that returns nothing: the host's processes wait, but not for ever, and
# nobody waits for the guest who takes the device down.
deaf() {
	local sender start

	load_module
	pool_add p 8M
	port_add a p
	vm_start a --mode hold
	kf_up a
	host_sends a count=6000 size=1514 2>/dev/null &
	sender=$!
	children+=("$sender")
	nap 2
	kill -0 "$sender" || fail 'the host sends without end'
	equal 'frames dropped in two seconds' "$(link_stat a tx_dropped)" 0
	all_agree a "$(stat port a to_guest)"
	wait_for 'frame that is dropped' dropped_some a
	wait_for 'end of the sender' eval "! kill -0 $sender 2>/dev/null"

	# What waits now goes with the device.
	vm_kill a
	vm_start a --mode hold
	kf_up a
	host_sends a count=6000 size=1514 2>/dev/null &
	sender=$!
	children+=("$sender")
	nap 2
	kill -0 "$sender" || fail 'the host sends without end'
	start=$SECONDS
	ip link set "${kf[a]}" down
	at_most 'seconds to take the device down' $((SECONDS - start)) 2
	wait "$sender" && fail 'all was sent'
	ip link set "${kf[a]}" up
	host_sends a count=100 size=1514 2>/dev/null &
	children+=($!)
	nap 0.5
	start=$SECONDS
	vm_kill a
	port_del a
	at_most 'seconds to delete the port' $((SECONDS - start)) 3
}

# Drivers come and go while the host sends, and then the port.
coming_and_going() {
	local i sender

	load_module
	pool_add p 8M
	port_add a p
	vm_start a
	kf_up a
	(while host_sends a count=1000 size=60-1514 2>/dev/null || [[ -e /sys/class/net/${kf[a]} ]]; do
		nap 0.01
	done) &
	sender=$!
	children+=("$sender")
	for ((i = 0; i < 8; i++)); do
		nap 0.3
		if ((i % 2)); then
			vm_stop a
			guest_is_clean a
		else
			vm_kill a
		fi
		vm_start a
	done
	positive 'frames sent' "$(stat port a to_guest)"
	refused 'stop its VM first' kvmflip port del a
	vm_kill a
	port_del a
	wait "$sender"
	[[ ! -e /sys/class/net/${kf[a]} ]] || fail 'the device is still there'
}

address_is() { # DEVICE ADDRESS
	local address

	get_line address "/sys/class/net/$1/address"
	[[ $address == "$2" ]]
}

has_link_local() { # DEVICE
	[[ $(ip -6 addr show dev "$1") == *'inet6 fe80::'*'scope link'* ]]
}

# What a user sees of it
names() {
	local ns=kvmflip-test.$BASHPID

	load_module
	pool_add p 8M
	port_add a p
	port_add b p
	kf_of a
	kf_of b
	[[ $(ip link show dev a) == *": ${kf[a]}: "* ]] || fail "$(ip link show dev a)"
	[[ $(ip link show dev a) == *'alias kvmflip port a'* ]] || fail 'it has no alias'
	[[ $(kvmflip port show a) == *"netdev ${kf[a]} "* ]] || fail 'port show does not name it'
	[[ $(ethtool -i a) == *'driver: kvmflip'*'bus-info: a'* ]] || fail "$(ethtool -i a)"
	address_is "${kf[a]}" "fe${mac[a]:2}" || fail "$(ip link show dev a)"
	kvmflip port set a mac fe:00:00:00:00:01
	address_is "${kf[a]}" fa:00:00:00:00:01 || fail "$(ip link show dev a)"
	ip link set "${kf[a]}" address 02:00:00:00:00:05
	kvmflip port set a mac "${mac[a]}"
	address_is "${kf[a]}" 02:00:00:00:00:05 || fail "$(ip link show dev a)"

	ip link set dev a mtu 3818
	refused 'greater than device maximum' ip link set dev a mtu 3819
	refused 'not supported' ip link del dev a
	refused "${kf[a]} is the host's side of a port" kvmflip rxq attach "${kf[a]}" all pool p mode copy
	# what it has for a name already is no reason to do without a port
	ip link property add dev "${kf[a]}" altname c
	kvmflip port add c pool p mac "${mac[c]}" 2>"$tmp/warning" >/dev/null
	ports+=(c)
	[[ $(<"$tmp/warning") == 'kvmflip: '*' cannot be called c too: '* ]] || fail "$(<"$tmp/warning")"
	port_del c

	ip link set "${kf[a]}" name lan
	equal 'new name' "$(field "$(show port a)" ifname)" lan
	ip netns add "$ns"
	ip link set lan netns "$ns"
	ip -n "$ns" link set lan name eth0
	equal 'name elsewhere' "$(field "$(show port a)" ifname)" eth0
	ip netns del "$ns"
	wait_for 'device back from a namespace that is gone' eval 'ip link show dev a &>/dev/null'
	kf_of a
	[[ -e /sys/class/net/${kf[a]} ]] || fail "port show calls it ${kf[a]}"
	# and a device may go with its port from anywhere
	ip netns add "$ns"
	ip link set "${kf[b]}" netns "$ns"
	port_del b
	[[ $(ip -n "$ns" link) != *kvmflip* ]] || fail "$(ip -n "$ns" link)"
	ip netns del "$ns"

	vm_start a
	echo 0 >"/proc/sys/net/ipv6/conf/${kf[a]}/disable_ipv6"
	ip link set dev a up
	wait_for 'link-local address' has_link_local "${kf[a]}"
}

ktap_begin
run_case 'host to guest' to_guest
run_case 'host to guest beside a NIC' beside_nic virtio
run_case 'host to guest by XDP' by_xdp
run_case 'a guest that takes nothing' deaf
run_case 'guests come and go while the host sends' coming_and_going
run_case 'names, limits, namespaces' names
ktap_end
