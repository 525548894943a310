#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Guests as people start them, by mdevctl, libvirt and QEMU's own commands, with
# the examples of the documentation; and guests that reboot, crash, are plugged
# into and killed.
# timeout: 900
# testbed: --mem 3072 --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/l2.sh"

examples=$here/../../Documentation/examples
example_uuid=c73f1fa6-489e-4834-9476-d70dabd98c40
host_ip=10.9.0.1 guest_ip=10.9.0.2

# --- A guest that is reached ---------------------------------------------

port_is() { # NAME STATE
	[[ $(field "$(show port "$1")" state) == "$2" ]]
}

# topology: a port, and what the host has of it
topology() {
	load_module
	pool_add p 16M
	port_add a p max 2M
	host_side a
}

# host_side PORT: sets $kf, its network device, which gets an address
host_side() {
	kf=$(field "$(show port "$1")" ifname)
	ip addr replace "$host_ip/24" dev "$kf"
	ip link set "$kf" up
}

# guest_up NAME: its driver runs, and has an address
guest_up() {
	l2_run "$1" "
		set -e
		modprobe kvmflip_net
		for ((i = 0; i < 300; i++)); do
			[[ ! -e /sys/class/net/eth0 ]] || break
			sleep 0.1
		done
		ip addr replace $guest_ip/24 dev eth0
		ip link set eth0 up" || fail "guest $1 has no network device"
	wait_for 'carrier' has_carrier "$kf"
}

# reached NAME: both ways
reached() {
	ping -q -c 3 -i 0.2 -W 5 "$guest_ip" >"$tmp/ping" ||
		fail "guest $1 is not reached" "$(<"$tmp/ping")"
	l2_run "$1" ping -q -c 3 -i 0.2 -W 5 "$host_ip" >"$tmp/ping" ||
		fail "guest $1 reaches nobody" "$(<"$tmp/ping")"
}

# is_back NAME: it has booted once more, and all goes on
is_back() {
	l2_ready "$1"
	guest_up "$1"
	reached "$1"
}

# --- QEMU's own commands --------------------------------------------------

# qmp_args NAME: sets $qmp, arguments for a QEMU that is asked later
qmp_args() {
	local pipe=$tmp/l2/$1/qmp

	mkdir -p "${pipe%/*}"
	mkfifo "$pipe".{in,out}
	exec {qmp_out}<>"$pipe.out"
	# shellcheck disable=SC2054 # commas are QEMU's
	qmp=(-chardev "pipe,id=qmp,path=$pipe" -mon chardev=qmp,mode=control)
}

# qmp_read PATTERN: sets $reply to the next line that has it
qmp_read() {
	local seconds=$patience

	while read -r -t "$seconds" -u "$qmp_out" reply; do
		[[ ! $reply =~ $1 ]] || return 0
	done
	fail "QEMU does not say $1"
}

# qmp NAME COMMAND [ARGUMENT]: what it answers is in $reply
qmp() {
	local id=$RANDOM

	echo "{\"execute\": \"$2\", \"arguments\": {${3:-}}, \"id\": $id}" 1<>"$tmp/l2/$1/qmp.in"
	qmp_read "\"id\": $id"
	[[ $reply == *'"return"'* ]] || fail "QEMU refuses $2: $reply"
}

# --- Cases ------------------------------------------------------------------

# The guest's own reset, QEMU's, and a crash: each time the driver starts anew
rebooted() {
	local what

	topology
	qmp_args a
	l2_start a "${qmp[@]}" -action reboot=reset -action panic=none
	qmp a qmp_capabilities
	guest_up a
	reached a
	# to reset itself is the end of a crash, too
	for what in ${KVMFLIP_FULL:+b} c; do
		diag "sysrq $what"
		rm "$tmp/l2/a/ready"
		l2_bg a "echo 1 >/proc/sys/kernel/sysrq; echo $what >/proc/sysrq-trigger"
		is_back a
	done
	diag 'system_reset'
	rm "$tmp/l2/a/ready"
	qmp a system_reset
	is_back a
	l2_stop a
	wait_for 'closed port' port_is a closed
}

# What a driver that is gone has left: a device that runs, with frames in its rings
left_running() {
	topology
	l2_start a
	l2_run a '
		for d in /sys/bus/pci/devices/*; do
			read -r vendor <$d/vendor
			read -r device <$d/device
			[[ $vendor$device != 0x1af40x10f0 ]] || break
		done
		read -r bar _ <$d/resource
		echo 1 >$d/enable
		devmem $((bar + 0x10)) 32 1
		devmem $((bar + 0x10)) 32' >"$tmp/status" || fail 'the guest cannot start its device'
	equal 'status' $(($(<"$tmp/status"))) 1
	port_is a running
	wait_for carrier has_carrier "$kf"
	! ping -q -c 20 -i 0.01 -W 0.1 "$guest_ip" >/dev/null || fail 'who answers?'
	positive 'frames that nobody has looked at' "$(stat port a to_guest)"
	guest_up a
	reached a
	l2_stop a
}

# A second kernel, that of a kdump, finds the device as the first one left it
crashed() {
	local flags

	# xloadflags of its header, with XLF_CAN_BE_LOADED_ABOVE_4G
	flags=0x$(od -An -tx1 -j 0x236 -N 1 /run/job/l2.kernel | tr -d ' ')
	if ! ((flags & 2)); then
		diag 'the test kernel is not relocatable, so it cannot be a second one'
		exit 4
	fi
	topology
	l2_mem=512 l2_args="crashkernel=192M" l2_start a
	guest_up a
	reached a
	cp /run/job/l2.{kernel,cpio} "$tmp/l2/a/"
	l2_run a "$here/kexec" /run/l2/l2.kernel /run/l2/l2.cpio \
		"console=hvc0 ignore_loglevel panic=-1 no_timer_check mitigations=off net.ifnames=0 reset_devices" ||
		fail 'the second kernel is not loaded'
	rm "$tmp/l2/a/ready"
	l2_bg a 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'
	l2_ready a
	port_is a running || fail 'the device was reset before the second driver came'
	guest_up a
	reached a
	l2_stop a
	wait_for 'closed port' port_is a closed
}

# SIGKILL of the VMM, with frames under way
killed() {
	topology
	l2_start a
	guest_up a
	reached a
	ping -q -f -c 500 -W 1 "$guest_ip" >/dev/null &
	children+=($!)
	l2_kill_vm a
	wait_for 'closed port' port_is a closed
	wait_for 'no carrier' eval "! has_carrier $kf"
	equal 'slots it has' "$(field "$(show port a)" mapped)" 0
	l2_start a
	guest_up a
	reached a
	l2_stop a
}

# This machine has the 40 address bits of an AMD processor, the end of which is
# reserved; and that is where SeaBIOS leaves room for devices that come later.
l2_cpu=host,host-phys-bits-limit=39

# Into a guest that runs, and out of it, by the words of the documentation
plugged() {
	local device i

	topology
	device=${uuid[a]}
	unset 'uuid[a]'
	qmp_args a
	l2_start a "${qmp[@]}" -cpu "$l2_cpu" \
		-device pcie-root-port,id=later,chassis=1,pref64-reserve=2G
	uuid[a]=$device
	qmp a qmp_capabilities
	l2_run a modprobe kvmflip_net
	for i in 1 2; do
		qmp a device_add "\"driver\": \"vfio-pci\", \"id\": \"kf\", \"bus\": \"later\",
			\"sysfsdev\": \"/sys/bus/mdev/devices/$device\""
		guest_up a
		reached a
		qmp a device_del '"id": "kf"'
		qmp_read 'DEVICE_DELETED.*"kf"'
		wait_for 'closed port' port_is a closed
		l2_run a '[[ ! -e /sys/class/net/eth0 ]]' || fail 'the guest still has the device'
		refused 'Network is unreachable' l2_run a ping -c 1 "$host_ip"
	done
	l2_stop a
}

# The example's command line, with what guests of these tests boot from
by_qemu() {
	local dir=$tmp/l2/a images=/var/lib/libvirt/images

	topology
	mkdir -p "$dir" "$images"
	mkfifo "$dir"/ctl.{in,out}
	truncate -s 1M "$images/vm1.img"
	"$examples/qemu.sh" "${uuid[a]}" -m "$l2_mem" -smp 1 \
		-kernel /run/job/l2.kernel -initrd /run/job/l2.cpio \
		-append 'console=hvc0 ignore_loglevel panic=-1 no_timer_check mitigations=off net.ifnames=0' \
		-device virtio-serial-pci \
		-chardev "file,id=klog,path=$dir/console,append=on" \
		-device virtconsole,chardev=klog \
		-chardev "pipe,id=l2,path=$dir/ctl" -device virtserialport,chardev=l2,name=l2 \
		-virtfs 'local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap' \
		-virtfs "local,path=$dir,mount_tag=share,security_model=none" \
		</dev/null >>"$dir/qemu" 2>&1 &
	l2_pid[a]=$!
	children+=($!)
	l2_began[a]=${EPOCHREALTIME/./}
	l2_ready a
	guest_up a
	reached a
	l2_stop a
}

# mdevctl: a definition outlives the module, as it would a reboot
defined() {
	local device=$example_uuid

	load_module
	mkdir -p /etc/mdevctl.d/scripts.d/callouts /etc/kvmflip/ports
	cp "$tools/kvmflip/mdevctl-callout" /etc/mdevctl.d/scripts.d/callouts/kvmflip
	cp "$examples/kvmflip-port" "/etc/kvmflip/ports/$device"
	mdevctl define -p kvmflip -u "$device" --jsonfile "$examples/mdevctl.json"
	refused 'there is no pool' mdevctl start -u "$device"
	equal 'ports without a pool' "$(kvmflip -j port show)" '[]'

	for i in 1 2; do
		[[ $(mdevctl list -d) == *"$device kvmflip kvmflip-port auto"* ]] ||
			fail "defined: $(mdevctl list -d)"
		boot_as_documented
		[[ $(mdevctl list) == *"$device kvmflip kvmflip-port auto (defined)"* ]] ||
			fail "started: $(mdevctl list)"
		port_is vm1 closed
		mdevctl stop -u "$device"
		equal 'ports after mdevctl stop' "$(kvmflip -j port show)" '[]'
		mdevctl start -u "$device"
		port_is vm1 closed
		rmmod kvmflip
		nics=() pools=()
	done
	mdevctl undefine -u "$device"
	equal 'definitions' "$(mdevctl list -d)" ''
	rm /etc/mdevctl.d/scripts.d/callouts/kvmflip
}

# The example's commands, with the NIC and the memory of this machine
boot_as_documented() {
	nic_up virtio
	sed 's/eth1/virtio/; s/256M buffer 2M/16M buffer 4K/' "$examples/kvmflip-start" >"$tmp/start"
	sh "$tmp/start"
	nics+=(virtio)
	pools+=(p0)
}

# --- libvirt --------------------------------------------------------------

virsh() {
	timeout 60 virsh -q -c qemu:///system "$@"
}

libvirt_answers() {
	virsh uri >/dev/null 2>&1
}

# By hand, as there is no systemd here, nor users of its own
libvirt_start() {
	grep -q ^libvirt-qemu: /etc/passwd || {
		echo 'libvirt-qemu:x:64055:64055::/nonexistent:/bin/false' >>/etc/passwd
		echo 'libvirt-qemu:x:64055:' >>/etc/group
	}
	grep -q ^kvm: /etc/group || echo 'kvm:x:64056:' >>/etc/group
	cat >/etc/libvirt/qemu.conf <<-END
		user = "root"
		group = "root"
		dynamic_ownership = 0
		remember_owner = 0
		security_driver = "none"
		namespaces = []
		cgroup_controllers = []
	END
	cat >"$tmp/libvirtd.conf" <<-END
		unix_sock_group = "root"
		auth_unix_rw = "none"
		auth_unix_ro = "none"
		log_outputs = "2:file:$tmp/libvirtd.out"
		host_uuid = "00000000-0000-4000-8000-00000000feed"
	END
	virtlogd &
	children+=($!)
	libvirtd -f "$tmp/libvirtd.conf" &
	children+=($!)
	wait_for libvirtd libvirt_answers
}

# libvirt is given a QEMU that has fewer address bits.
emulator() {
	cat >"$tmp/qemu" <<-END
		#!/bin/bash
		exec qemu-system-x86_64 "\${@/#host,/$l2_cpu,}"
	END
	chmod +x "$tmp/qemu"
}

# The example's domain with the memory of this machine, and what guests of these
# tests boot from
domain() {
	local dir=$tmp/l2/vm1

	emulator
	truncate -s 1M "$tmp/vm1.img"
	mkdir -p "$dir"
	mkfifo "$dir"/ctl.{in,out}
	cat >"$tmp/os" <<-END
		<kernel>/run/job/l2.kernel</kernel>
		<initrd>/run/job/l2.cpio</initrd>
		<cmdline>console=hvc0 ignore_loglevel panic=-1 no_timer_check mitigations=off net.ifnames=0</cmdline>
	END
	cat >"$tmp/devices" <<-END
		<emulator>$tmp/qemu</emulator>
		<filesystem type='mount' accessmode='passthrough' multidevs='remap'>
		<source dir='/'/><target dir='root'/><readonly/>
		</filesystem>
		<filesystem type='mount' accessmode='passthrough'>
		<source dir='$dir'/><target dir='share'/>
		</filesystem>
		<channel type='pipe'>
		<source path='$dir/ctl'/><target type='virtio' name='l2'/>
		</channel>
		<console type='file'>
		<source path='$dir/console' append='on'/><target type='virtio' port='1'/>
		</console>
	END
	sed -e "s|2048</memory>|$l2_mem</memory>|; s|2</vcpu>|1</vcpu>|" \
		-e "s|/var/lib/libvirt/images|$tmp|" \
		-e "/<type arch=/r $tmp/os" -e "/<devices>/r $tmp/devices" \
		"$examples/libvirt-domain.xml"
}

# domain_boots COMMAND...: what makes it boot, till it takes commands
domain_boots() {
	rm -f "$tmp/l2/vm1/ready"
	"$@" >"$tmp/virsh.out" 2>&1 || fail "$* says: $(<"$tmp/virsh.out")" "$(tail -n 5 "$tmp/libvirtd.out")"
	wait_for "QEMU's pid" test -s /run/libvirt/qemu/vm1.pid
	l2_pid[vm1]=$(</run/libvirt/qemu/vm1.pid)
	children+=("${l2_pid[vm1]}")
	l2_began[vm1]=${EPOCHREALTIME/./}
	l2_ready vm1
	guest_up vm1
	reached vm1
}

by_libvirt() {
	load_module
	pool_add p 16M
	mac[vm1]=52:54:00:00:01:01 vlan[vm1]=0
	port_add vm1 p uuid "$example_uuid" max 2M
	host_side vm1
	virt-xml-validate "$examples/libvirt-domain.xml" domain >/dev/null
	libvirt_start
	domain >"$tmp/vm1.xml"
	virsh define "$tmp/vm1.xml" >/dev/null
	domain_boots virsh start vm1
	port_is vm1 running
	diag 'reset'
	domain_boots virsh reset vm1
	diag 'plugged out and in'
	virsh detach-device vm1 "$examples/libvirt-hostdev.xml" --live
	wait_for 'closed port' port_is vm1 closed
	virsh attach-device vm1 "$examples/libvirt-hostdev.xml" --live
	guest_up vm1
	reached vm1
	virsh destroy vm1
	wait_for 'closed port' port_is vm1 closed
	virsh undefine vm1
	l2_judge vm1
}

ktap_begin
run_case 'mdevctl' defined
long_case 'QEMU' by_qemu
long_case 'reboot, reset, crash' rebooted
long_case 'a device left running' left_running
long_case 'a second kernel' crashed
long_case 'the VMM is killed' killed
long_case 'plugged in and out' plugged
run_case 'libvirt' by_libvirt
ktap_end
