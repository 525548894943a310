# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # from common.sh, and for those who source this
# The examples of the documentation where they say that they belong, as they are, in a
# machine whose NIC has the name that it has there. Sourced after common.sh.

examples=$here/../../Documentation/examples
example_uuid=c73f1fa6-489e-4834-9476-d70dabd98c40

mac[vm1]=52:54:00:00:01:01 vlan[vm1]=0 tag[vm1]=0x91

port_is() { # NAME STATE
	[[ $(field "$(show port "$1")" state) == "$2" ]]
}

# install_examples: what is kept over a reboot
install_examples() {
	mkdir -p /etc/kvmflip/ports /etc/mdevctl.d/scripts.d/callouts
	at_end=(uninstall_examples "${at_end[@]}")
	cp "$examples/config" /etc/kvmflip/
	cp "$examples/bridge-port" /etc/kvmflip/
	cp "$examples/kvmflip-port" "/etc/kvmflip/ports/$example_uuid"
	cp "$tools/kvmflip/mdevctl-callout" /etc/mdevctl.d/scripts.d/callouts/kvmflip
	ln -sf "$tools/kvmflip/kvmflip" /usr/local/sbin/
	# there is no systemd: this is all that is asked of it
	{
		printf '#!/bin/sh\n[ "$*" = "start kvmflip" ] || exit\n'
		sed -n 's|@sbindir@|/usr/local/sbin|; s/^ExecStart[a-z]*=-\(.*\)/\1 || true/ip
			s/^ExecStart=\(.*\)/\1 || exit/p' "$tools/kvmflip/kvmflip.service.in"
	} >/usr/local/sbin/systemctl
	chmod +x /usr/local/sbin/systemctl
	load_module
	modprobe bridge
	mdevctl define -p kvmflip -u "$example_uuid" --jsonfile "$examples/mdevctl.json"
	nic_up virtio
	ip link set virtio down
	ip link set virtio name eth1
}

uninstall_examples() {
	mdevctl stop -u "$example_uuid" 2>/dev/null
	mdevctl undefine -u "$example_uuid" 2>/dev/null
	rm -rf /etc/kvmflip /etc/mdevctl.d/{kvmflip,scripts.d/callouts/kvmflip} \
		/usr/local/sbin/{kvmflip,systemctl}
}

# host_starts: its unit does; it goes with this case
host_starts() {
	nics=(eth1) pools=(p0)
	systemctl start kvmflip
	port_is vm1 closed
}

# switched_off: nothing is left of what was not kept
switched_off() {
	rmmod kvmflip
	nics=() pools=()
}
