#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The commands of README.md and of the documentation, as they are written there. Those of
# a block are run one after the other, in a machine that is set up as the text before them
# has left it; what is not run has a reason.
# full
# timeout: 1500
# testbed: --mem 3072
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"
. "$(dirname "$0")/installed.sh"

checkout=$here/../..

# why_not COMMAND: sets $reason, if it is not run
why_not() {
	reason=''
	case $1 in
	make* | scripts/*) reason='on the machine that it is built on: scripts/suites/commands' ;;
	systemctl*) reason='scripts/suites/debian has systemd' ;;
	kubectl*) reason='there is no Kubernetes' ;;
	setsebool*) reason='there is no SELinux' ;;
	*numa_node*) [[ -d /sys/devices/system/node ]] || reason='a kernel without NUMA' ;;
	ovs-*) type -P ovs-vswitchd >/dev/null || reason='there is no Open vSwitch' ;;
	mdevctl*) type -P mdevctl >/dev/null || reason='there is no mdevctl' ;;
	bpftrace*) [[ -e /sys/kernel/btf/vmlinux ]] || reason='a kernel without BTF' ;;&
	bpftrace* | perf*) type -P "${1%% *}" >/dev/null || reason="there is no ${1%% *}" ;;
	esac
}

bridge_gone() {
	# Open vSwitch itself has ended by now
	[[ ! -e /sys/class/net/ovs-system ]] || ovs-dpctl del-dp ovs-system
	ip link del br0 2>/dev/null
	return 0
}

all_gone() {
	local name

	mdevctl stop -u "$example_uuid" 2>/dev/null || true
	mdevctl undefine -u "$example_uuid" 2>/dev/null || true
	[[ $(kvmflip -j rxq) == '[]' ]] || kvmflip rxq detach eth1 all
	for name in $(kvmflip port | sed -n 's/^\([^ ]*\): .*/\1/p'); do
		kvmflip port del "$name"
	done
	for name in $(kvmflip pool | sed -n 's/^\([^ ]*\): .*/\1/p'); do
		wait_for "end of pool $name" kvmflip pool del "$name"
	done
}

# what the text takes for granted: all of it, but what the block makes itself
stage() { # BLOCK
	mkdir -p /etc/kvmflip/ports /etc/mdevctl.d/scripts.d/callouts /var/lib/node_exporter
	printf 'pool add p0 size 256M buffer 2M\nrxq attach eth1 all pool p0\n' >/etc/kvmflip/config
	cp "$examples/kvmflip-port" "/etc/kvmflip/ports/$example_uuid"
	cp "$tools/kvmflip/mdevctl-callout" /etc/mdevctl.d/scripts.d/callouts/kvmflip
	load_module
	if [[ $1 == *insmod* ]]; then
		rmmod kvmflip
		cp "$(modinfo -n kvmflip)" src/host/
		return
	fi
	at_end+=(all_gone bridge_gone stage_gone)
	modprobe bridge
	nic_of igb
	ip link set igb down
	ip link set igb name eth1
	ip link set eth1 up
	ethtool -L eth1 combined 2 >/dev/null
	wait_for 'carrier' has_carrier eth1
	[[ $1 == *'pool add p0'* ]] || kvmflip pool add p0 size 256M buffer 2M
	[[ $1 == *'rxq attach eth1 all'* ]] || kvmflip rxq attach eth1 all pool p0
	[[ $1 == *'port add vm1'* || $1 == *mdevctl* ]] ||
		kvmflip port add vm1 pool p0 mac 52:54:00:00:01:01 uuid "$example_uuid"
	[[ $1 == *'link add br0'* || $1 == *'add-br br0'* ]] || ip link add br0 type bridge
	[[ $1 != *'bridge '*kf0* || $1 == *'master br0'* ]] || ip link set kf0 master br0
	[[ $1 != *'vlan add dev eth1'* ]] || ip link set eth1 master br0
	[[ $1 != *ovs-* ]] || switch_starts
	if [[ $1 == *kvmflip_net* ]]; then
		uuid[vm1]=$example_uuid
		l2_start vm1
	fi
}

stage_gone() {
	local rule

	for rule in $(ethtool -n eth1 2>/dev/null | sed -n 's/^Filter: //p'); do
		ethtool -N eth1 delete "$rule"
	done
	ethtool -X eth1 default 2>/dev/null || true
	ip link set eth1 down
	ip link set eth1 name igb
}

# run_as_written COMMAND: with other words for those that stand for them
run_as_written() {
	local line=$1 text status=0 limit=60

	line=${line//UUID/$example_uuid}
	line=${line//USER/nobody}
	line=${line/ ... / -nodefaults -display none -M q35,accel=kvm -cpu host -m 256 }
	if [[ $line == *GROUP* ]]; then
		text=$(readlink "/sys/bus/mdev/devices/$example_uuid/iommu_group")
		line=${line//GROUP/${text##*/}}
	fi
	# the one of a port that was given none is random
	text=$(kvmflip -j port show vm1 2>/dev/null) || text=''
	[[ $line != *flipvm* ]] || line=${line/"$example_uuid"/$(field "$text" uuid)}
	# these do not end by themselves
	[[ ! $line =~ flipvm|monitor|trace ]] || limit=6
	[[ $line != qemu* ]] || limit=20
	timeout -s INT $limit bash -ec "$line" >"$tmp/said" 2>&1 </dev/null || status=$?
	((status == 0 || status == 124 || status == 130)) ||
		fail "$where: $line: status $status" "$(<"$tmp/said")"
	((status != 124 || limit < 60)) || fail "$where: $line: does not end"
	if [[ $line == qemu* ]]; then
		((status == 124)) || fail "$where: $line: has ended" "$(<"$tmp/said")"
	fi
}

# block NUMBER: of those of the file in $commands
block() {
	local all command where run=0

	all=$(awk -F '\t' -v block="$1" '$2 == block { print $3 }' "$commands")
	cd "$checkout"
	while IFS= read -r command; do
		why_not "$command"
		[[ $reason ]] || run=1
	done <<<"$all"
	((!run)) || stage "$all"
	while IFS=$'\t' read -r where _ command; do
		why_not "$command"
		if [[ $reason ]]; then
			diag "$where: $command: not run: $reason"
		elif [[ ${l2_pid[vm1]:-} ]]; then
			l2_run vm1 "$command" || fail "$where: $command"
		else
			run_as_written "$command"
		fi
	done < <(awk -F '\t' -v block="$1" '$2 == block' "$commands")
	[[ ! ${l2_pid[vm1]:-} ]] || l2_stop vm1
	((run)) || exit 4
}

[[ $nic_kinds == *igb* ]] || { echo '1..0 # SKIP no igb'; exit 4; }
ln -sf "$tools/kvmflip/kvmflip" /usr/local/sbin/
commands=/tmp/commands
ktap_begin
while read -r file; do
	(cd "$checkout" && scripts/documented "$file") >$commands
	while read -r number; do
		run_case "${file##*/}:$number" block "$number"
	done < <(cut -f 2 $commands | uniq)
done < <(cd "$checkout" && printf '%s\n' README.md Documentation/*.rst Documentation/man/*)
ktap_end
