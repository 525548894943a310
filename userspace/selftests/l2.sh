# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # from common.sh, and for those who source this
# Guests that are a whole Linux: a stock QEMU in L1 boots the test kernel, with the
# port NAME, if there is one, as a PCI device. Sourced after common.sh.
#
#	l2_start a			boot it and wait until it takes commands
#	l2_run a ip link		its output, its exit status
#	l2_run a 'cd /sys; ls | wc'	one word: a script for bash
#	l2_bg a iperf3 -s; job=$l2_job	in the background
#	l2_wait a "$job"		till it has ended: as l2_run
#	l2_stop a			the end, and was its kernel well?
#
# A guest's root is L1's, read-only, with memory over it. What lies in its /run/l2
# is in $tmp/l2/NAME here.

l2_mem=320			# MiB
l2_cpus=1
l2_args='kmemleak=off'		# of its kernel, more of them
l2_sleeps=0			# 1: its virtio devices outlive a sleep
l2_seconds=60			# that a command may take
l2_boot_seconds=120
[[ ${KVMFLIP_SLOW:-0} == 1 ]] && l2_mem=1216 l2_seconds=240 l2_boot_seconds=600

# of a guest of vhost-net: XDP, there or into its tap, wants it without these
no_offloads=guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,guest_uso4=off,guest_uso6=off

declare -A l2_began=()
l2_number=0

l2_alive() { # NAME
	kill -0 "${l2_pid[$1]}" 2>/dev/null
}

# l2_words NAME: what both its kernel and its QEMU said last
l2_words() {
	local dir=$tmp/l2/$1 file

	for file in qemu console; do
		[[ ! -s $dir/$file ]] || tail -n 40 "$dir/$file" | sed "s|^|# $1 $file: |" >&2
	done
}

# l2_works: or the case is skipped
l2_works() {
	if [[ $KVMFLIP_KERNEL == image-* && $KVMFLIP_ACCEL == tcg ]]; then
		diag 'an emulated host needs scripts/kernel/svm-vectoring.patch for such guests'
		exit 4
	fi
}

# l2_boot NAME [QEMU ARGUMENT]...: without waiting, so that some can boot at once
l2_boot() {
	local name=$1 dir=$tmp/l2/$1 qemu i to=('' '' '')

	shift
	l2_works
	[[ -e /run/job/l2.cpio ]] || fail 'nothing for guests to boot from: see scripts/l2.sh'
	mkdir -p "$dir"
	rm -f "$dir"/{ctl.in,ctl.out,ready,[0-9]*}
	mkfifo "$dir"/{ctl.in,ctl.out}
	# shellcheck disable=SC2054 # commas are QEMU's
	qemu=(
		qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot
		-accel kvm -cpu host -M q35,kernel-irqchip=split,graphics=off,hpet=off -smp "$l2_cpus" -m "$l2_mem"
		-kernel /run/job/l2.kernel -initrd /run/job/l2.cpio
		-append "console=hvc0 ignore_loglevel panic=-1 no_timer_check mitigations=off net.ifnames=0 $l2_args"
	)
	if ((l2_sleeps)); then
		for i in 0 1 2; do
			qemu+=(-device "pcie-root-port,id=to$i,chassis=$i")
			to[i]=",bus=to$i,x-pcie-pm-no-soft-reset=on"
		done
	fi
	# shellcheck disable=SC2054 # commas are QEMU's
	qemu+=(
		-device "virtio-serial-pci${to[0]}"
		-chardev "file,id=klog,path=$dir/console,append=on"
		-device virtconsole,chardev=klog
		-chardev "pipe,id=l2,path=$dir/ctl"
		-device virtserialport,chardev=l2,name=l2
		-fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
		-device "virtio-9p-pci,fsdev=root,mount_tag=root${to[1]}"
		-fsdev "local,id=share,path=$dir,security_model=none"
		-device "virtio-9p-pci,fsdev=share,mount_tag=share${to[2]}"
	)
	[[ -z ${uuid[$name]:-} ]] ||
		qemu+=(-device "vfio-pci,sysfsdev=/sys/bus/mdev/devices/${uuid[$name]},id=kf")
	"${qemu[@]}" "$@" </dev/null >>"$dir/qemu" 2>&1 &
	l2_pid[$name]=$!
	children+=($!)
	l2_began[$name]=${EPOCHREALTIME/./}
}

# l2_ready NAME: it takes commands
l2_ready() {
	local name=$1 end=$((SECONDS + l2_boot_seconds))

	until [[ -e $tmp/l2/$name/ready ]]; do
		l2_alive "$name" && ((SECONDS < end)) && { nap 0.05; continue; }
		l2_words "$name"
		l2_alive "$name" || fail "guest $name ended while it booted"
		fail "guest $name has not booted after $l2_boot_seconds s"
	done
	get_line end "$tmp/l2/$name/ready"
	diag "guest $name: booted in $(((${EPOCHREALTIME/./} - l2_began[$name]) / 1000)) ms, its kernel in $end s"
}

l2_start() { # NAME [QEMU ARGUMENT]...
	l2_boot "$@"
	l2_ready "$1"
}

# l2_script NAME COMMAND [ARGUMENT]..., or one word that is a script: sets l2_job and $l2_line,
# at which the guest begins with it when it is in ctl.in
l2_script() {
	local name=$1 dir=$tmp/l2/$1

	shift
	l2_alive "$name" || { l2_words "$name"; fail "guest $name is not there for: $*"; }
	# subshells count for themselves
	l2_job=$BASHPID-$((++l2_number))
	{
		echo "PATH=\$PATH:$here"
		(($# == 1)) && echo "$1" || echo "exec ${*@Q}"
	} >"$dir/$l2_job.cmd"
	l2_line="$l2_job $l2_seconds"
}

# l2_bg NAME COMMAND [ARGUMENT]...: as l2_script, and the guest begins
l2_bg() {
	l2_script "$@"
	# opened for reading too, that is never blocked by a QEMU that is gone
	echo "$l2_line" 1<>"$tmp/l2/$1/ctl.in"
}

# l2_wait NAME JOB: what it said, and its exit status
l2_wait() {
	local name=$1 file=$tmp/l2/$1/$2 end=$((SECONDS + l2_seconds + 10)) status=''

	while :; do
		get_line status "$file.rc"
		[[ -z $status ]] || break
		l2_alive "$name" && ((SECONDS < end)) && { nap 0.02; continue; }
		diag "guest $name: no end of: $(<"$file.cmd")"
		l2_words "$name"
		fail "guest $name does not answer"
	done
	[[ ! -s $file.err ]] || printf '%s\n' "$(<"$file.err")" >&2
	[[ ! -s $file.out ]] || printf '%s\n' "$(<"$file.out")"
	((status != 124)) || diag "guest $name: stopped after $l2_seconds s: $(<"$file.cmd")"
	return "$status"
}

# l2_kill NAME JOB: end what runs in the background, whose status does not matter
l2_kill() {
	local pid

	get_line pid "$tmp/l2/$1/$2.pid"
	[[ ! $pid ]] || l2_run "$1" "kill $pid" 2>/dev/null || true
	l2_wait "$1" "$2" >/dev/null 2>&1 || true
}

# l2_run NAME COMMAND [ARGUMENT]..., or one word that is a script
l2_run() {
	l2_bg "$@"
	l2_wait "$1" "$l2_job"
}

# l2_judge NAME: its kernel was well; its log goes to the others
l2_judge() {
	local dir=$tmp/l2/$1 log=$tmp/l2/$1.log status=0

	[[ -e $dir/console ]] || return 0
	cat "$dir"/{dmesg,console} >"$log" 2>/dev/null || true
	rm -f "$dir"/{dmesg,console}
	{ echo "guest $1:" && cat "$log"; } >>"$KVMFLIP_OUT/l2.log"
	[[ -s $log ]] || { diag "guest $1: its kernel said nothing"; return 1; }
	"$here/../../scripts/splats" "$log" >"$log.judged" || status=$?
	((status == 0)) || sed "s/^/# guest $1: /" "$log.judged" >&2
	return $status
}

# l2_kill_vm NAME: as a VMM that is killed
l2_kill_vm() {
	kill -KILL "${l2_pid[$1]}"
	wait "${l2_pid[$1]}" 2>/dev/null || true
	l2_judge "$1" || fail "the kernel of guest $1 was not well"
}

# l2_stop NAME: power off from outside, as one pulls a plug
l2_stop() {
	local status=0

	l2_alive "$1" || { l2_words "$1"; fail "guest $1 has ended by itself"; }
	kill -TERM "${l2_pid[$1]}"
	wait "${l2_pid[$1]}" || status=$?
	((status == 0)) || { l2_words "$1"; fail "QEMU of guest $1 ended with $status"; }
	l2_judge "$1" || fail "the kernel of guest $1 was not well"
}

# Whose kernels nobody has judged yet, in take_down
l2_end() {
	local dir status=0

	for dir in "$tmp"/l2/*/; do
		[[ -d $dir ]] || continue
		dir=${dir%/}
		(($1 == 0)) || l2_words "${dir##*/}"
		l2_judge "${dir##*/}" || status=1
	done
	return $status
}
at_end+=(l2_end)
