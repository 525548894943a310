#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the command line program says when the system refuses it something: each system
# call that it looks at is made to fail, by strace.
# timeout: 400
. "$(dirname "$0")/common.sh"

# works ARG...: kvmflip ARG... does, and is undone; what is made once is there then. Its
# calls are known.
works() {
	kvmflip "$@" >/dev/null
	undo
	strace -y -qq -e signal=none -o "$tmp/calls" kvmflip "$@" >/dev/null
	undo
}

# fault CALL PATTERN ERROR MESSAGE ARG...: kvmflip ARG... is refused with this message when
# the first call that looks like this, or the one whose number is before it and a colon, $
# for the last one, fails so; with a plus behind the error all further ones do too. Nothing
# is left of it.
fault() {
	local call=$1 pattern=$2 number=1 error=$3 message=$4 line status=0 out

	shift 4
	[[ $pattern != [0-9$]:* ]] || number=${pattern%%:*} pattern=${pattern#*:}
	line=$(grep "^$call(" "$tmp/calls" | grep -nE "$pattern" | sed -n "${number}s/:.*//p")
	[[ $line ]] || fail "kvmflip $*: no $call of $pattern" "$(<"$tmp/calls")"
	[[ $error != *+ ]] || line+=+
	out=$(strace -qq -e trace="$call" -e "inject=$call:error=${error%+}:when=$line" \
		-o /dev/null kvmflip "$@" 2>&1 >/dev/null) || status=$?
	equal "status of kvmflip $* ($call, $pattern: $error)" "$status" 2
	# shellcheck disable=SC2053 # a pattern
	[[ $out == "kvmflip: "$message ]] ||
		fail "kvmflip $* ($call, $pattern: $error): $out" "not: $message"
	undone
}

undo() {
	kvmflip rxq detach none all
}

undone() {
	equal 'queues' "$(kvmflip -j rxq)" '[]'
	equal 'ports' "$(kvmflip -j port)" '[]'
}

# a device that takes no time
make_none() {
	modprobe dummy
	ip link add none type dummy
	at_end+=(none_gone)
	ip link set none up
}

none_gone() {
	ip link del none
}

attaching() {
	local attach='rxq attach none all pool p mode copy' queue='none queue 0' denied='Operation not permitted'

	load_module
	pool_add p 16M
	make_none
	# shellcheck disable=SC2086 # words
	works $attach
	# shellcheck disable=SC2086
	while IFS='|' read -r call pattern error message; do
		fault "$call" "$pattern" "$error" "$message" $attach
	done <<-END
	openat|/dev/kvmflip|EPERM|/dev/kvmflip: $denied
	ioctl|/dev/kvmflip|EIO|pool p: Input/output error
	ioctl|2:/dev/kvmflip|EIO|pool p: its socket: Input/output error
	mmap|/dev/kvmflip|ENOMEM|pool p: mapping its memory: Cannot allocate memory
	setsockopt|SOL_XDP, XDP_UMEM_REG|ENOBUFS|pool p: registering it as UMEM: No buffer space available; raise the limit of locked memory (ulimit -l)
	setsockopt|SOL_XDP, XDP_RX_RING|ENOMEM|$queue: AF_XDP rings: Cannot allocate memory
	getsockopt|SOL_XDP, XDP_MMAP_OFFSETS|EPERM|$queue: AF_XDP ring offsets: $denied
	getsockopt|SOL_XDP, XDP_OPTIONS|EPERM|$queue: AF_XDP socket options: $denied
	socket|AF_XDP|EPERM|$queue: AF_XDP socket: $denied
	bind|AF_XDP|EBUSY|$queue has another AF_XDP socket: end its owner
	bind|AF_XDP|EINVAL|$queue: driver dummy refuses the socket
	bind|AF_XDP|ENETDOWN|none is down: ip link set none up
	bind|AF_XDP|ENOMEM|$queue: binding the socket: Cannot allocate memory
	statfs|/sys/fs/bpf|EPERM|/sys/fs/bpf: $denied
	mkdir|/sys/fs/bpf|EPERM|/sys/fs/bpf/kvmflip: $denied
	flock|/sys/fs/bpf|EINTR|/sys/fs/bpf/kvmflip: Interrupted system call
	bpf|BPF_LINK_CREATE|EBUSY|none has another XDP program; try ip link set none xdp off
	bpf|2:BPF_LINK_CREATE|EPERM|none: driver dummy refuses the XDP program: $denied
	bpf|BPF_PROG_LOAD.*"kvmflip_demux"|EPERM+|none: the demux program does not load: $denied
	bpf|BPF_OBJ_GET.*slots|EPERM|$pins/slots: File exists
	bpf|BPF_OBJ_PIN.*xsks|EPERM|/sys/fs/bpf/kvmflip/xsks-$(</sys/class/net/none/ifindex): $denied
	bpf|\$:BPF_MAP_UPDATE_ELEM|EPERM|queue 0 in the demux program's map: $denied
	ioctl|SIOCGIFMTU|EPERM|none: its MTU: $denied
	socket|AF_NETLINK.*GENERIC|EMFILE|no netlink socket: Too many open files
	END
}

# without a file system for its maps
bpf_not_mounted() {
	undo() {
		kvmflip rxq detach none all
		umount /sys/fs/bpf
	}
	load_module
	pool_add p 16M
	make_none
	umount /sys/fs/bpf
	works rxq attach none all pool p mode copy
	fault mount '"bpf"' EPERM '/sys/fs/bpf: mounting the BPF file system: Operation not permitted' \
		rxq attach none all pool p mode copy
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
}

adding() {
	local denied='Operation not permitted' id=c73f1fa6-489e-4834-9476-d70dabd98c40

	undo() {
		kvmflip port del a
	}
	load_module
	pool_add p 16M
	works port add a pool p mac "${mac[a]}" uuid $id
	while IFS='|' read -r call pattern error message; do
		fault "$call" "$pattern" "$error" "$message" port add a pool p mac "${mac[a]}" \
			uuid $id
	done <<-END
	bpf|BPF_MAP_UPDATE_ELEM|EEXIST|$pins/ports: this address and VLAN are taken
	bpf|BPF_MAP_UPDATE_ELEM|E2BIG|$pins/ports is full: 4096 ports at most
	bpf|BPF_MAP_UPDATE_ELEM|EPERM|$pins/ports: $denied
	mmap|MAP_SHARED.*bpf-map|ENOMEM|$pins/slots: Cannot allocate memory
	openat|/create|ENOENT|mediated device $id: there is no *
	write|/create|EEXIST|a mediated device $id is there already
	write|/create|EPERM|mediated device $id: $denied
	END
	works port add a pool p mac "${mac[a]}"
	fault getrandom ', 16, ' ENOSYS 'no random numbers for a UUID: Function not implemented' \
		port add a pool p mac "${mac[a]}"
}

# told ERROR MESSAGE ARG...: what kvmflip ARG... says when the $number-th $call of $pattern
# fails so; whether it ends then or not
told() {
	local error=$1 message=$2 line

	shift 2
	strace -f -y -qq -e signal=none -e trace="$call" -o "$tmp/calls" timeout -s INT 4 kvmflip "$@" \
		>/dev/null 2>&1 || true
	line=$(grep " $call(" "$tmp/calls" | grep -nE "$pattern" | sed -n "${number}s/:.*//p")
	[[ $line ]] || fail "kvmflip $*: no $call of $pattern" "$(<"$tmp/calls")"
	[[ $error != *+ ]] || line+=+
	again
	strace -f -qq -e trace="$call" -e "inject=$call:error=${error%+}:when=$line" -o /dev/null \
		timeout -s INT 20 kvmflip "$@" >/dev/null 2>"$tmp/said" || true
	# shellcheck disable=SC2053 # a pattern
	[[ $(<"$tmp/said") == "kvmflip: "$message ]] || fail "kvmflip $* ($call, $pattern: $error): $(<"$tmp/said")"
}

again() {
	:
}

deleting() {
	local id=c73f1fa6-489e-4834-9476-d70dabd98c40 denied='Operation not permitted'
	local call pattern number=1

	again() {
		kvmflip port add a pool p mac "${mac[a]}" uuid $id >/dev/null
	}
	load_module
	pool_add p 16M
	again
	call=bpf pattern=BPF_MAP_DELETE_ELEM
	told EPERM "$pins/ports: $denied" port del a
	again
	call=write pattern=/remove
	told EPERM "mediated device $id: cannot be removed: $denied" port del a
	echo 1 >/sys/bus/mdev/devices/$id/remove
}

asking() {
	local call pattern number=1

	load_module
	# the family first, then the pools
	strace -qq -e trace=sendmsg -e inject=sendmsg:error=EPERM:when=2 -o /dev/null \
		kvmflip pool 2>"$tmp/said" && fail 'it knows'
	[[ $(<"$tmp/said") == 'kvmflip: pools: netlink: '* ]] || fail "$(<"$tmp/said")"
	call=mkdir pattern=instances
	told EPERM 'trace: /sys/kernel/tracing/instances/kvmflip-*: Operation not permitted' trace
	call='rmdir'
	told EBUSY 'trace: /sys/kernel/tracing/instances/kvmflip-*: Device or resource busy' trace
	rmdir /sys/kernel/tracing/instances/kvmflip-*
}

# What a NIC's driver does not do: after two questions and a look at its flags they are set;
# whether there is a carrier is asked again in the end
driver_refuses() {
	local call=ioctl pattern=SIOCETHTOOL number=4

	again() {
		kvmflip rxq detach igb all
		ethtool -K igb rxvlan on >/dev/null
		# who has none before is not waited for
		wait_for 'carrier' has_carrier igb
	}
	load_module
	pool_add p 16M
	nic_up igb
	ethtool -L igb combined 1 >/dev/null || true
	ethtool -K igb rxvlan on >/dev/null
	wait_for 'carrier' has_carrier igb
	told EPERM 'rx-vlan-offload cannot be turned off on igb: Operation not permitted' \
		rxq attach igb all pool p
	pattern=SIOCGIFFLAGS number=3
	wait_for 'carrier' has_carrier igb
	told EPERM+ 'igb is attached but has no carrier' rxq attach igb all pool p
	again
	again() {
		kvmflip rxq detach virtio all
	}
	nic_up virtio
	call=bind pattern=AF_XDP number=1
	told EINVAL 'virtio queue 0: driver virtio_net refuses the socket: give the virtio device iommu_platform=on,disable-legacy=on' \
		rxq attach virtio all pool p
}

# What is not as it was left
pins_lost() {
	load_module
	pool_add p 16M
	modprobe veth
	ip link add none numrxqueues 2 numtxqueues 2 type veth peer name peer
	at_end+=(none_gone)
	ip link set none up
	ip link set peer up
	kvmflip rxq attach none all pool p mode copy
	kvmflip rxq detach none 1
	rm "$pins/xsks-$(</sys/class/net/none/ifindex)"
	refused "; detach all queues of none first" kvmflip rxq attach none 1 pool p mode copy
	kvmflip rxq detach none all
	rm "$pins/ports"
	bpftool map create "$pins/ports" type hash key 4 value 4 entries 1 name other
	refused "$pins/ports is of another version: detach all queues, remove it" \
		kvmflip rxq attach none all pool p mode copy
	rm "$pins/ports"
}

first_xdp() {
	strace -qq -e trace=socket -o "$tmp/calls" kvmflip check none >/dev/null || true
	grep -n AF_XDP "$tmp/calls" | sed -n '1s/:.*//p'
}

devices() {
	load_module
	pool_add p 16M
	make_none
	! kvmflip check none >"$tmp/check" || fail 'it is fit'
	grep -q '^fail  none: driver .* has no AF_XDP zero-copy, nor XDP$' "$tmp/check" ||
		fail "$(<"$tmp/check")"
	kvmflip rxq attach none all pool p mode copy
	kvmflip check none >"$tmp/check" || true
	grep -q '^warn  none: queue 0 .*mode copy: nothing is flipped$' "$tmp/check" || fail "$(<"$tmp/check")"
	kvmflip rxq detach none all
	strace -qq -e trace=socket -e inject=socket:error=EAFNOSUPPORT:when="$(first_xdp)" -o /dev/null \
		kvmflip check none >"$tmp/check" || true
	grep -q '^fail  .* the kernel has no AF_XDP sockets$' "$tmp/check" || fail "$(<"$tmp/check")"
	undo() {
		kvmflip rxq detach none all
		ip link set none down
	}
	ip link set none down
	echo 'rxq attach none all pool p mode copy' >"$tmp/config"
	works apply "$tmp/config"
	fault ioctl SIOCSIFFLAGS EPERM '*none cannot be brought up: Operation not permitted' \
		apply "$tmp/config"
}

# monitored CALL PATTERN ERROR MESSAGE: monitor says so, whether it ends or goes on
monitored() {
	local line

	line=$(grep " $1(" "$tmp/calls" | grep -nE "$2" | tail -n 1 | cut -d : -f 1)
	[[ $line ]] || fail "no $1 of $2" "$(<"$tmp/calls")"
	strace -f -qq -e trace="$1" -e "inject=$1:error=$3:when=$line" -o /dev/null \
		timeout -s INT 6 kvmflip monitor >/dev/null 2>"$tmp/said" || true
	# shellcheck disable=SC2053 # a pattern
	[[ $(<"$tmp/said") == "kvmflip: monitor: "$4 ]] || fail "monitor ($1: $3): $(<"$tmp/said")"
}

monitoring() {
	load_module
	strace -f -qq -e trace=setsockopt,recvmsg -o "$tmp/calls" \
		timeout -s INT 6 kvmflip monitor >/dev/null || true
	monitored setsockopt MEMBERSHIP EPERM 'notifications: Operation not permitted'
	monitored recvmsg '' EPERM 'netlink: *'
	monitored recvmsg '' ENOBUFS 'notifications were lost'
}

ktap_begin
type -P strace >/dev/null || { echo '1..0 # SKIP no strace'; exit 4; }
run_case 'a queue' attaching
run_case 'no BPF file system' bpf_not_mounted
run_case 'a port' adding
run_case 'a port that goes' deleting
run_case 'questions' asking
run_case 'a driver' driver_refuses
run_case 'pins' pins_lost
run_case 'devices' devices
long_case 'monitor' monitoring
ktap_end
