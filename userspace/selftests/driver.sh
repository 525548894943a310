#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest driver: what it copies and what not, and what it does when the device,
# the guest or a program of the user gets in its way.
# timeout: 600
# testbed: --mem 3072 --cpus 1
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"

device=/sys/bus/pci/drivers/kvmflip_net
l2_qemu=() # more arguments of QEMU
chunk=4K

# driver_start NAME: its guest, with the driver, up
driver_start() {
	l2_start "$1" "${l2_qemu[@]}"
	l2_run "$1" 'modprobe kvmflip_net && ip link set eth0 up'
	wait_for "carrier in guest $1" driver_is_up "$1"
}

driver_is_up() { # NAME
	# shellcheck disable=SC2016 # the guest's
	l2_run "$1" '[[ $(</sys/class/net/eth0/carrier) == 1 ]] 2>/dev/null'
}

driver_has() { # NAME COUNTER VALUE
	(($(guest_stat "$1" "$2") >= $3))
}

# driver_took NAME: it has seen every frame that its port has put into the ring
driver_took() {
	local json given

	json=$(show port "$1")
	get_sum given "$json" 'flipped|copied|to_guest'
	(($(guest_stat "$1" rx_packets) + $(guest_stat "$1" rx_xdp_drop) >= given))
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
	pool_add p 48M 2M "$chunk"
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

# get_grown BEFORE AFTER: two lines of guest_stat; sets the array $grown
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
	before=$(guest_stat a "${keys[@]}")
	flow "$nic" $((8 * frames)) size=1000-1514 "$(to a)"
	flow_end
	wait_for 'frames in guest a' driver_took a
	after=$(guest_stat a "${keys[@]}")
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

	before=$(guest_stat a "${keys[@]}")
	flow "$nic" $frames size=64-256 "$(to a)"
	flow_end
	wait_for 'frames in guest a' driver_took a
	get_grown "$before" "$(guest_stat a "${keys[@]}")"
	diag "small: ${keys[*]}: ${grown[*]}"
	equal 'small frames that were copied' "${grown[3]}" "${grown[0]}"
	equal 'bytes that were copied' "${grown[4]}" "${grown[1]}"
	equal 'slots that are held' "$(guest_stat a rx_slots_held)" '0 '

	# each for what ethtool has a letter
	l2_run a 'for i in -i -g -c -k -l; do ethtool $i eth0 >/dev/null || exit; done'
	bytes=$(l2_run a 'ethtool --set-tunable eth0 rx-copybreak 65535 &&
		ethtool --get-tunable eth0 rx-copybreak')
	[[ $bytes == *65535 ]] || fail "copybreak: $bytes"
	before=$(guest_stat a "${keys[@]}")
	flow "$nic" $frames size=1000-1514 "$(to a)"
	flow_end
	get_grown "$before" "$(guest_stat a "${keys[@]}")"
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
		before=$(guest_stat a "${keys[@]}")
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
		get_grown "$before" "$(guest_stat a "${keys[@]}")"
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

	before=$(guest_stat a "${xdp_keys[@]}")
	flow "$1" $((2 * frames)) size=300-1514 "$(to a)"
	flow_end
	wait_for 'frames in guest a' xdp_took "$before"
	get_grown "$before" "$(guest_stat a "${xdp_keys[@]}")"
	diag "${xdp_keys[*]}: ${grown[*]}"
}

xdp_took() { # BEFORE
	local i seen=0

	get_grown "$1" "$(guest_stat a "${xdp_keys[@]}")"
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
	# a host that is late costs some, for which the ring has no space
	equal 'frames sent back, and not' $((grown[2] + grown[4])) $((2 * frames))
	equal 'most of them sent back' $((grown[4] <= frames / 10)) 1
	wait_for 'completions' driver_has a tx_xdp "${grown[2]}"
	equal 'frames that the host does not like' "$(stat port a tx_errors)" 0
	veth_add v0
	l2_run a 'ethtool -K v1 gro on >/dev/null'
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
	equal 'slots that are held' "$(guest_stat a rx_slots_held)" '0 '
	xdp_send
	l2_stop a
}

# veth_add v0|v1: a pair of interfaces in the guest, one of which has the number that
# do_redirect finds from eth0's, or that finds eth0's
veth_add() {
	# shellcheck disable=SC2016 # the guest's
	l2_run a 'modprobe veth; ip link del v0 2>/dev/null
		declare -A number=([v0]=2048 [v1]=2049)
		number['"$1"']=$(($(</sys/class/net/eth0/ifindex) ^ 1024))
		ip link add v0 index ${number[v0]} type veth peer name v1 index ${number[v1]} || exit
		for i in v0 v1; do
			echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6
			ip link set $i up || exit
		done'
}

counted_at_host() { # FRAMES
	(($(of_tag "$(<"$tmp/$kf.count")" "${tag[a]}" frames) >= $1))
}

# What another interface of the guest has received goes out by the driver.
xdp_send() {
	local before keys=(tx_xdp tx_dropped tx_bad)

	veth_add v1
	l2_run a "ip link set v1 xdpdrv obj $here/xdp.bpf.o program do_redirect"
	count_start "$kf"
	before=$(guest_stat a "${keys[@]}")
	l2_run a "$tools/flipgen/flipgen send v0 to=${mac[a]}/0/${tag[a]} count=$frames \
		size=60-1514 burst=16 gap-us=5000 >/dev/null"
	wait_for 'frames at the host' counted_at_host "$frames"
	equal 'frames at the host that are whole' \
		"$(of_tag "$(<"$tmp/$kf.count")" "${tag[a]}" checksum_ok)" "$frames"
	wait_for 'completions' driver_has a tx_xdp $((${before%% *} + frames))
	get_grown "$before" "$(guest_stat a "${keys[@]}")"
	equal 'frames given to it, and lost' "${grown[*]}" "$frames 0 0"
	equal 'frames that the host does not like' "$(stat port a tx_errors)" 0
}

# Two frames where there is one otherwise
small_chunks() { # FUNCTION [ARGUMENT]...
	chunk=2K frames=1024
	"$@"
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

	read -r -a held < <(guest_stat a rx_slots_held rx_bounces_held)
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

# under_traffic NIC: frames of the NIC and of the host, in the background, till the end
under_traffic() {
	(
		trap - ERR EXIT
		while :; do
			gen send "$1" count=100 burst=4 gap-us=$gap size=64-1514 "$(to a)"
		done
	) >"$tmp/flow" 2>&1 &
	children+=($!)
	ping -q -i "$pause" -s 1400 10.9.0.2 >/dev/null 2>&1 &
	children+=($!)
}

is_closed() { # NAME
	[[ $(field "$(show port "$1")" state) == closed ]]
}

# cycles NIC N GUESTS: while frames come and go, N times each the interface goes down
# and up, the device loses its driver and gets it back, and the driver is unloaded and
# loaded; in so many guests, all but the last of which end by SIGKILL.
cycles() {
	local nic=$1 n=$(($2 / $3)) guests=$3 i start traffic

	l2_seconds=$((l2_seconds + n * 60))
	set_up "$nic"
	under_traffic "$nic"
	traffic=("${children[@]: -2}")
	for ((i = 1; i <= guests; i++)); do
		start=$SECONDS
		((i == 1)) || driver_start a
		l2_run a "again() {
				for j in {1..100}; do [[ -e /sys/class/net/eth0 ]] && break; sleep 0.1; done
				ip link set eth0 up && ip addr replace 10.9.0.2/24 dev eth0 && sleep 0.2 || exit
			}
			ping -q -i $pause -s 1400 10.9.0.1 >/dev/null 2>&1 &
			again
			cd $device && devices=(0000:*) || exit
			for ((n = 0; n < $n; n++)); do
				ip link set eth0 down; again
				echo \$devices >$device/unbind && echo \$devices >$device/bind || exit
				again
				rmmod kvmflip_net && modprobe kvmflip_net || exit
				again
			done
			kill %1"
		diag "guest $i of $guests: $n times each in $((SECONDS - start)) s"
		((i < guests)) || break
		l2_kill_vm a
		wait_for 'closed port' is_closed a
		equal 'buffers of it' "$(field "$(show port a)" mapped)" 0
	done
	kill "${traffic[@]}"
	set_address
	wait_for 'carrier in guest a' driver_is_up a
	pings
	equal 'descriptors that make no sense' "$(guest_stat a rx_bad)" '0 '
	equal 'slots returned in vain' "$(stat port a bad_returns)" 0
	l2_stop a
}

# The guest sleeps with data in a socket, as deep as there is something to wake it.
sleeps() { # NIC
	local sum

	l2_sleeps=1
	set_up "$1"
	pings
	head -c 8M /dev/urandom >"$tmp/file"
	sum=$(sha256sum <"$tmp/file")
	busybox nc -l -p 5001 <"$tmp/file" >/dev/null &
	children+=($!)
	nap 0.5
	hold
	l2_run a 'echo platform >/sys/power/pm_test'
	for i in 1 2; do
		l2_run a 'echo freeze >/sys/power/state'
		wait_for 'carrier in guest a' driver_is_up a
		pings
	done
	equal 'how often it slept' "$(l2_run a 'dmesg | grep -c "PM: suspend exit"')" 2
	touch "$tmp/l2/a/go"
	equal 'what was received' "$(l2_wait a "$holder")" "$sum"
	pings
	l2_stop a
}

# A sleep that the device loses all in; what has come and was not read is lost.
sleeps_deep() { # NIC
	local sum pipe=$tmp/monitor monitor

	mkfifo "$pipe".{in,out}
	exec {monitor}<>"$pipe.out"
	l2_sleeps=1
	l2_qemu=(-chardev "pipe,id=monitor,path=$pipe" -mon chardev=monitor)
	set_up "$1"
	pings
	head -c 2M /dev/urandom >"$tmp/file"
	sum=$(sha256sum <"$tmp/file")
	l2_run a 'echo deep >/sys/power/mem_sleep'
	l2_bg a 'echo mem >/sys/power/state'
	wait_for 'sleep' asleep
	flow "$1" $frames size=64-1514 "$(to a)"
	flow_end
	echo system_wakeup 1<>"$pipe.in"
	l2_wait a "$l2_job"
	wait_for 'carrier in guest a' driver_is_up a
	pings
	busybox nc -l -p 5001 <"$tmp/file" >/dev/null &
	children+=($!)
	nap 0.5
	equal 'what was received' "$(l2_run a 'sha256sum </dev/tcp/10.9.0.1/5001')" "$sum"
	equal 'descriptors that make no sense' "$(guest_stat a rx_bad)" '0 '
	l2_stop a
}

asleep() {
	local line

	echo info status 1<>"$pipe.in"
	while read -r -t 0.5 line <&"$monitor"; do
		[[ $line != *suspended* ]] || return 0
	done
	return 1
}

# What the host takes back by force is gone from under who has not read it; what comes
# then is whole again.
revoked() { # NIC
	local job out

	# shellcheck disable=SC2086 # words
	set_up "$1" $patient
	l2_bg a sink udp 9000 $((4 * frames)) 5 /run/l2/go
	job=$l2_job
	wait_for 'a socket' l2_run a 'grep -q :2328 /proc/net/udp6'
	flow "$1" $((6 * frames)) size=1000-1514 "$(to a)" udp=10.9.0.9/10.9.0.2/9000
	flow_end
	wait_for 'data that is held' holds
	kvmflip port reclaim a
	wait_for 'word of it in the guest' driver_has a rx_revoked_in_use 1
	positive 'buffers taken by force' "$(stat port a revoked)"
	l2_run a 'dmesg | grep -q "took memory back that held data"' || fail 'the driver does not say so'
	pings
	touch "$tmp/l2/a/go"
	out=$(l2_wait a "$job") && fail "the socket got all: $out"
	diag "the socket: $out"
	wait_for 'return of it all' nothing_held
	l2_bg a sink udp 9000 $((2 * frames)) 10
	job=$l2_job
	wait_for 'a socket' l2_run a 'grep -q :2328 /proc/net/udp6'
	flow "$1" $((3 * frames)) size=1000-1514 "$(to a)" udp=10.9.0.9/10.9.0.2/9000
	flow_end
	out=$(l2_wait a "$job") || fail "afterwards the socket got: $out"
	equal 'slots returned in vain' "$(stat port a bad_returns)" 0
	equal 'descriptors that make no sense' "$(guest_stat a rx_bad)" '0 '
	pool_adds_up p
	l2_stop a
}

nothing_held() {
	[[ $(guest_stat a rx_slots_held) == '0 ' ]]
}

# A firmware that has the window below 4 GiB: the driver says so, and works.
uncached() { # NIC
	local bar

	l2_qemu=(-M pc)
	set_up "$1"
	bar=$(l2_run a "for d in $device/0000:*; do cat \$d/resource; done" | sed -n '3s/ .*//p')
	((bar < 1 << 32)) || fail "the window lies above 4 GiB: $bar"
	l2_run a 'dmesg | grep "is not cached"' || fail 'the driver does not say that it is slow'
	pings
	flow "$1" $((2 * frames)) size=64-1514 "$(to a)"
	flow_end
	wait_for 'frames in guest a' driver_took a
	equal 'descriptors that make no sense' "$(guest_stat a rx_bad)" '0 '
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
	l2_qemu=(-gdb tcp:127.0.0.1:1234)
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

# A guest that writes anything to its device while frames come, and whose driver goes on with
# it: another guest and the host see nothing of it. That takes a driver with KUnit.
anything() { # NIC
	local nic=$1 suite=/sys/kernel/debug/kunit/kvmflip_net_wild said

	set_up "$nic"
	l2_run a "mountpoint -q /sys/kernel/debug || mount -t debugfs debug /sys/kernel/debug; [[ -d $suite ]]" || exit 4
	pings
	port_add b p max 4M
	vm_start b
	l2_bg a "echo 1 >$suite/run; cat $suite/results"
	round=64 traffic "$nic" 3000 1 size=60-1514 "$(to a)" "$(to b)"
	said=$(l2_wait a "$l2_job")
	diag "${said//$'\n'/$'\n# '}"
	[[ $said == *$'\nok 1 kvmflip_net_wild'* && $said != *SKIP* ]] || fail 'the device is not as good as new'
	vm_stop b
	guest_is_clean b
	positive "frames of b's" "$(field "$report" received)"
	wait_for 'carrier in guest a' driver_is_up a
	pings
	diag "bad returns: $(stat port a bad_returns), TX errors: $(stat port a tx_errors)"
	l2_stop a
	frames_add_up port a
	frames_add_up port b
	pool_adds_up p
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
	read -r -a held < <(guest_stat a rx_bounces_held rx_watermark_copies rx_dropped)
	diag "bounce slots held: ${held[0]}, frames copied: ${held[1]}, dropped: ${held[2]}"
	at_most 'bounce slots held' "${held[0]}" 34
	pings
	l2_stop a
}

# What a guest with the checkers can take, at most, is little.
gap=5000 pause=0.02
[[ ${KVMFLIP_SLOW:-0} == 1 ]] && gap=100000 pause=0.2

# N and GUESTS of cycles: in all 200 with the checkers, where a guest takes a minute to
# boot, and 200 of each kind in a guest without
turns=(3 2)
if [[ ${KVMFLIP_FULL:-0} == 1 ]]; then
	[[ ${KVMFLIP_SLOW:-0} == 1 ]] && turns=(60 20) || turns=(200 20)
elif [[ ${KVMFLIP_SLOW:-0} == 1 ]]; then
	turns=(2 1)
fi

ktap_begin
long_case 'zero copy' zero_copy virtio
long_case 'offloads' offloads virtio
# shellcheck disable=SC2086 # words
run_case 'XDP in the window' xdp virtio $patient
run_case 'unbind with data in a socket' unbind_held virtio
run_case 'cycles' cycles virtio "${turns[@]}"
long_case 'failure' fails virtio
long_case 'anything' anything virtio
long_case 'XDP on copies' xdp virtio latency 0
long_case 'down and up' down_and_up virtio
long_case 'sleep' sleeps virtio
long_case 'deep sleep' sleeps_deep virtio
long_case 'watermark' watermark virtio
long_case 'memory taken by force' revoked virtio
long_case 'small chunks: zero copy' small_chunks zero_copy virtio
# shellcheck disable=SC2086 # words
long_case 'small chunks: XDP' small_chunks xdp virtio $patient
long_case 'a window that is not cached' uncached virtio
ktap_end
