# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # from common.sh, l2.sh, and those who source this
# What tests of guests do on the internet's layer. Sourced after l2.sh.
#
#   this machine, "L1"                                  guests, "L2"
#   kfN  10.9.N.1, fd00:9:N::1  ──── port ────  eth0  10.9.N.2, fd00:9:N::2

# how long iperf3 runs, and how often a file is fetched
seconds=4 files=1
[[ ${KVMFLIP_FULL:-0} == 1 ]] && seconds=60 files=10

inet() { # NUMBER HOST
	printf '10.9.%d.%d' "$1" "$2"
}

inet6() { # NUMBER HOST
	printf 'fd00:9:%d::%d' "$1" "$2"
}

# kf_of NAME: sets $kf to the network device of a port
kf_of() {
	local dev text

	kf=''
	for dev in /sys/class/net/*; do
		get_line text "$dev/ifalias"
		[[ $text == "kvmflip port $1" ]] && kf=${dev##*/}
	done
	[[ $kf ]] || fail "port $1 has no network device"
}

# driver_in NAME: load it, and wait for the interface
driver_in() {
	l2_run "$1" 'modprobe kvmflip_net || exit
		for i in {1..100}; do [[ -e /sys/class/net/eth0 ]] && exit; sleep 0.1; done
		echo no interface >&2; exit 1' || fail "no driver in guest $1"
}

# both_up NAME: the interfaces at both ends, without addresses
both_up() {
	kf_of "$1"
	ip link set "$kf" up
	driver_in "$1"
	l2_run "$1" ip link set eth0 up
	wait_for "carrier on $kf" has_carrier "$kf"
}

# inet_up NAME NUMBER: both ends have addresses
inet_up() {
	both_up "$1"
	echo 0 >"/proc/sys/net/ipv6/conf/$kf/disable_ipv6"
	ip addr add "$(inet "$2" 1)/24" dev "$kf"
	ip addr add "$(inet6 "$2" 1)/64" dev "$kf" nodad
	l2_run "$1" "ip addr add $(inet "$2" 2)/24 dev eth0
		ip addr add $(inet6 "$2" 2)/64 dev eth0 nodad
		for i in {1..100}; do grep -q 1 /sys/class/net/eth0/carrier && exit; sleep 0.1; done
		echo no carrier >&2; exit 1"
}

no_loss() { # WHAT OUTPUT
	[[ $2 == *' 0% packet loss'* ]] || fail "$1: $2"
}

# ping_from NAME|host|outside ADDRESS COUNT [SECONDS]; outside is a network namespace
ping_from() {
	local out from=(l2_run "$1") command=(ping -q -c "$3" -i "${4:-0.05}" -W 10 "$2")

	[[ $1 != host ]] || from=()
	[[ $1 != outside ]] || from=(ip netns exec outside)
	out=$("${from[@]}" "${command[@]}") || fail "ping $2 from $1: $out"
	no_loss "ping $2 from $1" "$out"
	diag "$1 pings $2: ${out##*$'\n'}"
}

both_ping() { # NAME NUMBER COUNT
	ping_from host "$(inet "$2" 2)" "$3"
	ping_from host "$(inet6 "$2" 2)" "$3"
	ping_from "$1" "$(inet "$2" 1)" "$3"
	ping_from "$1" "$(inet6 "$2" 1)" "$3"
}

# served_by_dhcp NAME: an address more, of a server of the host
served_by_dhcp() {
	local address

	kf_of "$1"
	ip addr add 10.8.0.1/24 dev "$kf"
	dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface="$kf" \
		--dhcp-range=10.8.0.100,10.8.0.200 --dhcp-leasefile="$tmp/leases" \
		--user=root --group= >"$tmp/dnsmasq.out" 2>&1 &
	children+=($!)
	address=$(l2_run "$1" 'udhcpc -i eth0 -n -q -t 10 -T 2 -s /bin/true 2>&1 |
		sed -n "s/.*lease of \([0-9.]*\) .*/\1/p"') ||
		fail "no address for $1: $(<"$tmp/dnsmasq.out")"
	[[ $address == 10.8.0.1[0-9][0-9] ]] || fail "DHCP gave $1: $address"
	diag "DHCP gave $1 $address"
}

# file_from NAME URL MD5
file_from() {
	local sum i

	for ((i = 0; i < files; i++)); do
		sum=$(l2_run "$1" "wget -q -O - $2 | md5sum")
		equal "file from $2" "${sum%% *}" "$3"
	done
}

# bridge_with NIC NAME...: br0 with the NIC and ports
bridge_with() {
	local nic=$1 name

	shift
	modprobe bridge
	ip link add br0 type bridge
	at_end+=(bridge_end)
	ip link set "$nic" master br0
	for name; do
		kf_of "$name"
		ip link set "$kf" master br0 up
		# they are told by the demux program, and never need to be learnt
		bridge link set dev "$kf" learning off
		bridge fdb replace "${mac[$name]}" dev "$kf" master static
	done
	ip link set br0 up
}

bridge_end() {
	ip link del br0 2>/dev/null
	return 0
}

# switch_starts: Open vSwitch, with nothing in it
switch_starts() {
	local run=$tmp/ovs

	mkdir "$run"
	modprobe openvswitch
	export OVS_RUNDIR=$run OVS_LOGDIR=$run OVS_DBDIR=$run
	ovsdb-tool create "$run/conf.db" /usr/share/openvswitch/vswitch.ovsschema
	ovsdb-server "$run/conf.db" --remote="punix:$run/db.sock" >"$tmp/ovsdb.out" 2>&1 &
	children+=($!)
	wait_for ovsdb test -S "$run/db.sock"
	ovs-vsctl --no-wait init
	ovs-vswitchd "unix:$run/db.sock" >"$tmp/vswitchd.out" 2>&1 &
	children+=($!)
}

# number_after JSON WORD KEY: the integer part of the first KEY after the last WORD
number_after() {
	local value

	get_field value "${1##*\"$2\"}" "$3"
	printf %s "${value%%.*}"
}

# iperf_says JSON WHAT: sets $mbps, $retransmits and $lost (per mille)
iperf_says() {
	local bits re='"lost_percent":[[:space:]]*([0-9]+)(\.([0-9]))?'

	bits=$(number_after "$1" sum_received bits_per_second)
	mbps=$((bits / 1000000)) retransmits=0 lost=0
	[[ $1 != *'"retransmits"'* ]] || retransmits=$(number_after "$1" sum_sent retransmits)
	[[ ! ${1##*sum_received} =~ $re ]] || lost=$((BASH_REMATCH[1] * 10 + ${BASH_REMATCH[3]:-0}))
	positive "Mbit/s of $2" "$mbps"
	diag "iperf3 $2: $mbps Mbit/s, $retransmits sent again, $lost per mille lost"
}

# iperf ADDRESS [ARGUMENT]...: from the host
iperf() {
	local out

	out=$(iperf3 -J -c "$1" -t "$seconds" "${@:2}") || fail "iperf3 $*: $out"
	iperf_says "$out" "host to $*"
	# a probe for the tail of what was sent counts as sent again: nothing was lost then
	out=$(nstat TcpRetransSegs TcpExtTCPLossProbes TcpExtTCPTimeouts TcpExtTCPDSACKRecv 2>/dev/null |
		sed -n 's/^\(Tcp[^ ]*\) *\([0-9]*\).*/\1 \2/p') || out=''
	[[ ! $out ]] || diag "${out//$'\n'/, }"
}

# iperf_both NAME NUMBER: TCP and UDP both ways between host and guest
iperf_both() {
	local way

	# a guest that does not run for a moment should not lose what it was given
	echo 8388608 | tee /proc/sys/net/core/[rw]mem_max >/dev/null
	l2_run "$1" 'echo 8388608 | tee /proc/sys/net/core/[rw]mem_max >/dev/null; iperf3 -s -D'
	for way in '' -R; do
		# shellcheck disable=SC2086 # nothing or a word
		iperf "$(inet "$2" 2)" $way
		# shellcheck disable=SC2086
		iperf "$(inet "$2" 2)" -u -b 5M -l 1400 -w 4M $way
		((lost == 0)) || where_lost "$1"
		at_most 'UDP that was lost, per mille' "$lost" 10
	done
	iperf "$(inet6 "$2" 2)"
}

# where_lost NAME: who between host and guest has dropped what
where_lost() {
	local counters='UdpInDatagrams UdpInErrors UdpRcvbufErrors IpReasmFails'

	kf_of "$1"
	diag "queue of $kf: $(tc -s qdisc show dev "$kf" | sed -n 's/^ *Sent/sent/p')"
	# shellcheck disable=SC2086 # words
	diag "host: $(nstat -az $counters | sed 1d | tr -s '\n ' ' ')"
	diag "guest: $(l2_run "$1" "nstat -az $counters | sed 1d | tr -s '\\n ' ' '
		ip -s link show dev eth0 | grep -A1 'RX:' | tr -s '\\n ' ' '; cut -d ' ' -f 1-3 /proc/net/softnet_stat")"
}

# --- Counters of a guest ---------------------------------------------------

# guest_stat NAME COUNTER...: of ethtool -S, in one line
guest_stat() {
	local name=$1 out key text=''

	shift
	out=$(l2_run "$name" ethtool -S eth0)
	for key; do
		[[ $out =~ [[:space:]]"$key: "([0-9]+) ]] || fail "guest $name has no counter $key"
		text+="${BASH_REMATCH[1]} "
	done
	echo "$text"
}

# link_stat DIRECTORY: packets and bytes that came and went, and those that were lost
link_stat() {
	printf 'cd %s; cat {rx,tx}_{packets,bytes} {rx,tx}_{dropped,errors}' \
		"/sys/class/net/$1/statistics"
}

# links_agree NAME: all who count what passes between host and guest say the same
links_agree() {
	local host there json ethtool n i given=0 sent=0

	kf_of "$1"
	wait_for 'the end of what is under way' links_read "$1"
	get_sum n "$json" 'flipped|copied'
	get_sum given "$json" to_guest
	get_sum sent "$json" from_guest
	diag "$kf ${host[*]}; guest ${there[*]}; port: from the NIC $n, to $given, from $sent"
	equal 'received by the guest' "${there[0]}" $((given + n))
	equal 'sent by the host' "${host[2]}" "$given"
	equal 'sent by the guest' "${there[2]}" "$sent"
	equal 'received by the host' "${host[0]}" "$sent"
	equal 'bytes sent by the guest' "${there[3]}" "$(sum_of "$json" from_guest_bytes)"
	equal 'bytes sent by the host' "${host[3]}" "$(sum_of "$json" to_guest_bytes)"
	read -r n i <<<"$ethtool"
	equal 'packets of ethtool -S' "$n" "${there[0]}"
	equal 'bytes of ethtool -S' "$i" "${there[1]}"
	for i in 4 5 6 7; do
		equal 'lost at the host' "${host[i]}" 0
		equal 'lost in the guest' "${there[i]}" 0
	done
	frames_add_up port "$1"
}

# links_read NAME: asks all of them; fails if anything has come or gone meanwhile
links_read() {
	local before

	before=$(l2_run "$1" "$(link_stat eth0)")
	mapfile -t host < <(bash -c "$(link_stat "$kf")")
	json=$(show port "$1")
	ethtool=$(guest_stat "$1" rx_packets rx_bytes)
	mapfile -t there < <(l2_run "$1" "$(link_stat eth0)")
	[[ ${before//$'\n'/ } == "${there[*]}" ]]
}

# iperf_in NAME ADDRESS [ARGUMENT]...: as iperf, from a guest
iperf_in() {
	local name=$1 out

	shift
	out=$(l2_seconds=$((seconds + 60)) l2_run "$name" iperf3 -J -c "$1" -t "$seconds" "${@:2}") ||
		fail "iperf3 $* in $name: $out"
	iperf_says "$out" "$name to $*"
}

# Frames that fill buffers of 2 MiB are read by a socket from where the NIC put them.
zero_copy() { # NIC [FIGURE]
	local nic=$1 count=$((12 * frames)) was is job out name=${2:-guest}.zero_copy.$1

	load_module
	one_queue "$nic"
	pool_add p 64M 2M
	# shellcheck disable=SC2086 # words
	port_add a p max 48M $patient
	attach "$nic" p
	l2_start a
	# the host itself sends nothing
	both_up a
	l2_run a ip addr add "$(inet 1 2)/24" dev eth0
	# the first buffers have frames that were copied before their owner was known
	flow "$nic" $((4 * frames)) size=1000-1514 "$(to a)" "udp=$(inet 1 9)/$(inet 1 2)/9"
	flow_end
	l2_bg a sink udp 9000 $count 30
	job=$l2_job
	wait_for 'a socket' l2_run a 'grep -q :2328 /proc/net/udp6'
	read -ra was <<<"$(stat port a bytes_copied) $(guest_stat a rx_bytes_copied rx_zero_copy rx_window_pages)"
	flow "$nic" $((count + frames)) size=1000-1514 "$(to a)" "udp=$(inet 1 9)/$(inet 1 2)/9000"
	flow_end
	out=$(l2_wait a "$job") || fail "what the socket got: $out"
	read -ra is <<<"$(stat port a bytes_copied) $(guest_stat a rx_bytes_copied rx_zero_copy rx_window_pages)"
	diag "the socket: $out; ${was[*]}; ${is[*]}"
	figure "${name%.virtio}" "{\"frames\": $count, \"host_bytes_copied\": $((is[0] - was[0])), \"guest_bytes_copied\": $((is[1] - was[1]))}"
	equal 'bytes that the host copied' "${is[0]}" "${was[0]}"
	equal 'bytes that the guest copied' "${is[1]}" "${was[1]}"
	at_most 'frames that were read from the window' "$count" $((is[2] - was[2]))
	at_most 'pages of them in the window' "$count" $((is[3] - was[3]))
	equal 'frames that came, of those of the generator' "$(stat port a received)" $((17 * frames))
	equal 'frames of the host' "$(stat port a to_guest)" 0
	equal 'frames in the guest' "$(l2_run a cat /sys/class/net/eth0/statistics/rx_packets)" \
		"$(stat port a received)"
	frames_add_up port a
	pool_adds_up p
	l2_stop a
}
