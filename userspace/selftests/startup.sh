#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is set up at boot, by those who do that, with the examples of the documentation:
# mdevctl, ifupdown, systemd-networkd with udev. The host has its address from outside.
#
#	 guest vm1      this machine              outside
#	┌────────┐    ┌──────────────────────┐
#	│  eth0  ├────┤ kf0 ── br0 ── eth1 ──┼──── 10.0.2.2: DHCP
#	└────────┘    └──────────────────────┘
# timeout: 400
# testbed: --outside --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"
. "$(dirname "$0")/installed.sh"

# mdevctl: a definition outlives the module, as it would a reboot
defined() {
	local device=$example_uuid i

	install_examples
	refused 'there is no pool' mdevctl start -u "$device"
	equal 'ports without a pool' "$(kvmflip -j port show)" '[]'
	for i in 1 2; do
		[[ $(mdevctl list -d) == *"$device kvmflip kvmflip-port auto"* ]] ||
			fail "defined: $(mdevctl list -d)"
		# what udev does when the module is there
		modprobe kvmflip
		mdevctl start-parent-mdevs kvmflip 2>/dev/null || true
		equal 'ports without a pool' "$(kvmflip -j port show)" '[]'
		host_starts
		[[ $(mdevctl list) == *"$device kvmflip kvmflip-port auto (defined)"* ]] ||
			fail "started: $(mdevctl list)"
		host_starts # once more, in vain
		mdevctl stop -u "$device"
		equal 'ports after mdevctl stop' "$(kvmflip -j port show)" '[]'
		mdevctl start -u "$device"
		port_is vm1 closed
		switched_off
	done
	mdevctl undefine -u "$device"
	equal 'definitions' "$(mdevctl list -d)" ''
}

has_address() { # DEV: of those outside gives
	[[ $(ip -4 addr show dev "$1" 2>/dev/null) == *'inet 10.0.2.'* ]]
}

in_bridge() { # PORT BRIDGE
	[[ $(ip -o link show dev "$1" 2>/dev/null) == *" master $2 "* ]]
}

bridge_gone() {
	ip link del br0 2>/dev/null
	return 0
}

# Who is in the bridge, host and guest, reaches what is outside by it
bridge_works() {
	in_bridge eth1 br0 || fail "eth1 is not in the bridge: $(ip link show dev eth1)"
	in_bridge vm1 br0 || fail "vm1 is not in the bridge: $(ip link show dev vm1)"
	kf_of vm1
	[[ $(bridge -d link show dev "$kf") == *'flood off'* ]] || fail "$(bridge -d link)"
	ping -q -c 3 -i 0.2 -W 5 10.0.2.2 >/dev/null || fail 'the host does not reach what is outside'
	uuid[vm1]=$example_uuid
	l2_start vm1
	driver_in vm1
	l2_run vm1 'ip link set eth0 up; udhcpc -i eth0 -n -q -t 20 -T 2 -s /l2/udhcpc >&2' ||
		fail 'no address for the guest from outside'
	ping_from vm1 10.0.2.2 5
	positive 'frames of the NIC' "$(stat port vm1 received)"
	l2_stop vm1
}

# ifup and ifdown, twice, as an administrator might
ifupdown() {
	local i

	at_end=(bridge_gone "${at_end[@]}")
	install_examples
	mkdir -p /run/network /etc/network/if-{pre-up,up,down,post-down}.d /etc/udhcpc
	ln -sf "$(type -P busybox)" /sbin/udhcpc
	cp "$here/../../scripts/l2/udhcpc" /etc/udhcpc/default.script
	for i in 1 2; do
		ifup -a -i "$examples/interfaces" >"$tmp/ifup.out" 2>&1 || fail "ifup: $(<"$tmp/ifup.out")"
		has_address br0 || fail "no address from outside: $(<"$tmp/ifup.out")"
		((i == 2)) || ifdown -i "$examples/interfaces" br0 >"$tmp/ifup.out" 2>&1
		((i == 2)) || equal 'bridges' "$(ip link show type bridge)" ''
	done
	nics=(eth1) pools=(p0)
	bridge_works
	[[ $(bridge fdb show dev "$kf" master) == *"${mac[vm1]}"*static* ]] ||
		fail 'the bridge was not told where the guest is'
	ifdown -i "$examples/interfaces" br0 >/dev/null 2>&1
}

networkd_gone() {
	rm -f /etc/systemd/network/{20-eth1.network,20-kvmflip.network,br0.netdev,br0.network}
	bridge_gone
}

# systemd-networkd needs udev's word for a device, and udev its rules
networkd() {
	export SYSTEMD_LOG_TARGET=console SYSTEMD_IGNORE_CHROOT=1 # this root is one
	at_end=(networkd_gone "${at_end[@]}")
	install_examples
	mkdir -p /etc/systemd/network /run/systemd/netif/{links,leases,lldp}
	chown -R systemd-network: /run/systemd/netif
	cp "$examples/networkd/"* /etc/systemd/network/
	# as after a boot: udev has a rule that tells mdevctl of the module
	switched_off
	/lib/systemd/systemd-udevd >"$tmp/udevd.out" 2>&1 &
	children+=($!)
	wait_for udev udevadm control --ping
	udevadm trigger --action=add --subsystem-match=net
	/lib/systemd/systemd-networkd >"$tmp/networkd.out" 2>&1 &
	children+=($!)
	wait_for 'bridge' test -e /sys/class/net/br0
	wait_for 'NIC in the bridge' in_bridge eth1 br0
	host_starts
	wait_for 'port in the bridge' in_bridge vm1 br0
	wait_for 'address from outside' has_address br0
	bridge_works
}

# cloud-hypervisor itself is seldom there, see vmm.sh: what the example asks of it, and
# what it does with the path of a device
cloud_hypervisor() {
	local path group

	load_module
	pool_add p 16M
	port_add vm1 p uuid "$example_uuid"
	mkdir "$tmp/bin"
	printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >"$tmp/bin/cloud-hypervisor"
	chmod +x "$tmp/bin/cloud-hypervisor"
	PATH=$tmp/bin:$PATH "$examples/cloud-hypervisor.sh" "$example_uuid" --one-more >"$tmp/args"
	grep -A 1 -x -e --device "$tmp/args" >"$tmp/device"
	path=$(sed -n 's/^path=//; s/,id=kf$//p' "$tmp/device")
	equal 'path of the device' "$path" "/sys/bus/mdev/devices/$example_uuid/"
	group=$(readlink "${path}iommu_group")
	[[ -c /dev/vfio/${group##*/} ]] || fail "no /dev/vfio/${group##*/}"
	equal 'the last argument' "$(tail -n 1 "$tmp/args")" --one-more
}

ktap_begin
run_case 'mdevctl' defined
run_case 'cloud-hypervisor: the command line' cloud_hypervisor
long_case 'ifupdown' ifupdown
long_case 'systemd-networkd' networkd
ktap_end
