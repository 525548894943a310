#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Guests as people start them, by libvirt and QEMU's own commands, with the examples
# of the documentation; and guests that reboot, crash, are plugged into and killed,
# and a host that reboots.
# timeout: 900
# testbed: --mem 3072 --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/installed.sh"

host_ip=10.9.0.1 guest_ip=10.9.0.2

# --- A guest that is reached ---------------------------------------------

# topology: a port behind a NIC, and what the host has of it
topology() {
	load_module
	one_queue virtio
	pool_add p 16M
	port_add a p max 2M
	attach virtio p
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

# busy NAME: frames of the NIC and of the host, and TCP both ways, till idle
busy() {
	flow virtio $((enough * 150)) size=64-1514 "$(to "$1")"
	of_all "$1"
	seen_before=("${seen[@]}")
	ping -q -f -s 1400 -W 1 "$guest_ip" >/dev/null 2>&1 &
	pinger=$!
	l2_bg "$1" iperf3 -s
	server=$l2_job
	nap 1
	iperf3 -c "$guest_ip" --bidir -t 600 >"$tmp/iperf" 2>&1 &
	client=$!
	children+=("$pinger" "$client")
	wait_for 'traffic of all three' all_have_more "$1"
}

# of_all NAME: sets $seen, frames from the NIC, from the host, and from the guest
of_all() {
	local json n key

	json=$(show port "$1")
	seen=()
	for key in 'flipped|copied' to_guest from_guest; do
		get_sum n "$json" "$key"
		seen+=("$n")
	done
}

all_have_more() { # NAME
	local i

	of_all "$1"
	for i in 0 1 2; do
		((seen[i] > seen_before[i] + enough)) || return 1
	done
}

# idle [NAME]: nothing of that goes on, in the guest neither if it is still there
idle() {
	kill -KILL "$pinger" "$client" 2>/dev/null || true
	wait "$pinger" "$client" 2>/dev/null || true
	[[ ! ${1:-} ]] || l2_kill "$1" "$server"
	flow_end
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

# Into a guest that runs, and out of it, by the words of the documentation, while
# frames come and go
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
	for ((i = 0; i < plugs; i++)); do
		qmp a device_add "\"driver\": \"vfio-pci\", \"id\": \"kf\", \"bus\": \"later\",
			\"sysfsdev\": \"/sys/bus/mdev/devices/$device\""
		guest_up a
		reached a
		busy a
		qmp a device_del '"id": "kf"'
		qmp_read 'DEVICE_DELETED.*"kf"'
		wait_for 'closed port' port_is a closed
		idle a
		nothing_is_left a
		l2_run a '[[ ! -e /sys/class/net/eth0 ]]' || fail 'the guest still has the device'
		refused 'Network is unreachable' l2_run a ping -c 1 "$host_ip"
	done
	l2_stop a
}

# nothing_is_left PORT: of a guest whose device is gone
nothing_is_left() {
	equal "slots of $1" "$(field "$(show port "$1")" mapped)" 0
	frames_add_up port "$1"
	pool_adds_up p
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

# --- cloud-hypervisor -------------------------------------------------------

# It has no 9p: its guests have the programs that are often used, in memory, and get
# their commands by the console.
chv_initramfs() {
	local dir=$tmp/chv

	mkdir -p "$dir/often"
	cat >"$dir/init" <<-'END'
		#!/bin/sh
		cd /often
		mkdir -p dev proc sys run tmp
		mount -t devtmpfs dev dev
		mount -t proc proc proc
		mount -t sysfs sys sys
		dmesg -n 1
		export PATH=/l2/bin:/usr/sbin:/usr/bin:/sbin:/bin
		exec chroot . /bin/bash /commands <>dev/hvc0 >&0 2>&1
	END
	cat >"$dir/often/commands" <<-'END'
		stty -echo
		echo guest-ready
		while read -r script; do
			eval "script=$script"
			bash -c "$script" </dev/null 2>&1
			echo "guest-status $?"
		done
	END
	chmod +x "$dir/init"
	(cd "$dir" && find . | cpio -o -H newc --quiet) | cat /run/job/l2.cpio - >"$dir.cpio"
}

# The example's command line with the memory of this machine, and
# what guests of these tests boot from. Their kernel knows no interrupt for a serial
# line here, so they have a virtio console. That of this machine has no seccomp.
chv_start() { # NAME
	local dir=$tmp/l2/$1

	chv_initramfs
	truncate -s 1M "$tmp/vm1.img"
	mkdir -p "$dir"
	sed -e "s|boot=2|boot=1|; s|size=2G|size=${l2_mem}M|" \
		-e "s|/var/lib/libvirt/images|$tmp|; s|/run/vm1.sock|$tmp/vm1.sock|" \
		-e "s|/var/lib/cloud-hypervisor/vmlinux|/run/job/l2.kernel|; s|serial tty --console off|serial off --console pty|; s|ttyS0|hvc0|" \
		-e "s|root=/dev/vda1|quiet panic=-1 no_timer_check mitigations=off net.ifnames=0|" \
		"$examples/cloud-hypervisor.sh" >"$tmp/chv.sh"
	sh "$tmp/chv.sh" "${uuid[$1]}" --seccomp false --initramfs "$tmp/chv.cpio" \
		</dev/null >>"$dir/qemu" 2>&1 &
	l2_pid[$1]=$!
	children+=($!)
	chv_ready "$1"
}

# chv_console: sets $chv_pty
chv_console() {
	remote info 2>/dev/null && chv_pty=$(grep -o -m 1 '/dev/pts/[0-9]*' "$tmp/remote")
}

# chv_ready NAME: it takes commands, by a terminal that a boot makes anew
chv_ready() {
	wait_for console chv_console
	exec {chv_fd}<>"$chv_pty"
	chv_until "$1" "$l2_boot_seconds" guest-ready >>"$tmp/l2/$1/console" ||
		fail "guest $1 has not booted"
}

# chv_until NAME SECONDS WORD: the lines before the one that begins with it; sets $chv_rest
chv_until() {
	local line='' part status end=$((SECONDS + $2))

	while ((SECONDS < end)) && l2_alive "$1"; do
		status=0
		read -r -t 1 -u "$chv_fd" part || status=$?
		line+=$part
		((status == 0)) || continue
		line=${line%$'\r'}
		chv_rest=${line#"$3"}
		[[ $line == "$chv_rest" ]] || return 0
		printf '%s\n' "$line"
		line=''
	done
	l2_words "$1"
	return 1
}

# chv_run NAME COMMAND...: as l2_run
chv_run() {
	local name=$1 script=$2

	shift
	(($# == 1)) || script="exec ${*@Q}"
	printf '%s\n' "${script@Q}" >&"$chv_fd"
	chv_until "$name" "$l2_seconds" 'guest-status ' || fail "guest $name does not answer"
	return "$chv_rest"
}

# remote COMMAND...: what it says is in $tmp/remote
remote() {
	ch-remote --api-socket "$tmp/vm1.sock" "$@" >"$tmp/remote"
}

# frames_come NAME: of the NIC, all that its port was given
frames_come() {
	local before given

	before=$(rx_packets "$1")
	given=$(stat port "$1" 'flipped|copied')
	flow virtio 2000 size=64-1514 "$(to "$1")"
	flow_end
	given=$(($(stat port "$1" 'flipped|copied') - given))
	positive 'frames of the NIC' "$given"
	wait_for "all $given frames in the guest" rx_has "$1" $((before + given))
}

rx_packets() { # NAME
	l2_run "$1" cat /sys/class/net/eth0/statistics/rx_packets
}

rx_has() { # NAME COUNT
	(($(rx_packets "$1") >= $2))
}

by_cloud_hypervisor() {
	local device

	if ! type -P cloud-hypervisor ch-remote >/dev/null; then
		diag 'no cloud-hypervisor here'
		exit 4
	fi
	l2_run() { chv_run "$@"; }
	topology
	chv_start a
	guest_up a
	reached a
	frames_come a
	diag 'reboot'
	remote reboot
	chv_ready a
	guest_up a
	reached a
	diag 'plugged out and in'
	device=$(sed -n 's/.*--device "\(.*\)" .*/\1/p' "$tmp/chv.sh")
	remote remove-device "${device##*id=}"
	wait_for 'closed port' port_is a closed
	nothing_is_left a
	remote add-device "${device/\$uuid/"${uuid[a]}"}"
	guest_up a
	reached a
	frames_come a
	l2_run a dmesg >"$tmp/l2/a/dmesg"
	remote shutdown-vmm
	wait "${l2_pid[a]}" || fail 'cloud-hypervisor does not end well'
	wait_for 'closed port' port_is a closed
	nothing_is_left a
	l2_judge a
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
	daemons=($!)
	libvirtd -f "$tmp/libvirtd.conf" &
	daemons+=($!)
	children+=("${daemons[@]}")
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
		<channel type='unix'>
		<target type='virtio' name='org.qemu.guest_agent.0'/>
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
	l2_works
	load_module
	pool_add p 16M
	port_add vm1 p uuid "$example_uuid" max 2M
	host_side vm1
	virt-xml-validate "$examples/libvirt-domain.xml" domain >/dev/null
	libvirt_start
	domain >"$tmp/vm1.xml"
	virsh define "$tmp/vm1.xml" >/dev/null
	domain_boots virsh start vm1
	port_is vm1 running
	if [[ ${KVMFLIP_FULL:-0} == 1 ]]; then
		one_queue virtio
		attach virtio p
		by_libvirt_long
	fi
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

by_libvirt_long() {
	diag 'reset'
	domain_boots virsh reset vm1
	diag 'reboot'
	agent_in vm1
	domain_boots virsh reboot vm1 --mode agent
	diag 'plugged out and in, and destroyed, under traffic'
	busy vm1
	virsh detach-device vm1 "$examples/libvirt-hostdev.xml" --live
	wait_for 'closed port' port_is vm1 closed
	idle vm1
	nothing_is_left vm1
	virsh attach-device vm1 "$examples/libvirt-hostdev.xml" --live
	guest_up vm1
	reached vm1
	busy vm1
	virsh destroy vm1
	wait_for 'closed port' port_is vm1 closed
	idle
	nothing_is_left vm1
	domain_boots virsh start vm1
}

# agent_in NAME: what libvirt asks to reboot the guest
agent_in() {
	l2_bg "$1" '
		printf "#!/bin/sh\nexec /l2/bin/reboot -f\n" >/sbin/shutdown
		chmod +x /sbin/shutdown
		for port in /sys/class/virtio-ports/*; do
			[[ $(<$port/name) != org.qemu.guest_agent.0 ]] || break
		done
		exec qemu-ga -m virtio-serial -p /dev/${port##*/} -t /run'
	wait_for 'the agent' agent_answers "$1"
}

agent_answers() { # NAME
	virsh qemu-agent-command "$1" '{"execute": "guest-ping"}' >/dev/null 2>&1
}

# A host that loses its power and starts again has the port, its device and its machine
# again, by what was defined
host_reboots() {
	install_examples
	host_starts
	host_side vm1
	libvirt_start
	domain >"$tmp/vm1.xml"
	virsh define "$tmp/vm1.xml" >/dev/null
	virsh autostart vm1
	domain_boots virsh start vm1
	kill -KILL "${daemons[@]}" "${l2_pid[vm1]}"
	wait_for 'closed port' port_is vm1 closed
	switched_off
	rm -rf /run/libvirt
	diag 'again'
	host_starts
	host_side vm1
	domain_boots libvirt_start
	port_is vm1 running
	virsh destroy vm1
	virsh autostart --disable vm1
	virsh undefine vm1
	l2_judge vm1
}

plugs=2 enough=200
[[ ${KVMFLIP_SLOW:-0} == 1 ]] && enough=20
[[ ${KVMFLIP_FULL:-0} == 1 ]] && plugs=5

ktap_begin
long_case 'QEMU' by_qemu
long_case 'reboot, reset, crash' rebooted
long_case 'a device left running' left_running
long_case 'a second kernel' crashed
long_case 'the VMM is killed' killed
long_case 'plugged in and out' plugged
run_case 'libvirt' by_libvirt
long_case 'cloud-hypervisor' by_cloud_hypervisor
long_case 'the host reboots' host_reboots
ktap_end
