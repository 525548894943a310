#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest driver: what it copies and what not, and what it does when the device,
# the guest or a program of the user gets in its way.
# timeout: 1800
# testbed: --mem 3072 --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"

device=/sys/bus/pci/drivers/kvmflip_net
l2_gdb=() # more arguments of QEMU

# driver_start NAME: its guest, with the driver, up
driver_start() {
	l2_start "$1" "${l2_gdb[@]}"
	l2_run "$1" 'modprobe kvmflip_net && ip link set eth0 up'
	wait_for "carrier in guest $1" driver_is_up "$1"
}

driver_is_up() { # NAME
	# shellcheck disable=SC2016 # the guest's
	l2_run "$1" '[[ $(</sys/class/net/eth0/carrier) == 1 ]] 2>/dev/null'
}

# driver_stat NAME COUNTER...: the counters' values, in one line
driver_stat() {
	local out key value='' name=$1

	out=$(l2_run "$name" ethtool -S eth0)
	shift
	for key; do
		[[ $out =~ [[:space:]]"$key: "([0-9]+) ]] || fail "guest $name has no counter $key"
		value+="${BASH_REMATCH[1]} "
	done
	echo "$value"
}

driver_has() { # NAME COUNTER VALUE
	(($(driver_stat "$1" "$2") >= $3))
}

# driver_took NAME: it has seen every frame that its port has put into the ring
driver_took() {
	local json given

	json=$(show port "$1")
	get_sum given "$json" 'flipped|copied|to_guest'
	(($(driver_stat "$1" rx_packets) + $(driver_stat "$1" rx_xdp_drop) >= given))
}

set_address() { # in the guest
	l2_run a "ip addr add 10.9.0.2/24 dev eth0
		ip neigh replace 10.9.0.1 dev eth0 lladdr $(<"/sys/class/net/$kf/address") nud permanent"
}

# set_up NIC [WORD]...: port a with its guest and an address at both ends; sets $kf
set_up() {
	local nic=$1

	shift
	load_module
	one_queue "$nic"
	pool_add p 48M 2M
	port_add a p max 40M "$@"
	attach "$nic" p
	kf=$(field "$(show port a)" ifname)
	# what is not counted here should not come in between
	echo 1 >"/proc/sys/net/ipv6/conf/$kf/disable_ipv6"
	ip addr add 10.9.0.1/24 dev "$kf"
	ip link set "$kf" up
	ip neigh replace 10.9.0.2 dev "$kf" lladdr "${mac[a]}" nud permanent
	driver_start a
	set_address
}

pings() { # both ways
	ping -q -c 3 -i 0.2 -W 5 10.9.0.2 >/dev/null || fail 'no answer from the guest'
	l2_run a 'ping -q -c 3 -i 0.2 -W 5 10.9.0.1 >/dev/null' || fail 'no answer to the guest'
}

# get_grown BEFORE AFTER: two lines of driver_stat; sets the array $grown
get_grown() {
	local -a before after
	local i

	read -r -a before <<<"$1"
	read -r -a after <<<"$2"
	grown=()
	for i in "${!after[@]}"; do
		grown[i]=$((after[i] - before[i]))
	done
}

# Large frames lie in the window, small ones are copied, and the bytes are counted.
zero_copy() { # NIC
	local nic=$1 before after bytes
	local -a keys=(rx_packets rx_bytes rx_zero_copy rx_copied rx_bytes_copied \
		rx_window_pages rx_bounced rx_bad)

	# shellcheck disable=SC2086 # words
	set_up "$nic" $patient
	before=$(driver_stat a "${keys[@]}")
	flow "$nic" $((8 * frames)) size=1000-1514 "$(to a)"
	flow_end
	wait_for 'frames in guest a' driver_took a
	after=$(driver_stat a "${keys[@]}")
	get_grown "$before" "$after"
	diag "large: ${keys[*]}: ${grown[*]}"
	positive 'frames' "${grown[0]}"
	equal 'frames that were copied' "${grown[3]} ${grown[4]}" '0 0'
	equal 'frames that were not copied' "${grown[2]}" "${grown[0]}"
	equal 'frames that the host has copied' "${grown[6]}" "$(stat port a copied)"
	at_most 'of them' "${grown[6]}" $((frames / 2))
	# of copies some lie across two pages
	at_most 'pages of the window that they are made of' "${grown[5]}" \
		$((grown[0] + grown[6]))
	at_most 'frames that are not made of such' "${grown[0]}" "${grown[5]}"
	equal 'descriptors that make no sense' "${grown[7]}" 0

	before=$(driver_stat a "${keys[@]}")
	flow "$nic" $frames size=64-256 "$(to a)"
	flow_end
	wait_for 'frames in guest a' driver_took a
	get_grown "$before" "$(driver_stat a "${keys[@]}")"
	diag "small: ${keys[*]}: ${grown[*]}"
	equal 'small frames that were copied' "${grown[3]}" "${grown[0]}"
	equal 'bytes that were copied' "${grown[4]}" "${grown[1]}"
	equal 'slots that are held' "$(driver_stat a rx_slots_held)" '0 '

	# each for what ethtool has a letter
	l2_run a 'for i in -i -g -c -k -l; do ethtool $i eth0 >/dev/null || exit; done'
	bytes=$(l2_run a 'ethtool --set-tunable eth0 rx-copybreak 65535 &&
		ethtool --get-tunable eth0 rx-copybreak')
	[[ $bytes == *65535 ]] || fail "copybreak: $bytes"
	before=$(driver_stat a "${keys[@]}")
	flow "$nic" $frames size=1000-1514 "$(to a)"
	flow_end
	get_grown "$before" "$(driver_stat a "${keys[@]}")"
	equal 'frames that were not copied, as asked for' "${grown[2]}" 0
	l2_stop a
}

# What is sent arrives whole, whoever computes its checksums and cuts it up.
offloads() { # NIC
	local before keys=(tx_gso tx_csum tx_dropped tx_bad rx_net_hdr rx_bad)

	set_up "$1"
	pings
	head -c 2M /dev/urandom >"$tmp/l2/a/file"
	sum=$(sha256sum <"$tmp/l2/a/file")
	for how in 'tso on gso on' 'tso off gso off' 'tx off rx off'; do
		before=$(driver_stat a "${keys[@]}")
		l2_run a "ethtool -K eth0 $how >/dev/null"
		busybox nc -l -p 5001 <&"$nap_fd" >"$tmp/got" &
		children+=($!)
		nap 0.5
		l2_run a 'cat /run/l2/file >/dev/tcp/10.9.0.1/5001'
		wait $!
		equal "what was sent with $how" "$(sha256sum <"$tmp/got")" "$sum"
		busybox nc -l -p 5001 <"$tmp/l2/a/file" >/dev/null &
		children+=($!)
		nap 0.5
		equal "what was received with $how" \
			"$(l2_run a 'sha256sum </dev/tcp/10.9.0.1/5001')" "$sum"
		get_grown "$before" "$(driver_stat a "${keys[@]}")"
		diag "$how: ${keys[*]}: ${grown[*]}"
		equal "frames dropped, and nonsense, with $how" \
			"${grown[2]} ${grown[3]} ${grown[5]}" '0 0 0'
		[[ $how == tso\ on* ]] && positive 'frames left to the host to cut up' "${grown[0]}"
	done
	l2_stop a
}

xdp_load() { # PROGRAM
	l2_run a "ip link set eth0 xdp off && ip link set eth0 xdpdrv obj $here/xdp.bpf.o program do_$1"
}

# xdp_flow NIC: sets $grown
xdp_flow() {
	local before

	before=$(driver_stat a "${xdp_keys[@]}")
	flow "$1" $((2 * frames)) size=300-1514 "$(to a)"
	flow_end
	wait_for 'frames in guest a' xdp_took "$before"
	get_grown "$before" "$(driver_stat a "${xdp_keys[@]}")"
	diag "${xdp_keys[*]}: ${grown[*]}"
}

xdp_took() { # BEFORE
	local i seen=0

	get_grown "$1" "$(driver_stat a "${xdp_keys[@]}")"
	for i in "${!grown[@]}"; do
		((i > 4)) || seen=$((seen + grown[i]))
	done
	((seen >= 2 * frames))
}

# What programs do with frames, where they lie (@patient) and where they were copied.
xdp() { # NIC [WORD]...
	local nic=$1
	xdp_keys=(rx_packets rx_xdp_drop rx_xdp_tx rx_xdp_redirect rx_xdp_errors \
		rx_bad rx_copied rx_zero_copy tx_xdp tx_dropped)

	set_up "$@"
	ping -q -c 1 -W 5 10.9.0.2 >/dev/null
	xdp_load pass
	pings
	xdp_flow "$nic"
	equal 'frames passed' "${grown[0]} ${grown[1]} ${grown[4]}" "$((2 * frames)) 0 0"
	xdp_load move
	xdp_flow "$nic"
	equal 'frames made longer' "${grown[0]} ${grown[4]}" "$((2 * frames)) 0"
	xdp_load drop
	xdp_flow "$nic"
	equal 'frames dropped' "${grown[0]} ${grown[1]} ${grown[4]}" "0 $((2 * frames)) 0"
	xdp_load tx
	xdp_flow "$nic"
	equal 'frames sent back' "${grown[2]} ${grown[4]}" "$((2 * frames)) 0"
	wait_for 'completions' driver_has a tx_xdp $((2 * frames))
	equal 'frames that the host does not like' "$(stat port a tx_errors)" 0
	l2_run a 'modprobe veth && ip link add v0 index 100 type veth peer name v1 &&
		ip link set v0 up && ip link set v1 up && ethtool -K v1 gro on >/dev/null'
	xdp_load redirect
	xdp_flow "$nic"
	equal 'frames given to another' "${grown[3]} ${grown[4]}" "$((2 * frames)) 0"
	# shellcheck disable=SC2016 # the guest's
	equal 'frames it got' "$(l2_run a 'echo $(($(</sys/class/net/v1/statistics/rx_packets) / 1000))')" \
		$((2 * frames / 1000))
	xdp_load pass
	pings
	l2_run a 'ip link set eth0 xdp off'
	pings
	equal 'slots that are held' "$(driver_stat a rx_slots_held)" '0 '
	l2_stop a
}

# hold: a socket in the guest with what it has not read; goes on when told to
hold() {
	# shellcheck disable=SC2016 # the guest's
	l2_bg a 'exec 3<>/dev/tcp/10.9.0.1/5001; touch /run/l2/hold
		until [[ -e /run/l2/go ]]; do sleep 0.2; done
		head -c 8388608 <&3 | sha256sum'
	holder=$l2_job
	wait_for 'connection' test -e "$tmp/l2/a/hold"
	wait_for 'data that is held' holds
}

holds() {
	local held

	read -r -a held < <(driver_stat a rx_slots_held rx_bounces_held)
	((held[0] + held[1] > 1))
}

# An interface that goes down and comes up again does not lose what sockets have.
down_and_up() { # NIC
	local sum

	set_up "$1"
	head -c 8M /dev/urandom >"$tmp/file"
	sum=$(sha256sum <"$tmp/file")
	busybox nc -l -p 5001 <"$tmp/file" >/dev/null &
	children+=($!)
	nap 0.5
	hold
	l2_run a 'for i in 1 2 3; do ip link set eth0 down; sleep 0.3; ip link set eth0 up; done'
	pings
	touch "$tmp/l2/a/go"
	equal 'what was received' "$(l2_wait a "$holder")" "$sum"
	pings
	l2_stop a
}

# The driver goes when nobody has anything of it any more, and not before.
unbind_held() { # NIC
	local n

	set_up "$1"
	head -c 8M /dev/zero | tr '\0' 'x' >"$tmp/file"
	busybox nc -l -p 5001 <"$tmp/file" >/dev/null &
	children+=($!)
	nap 0.5
	# shellcheck disable=SC2016 # the guest's
	l2_bg a 'exec 3<>/dev/tcp/10.9.0.1/5001; touch /run/l2/hold
		until [[ -e /run/l2/go ]]; do sleep 0.2; done
		head -c 30000 <&3 | tr -d x | wc -c; exec 3<&-'
	holder=$l2_job
	wait_for 'data that is held' holds
	l2_bg a "for d in $device/0000:*; do echo \${d##*/} >$device/unbind; done"
	n=$l2_job
	nap 12
	[[ ! -e $tmp/l2/a/$n.rc ]] || fail 'the driver is gone'
	l2_run a 'dmesg | grep -q "waiting until what was received"' || fail 'it does not say why'
	touch "$tmp/l2/a/go"
	equal 'bytes that are not what was sent' "$(l2_wait a "$holder")" 0
	l2_wait a "$n"
	l2_run a "modprobe -r kvmflip_net && modprobe kvmflip_net && ip link set eth0 up"
	set_address
	wait_for 'carrier in guest a' driver_is_up a
	pings
	l2_stop a
}

# Loaded and unloaded, bound and unbound, up and down while frames come in.
cycles() { # NIC N
	local i n=$2 nic=$1

	set_up "$nic"
	flow "$nic" $((200 * frames)) size=64-1514 "$(to a)"
	ping -q -f -s 1400 -w 100 10.9.0.2 >/dev/null 2>&1 &
	children+=($!)
	for ((i = 0; i < n; i++)); do
		l2_run a "ip link set eth0 down; ip link set eth0 up; sleep 0.2
			for d in $device/0000:*; do
				echo \${d##*/} >$device/unbind && echo \${d##*/} >$device/bind || exit
			done
			ip link set eth0 up; sleep 0.2
			rmmod kvmflip_net && modprobe kvmflip_net && ip link set eth0 up"
	done
	kill $!
	set_address
	wait_for 'carrier in guest a' driver_is_up a
	pings
	equal 'descriptors that make no sense' "$(driver_stat a rx_bad)" '0 '
	equal 'slots returned in vain' "$(stat port a bad_returns)" 0
	l2_stop a
}

# The guest sleeps, as far as it can without firmware. Its file systems do not wake
# up again, so it has in memory all that it needs afterwards.
sleeps() { # NIC
	local sum

	set_up "$1"
	head -c 2M /dev/urandom >"$tmp/file"
	sum=$(sha256sum <"$tmp/file")
	busybox nc -l -p 5001 <"$tmp/file" >/dev/null &
	children+=($!)
	busybox nc -l -p 5002 <&"$nap_fd" >"$tmp/got" &
	children+=($!)
	nap 0.5
	# shellcheck disable=SC2016 # the guest's
	l2_bg a 'exec 3<>/dev/tcp/10.9.0.1/5001 4<>/dev/tcp/10.9.0.1/5002
		touch /run/l2/hold; head -c 1 /dev/zero >/dev/null
		echo devices >/sys/power/pm_test
		read -r -t 3 <> <(:)
		echo freeze >/sys/power/state
		head -c 2097152 <&3 >&4
		exec 3>&- 4>&-'
	wait_for 'connections' test -e "$tmp/l2/a/hold"
	wait_for 'data that is held' holds
	wait_for 'end of the sleep' grep -q 'PM: suspend exit' "$tmp/l2/a/console"
	wait_for 'answer' ping -q -c 1 -W 1 10.9.0.2
	wait $!
	equal 'what was received' "$(sha256sum <"$tmp/got")" "$sum"
	ping -q -c 10 -i 0.1 -W 5 10.9.0.2 >/dev/null || fail 'no answer from the guest'
	l2_stop a
}

# gdb_say FD TEXT: a packet of the remote protocol, and the answer to it
gdb_say() {
	local fd=$1 text=$2 sum=0 i

	for ((i = 0; i < ${#text}; i++)); do
		sum=$(((sum + $(printf %d "'${text:i:1}")) % 256))
	done
	printf '$%s#%02x' "$text" $sum >&"$fd"
	read -r -t 5 -d '#' i <&"$fd" || fail "no answer to $text"
	[[ $i == *OK ]] || fail "$text: $i"
	read -r -t 5 -N 2 i <&"$fd"
	printf + >&"$fd"
}

# A driver whose rings are broken starts again.
fails() { # NIC
	local bar gdb

	load_module
	l2_gdb=(-gdb tcp:127.0.0.1:1234)
	set_up "$1"
	pings
	bar=$(l2_run a "for d in $device/0000:*; do cat \$d/resource; done" | sed -n '3s/ .*//p')
	exec {gdb}<>/dev/tcp/127.0.0.1/1234
	gdb_say "$gdb" Qqemu.PhyMemMode:1
	# the consumer's index of the RX ring, at the beginning of the window
	gdb_say "$gdb" "M$(printf %x $((bar + 64))),4:ffffff7f"
	gdb_say "$gdb" D
	exec {gdb}>&-
	ping -q -c 2 -W 1 10.9.0.2 >/dev/null || true
	wait_for 'restart' l2_run a 'dmesg | grep -q restarted'
	wait_for 'carrier in guest a' driver_is_up a
	pings
	l2_stop a
}

# Readers that do not read: what they hold is bounded, and others go on.
watermark() { # NIC
	local held i

	set_up "$1"
	for ((i = 0; i < 40; i++)); do
		busybox nc -l -p $((6000 + i)) </dev/zero >/dev/null &
		children+=($!)
	done
	nap 1
	# shellcheck disable=SC2016 # the guest's
	l2_bg a 'for ((i = 0; i < 40; i++)); do
			eval "exec $((100 + i))<>/dev/tcp/10.9.0.1/$((6000 + i))" || exit
		done
		touch /run/l2/hold; sleep 30'
	wait_for 'connections' test -e "$tmp/l2/a/hold"
	wait_for 'copies' driver_has a rx_watermark_copies 1
	nap 2
	read -r -a held < <(driver_stat a rx_bounces_held rx_watermark_copies rx_dropped)
	diag "bounce slots held: ${held[0]}, frames copied: ${held[1]}, dropped: ${held[2]}"
	at_most 'bounce slots held' "${held[0]}" 34
	pings
	l2_stop a
}

cycles=3
[[ ${KVMFLIP_FULL:-0} == 1 ]] && cycles=200

ktap_begin
long_case 'zero copy' zero_copy virtio
long_case 'offloads' offloads virtio
# shellcheck disable=SC2086 # words
run_case 'XDP in the window' xdp virtio $patient
run_case 'unbind with data in a socket' unbind_held virtio
run_case 'cycles' cycles virtio $cycles
long_case 'failure' fails virtio
long_case 'XDP on copies' xdp virtio latency 0
long_case 'down and up' down_and_up virtio
long_case 'sleep' sleeps virtio
long_case 'watermark' watermark virtio
ktap_end
