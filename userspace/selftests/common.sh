# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2030,SC2031,SC2034,SC2317 # each case is a subshell
# What the end-to-end tests share: KTAP, the topology, traffic, counters.
# Sourced; runs in the emulated KVM host that scripts/testbed boots.
#
#  outside                this machine ("L1")                     guests
#  ┌─────────┐   ┌──────────────────────────────────────┐  ┌────────────────┐
#  │ flipgen │══▶│ virtio ─┐          ┌ pool p ┐        │  │ flipvm         │
#  │         │══▶│ igb ────┴─▶ demux ─▶ kvmflip ├─ port a ─▶│ a: tag 0x91    │
#  └────▲────┘   │                    │        ├─ port b ─▶│ b: tag 0xb2    │
#       ║        │                    └────┬───┘        │  │    VLAN 7      │
#       ║        │   flipgen count ◀───────┘ the rest   │  └────────────────┘
#       ╚════════│ /dev/virtio-ports/gen                │
#                └──────────────────────────────────────┘

set -eE -o pipefail
shopt -s inherit_errexit

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
tools=${here%/*}
PATH=$here:$tools/kvmflip:$tools/flipvm:$tools/flipgen:$PATH

# Time-outs are for a slow emulator; nothing waits longer than it has to.
patience=30
[[ ${KVMFLIP_SLOW:-0} == 1 ]] && patience=60

# Guests: tag byte, address, VLAN. All of their bytes are of the tag's class.
declare -A tag=([a]=0x91 [b]=0xb2 [c]=0x71 [host]=0xd3)
declare -A mac=([a]=92:91:91:91:91:91 [b]=b2:b2:b2:b2:b2:b2 [c]=72:71:71:71:71:71)
declare -A vlan=([a]=0 [b]=7 [c]=0)

# --- KTAP ---------------------------------------------------------------

tests=0 failures=0

# For work on a test: the NICs to test with, a pattern of names of cases
nic_kinds=${KVMFLIP_NICS:-virtio igb}

# is_first NIC: what has little to do with the NIC runs on one kind only, but on all of
# them if there is time
is_first() {
	[[ $1 == "${nic_kinds%% *}" || ${KVMFLIP_FULL:-0} == 1 ]]
}

ktap_begin() {
	echo 'KTAP version 1'
	[[ ${KVMFLIP_KERNEL:-} ]] || {
		echo '1..0 # SKIP not in the testbed: see scripts/testbed'
		exit 4
	}
}

ktap_end() {
	((tests)) || {
		echo '1..0 # SKIP all of its cases are long, or not chosen'
		exit 4
	}
	echo "1..$tests"
	exit $((failures != 0))
}

diag() {
	printf '# %s\n' "$@" >&2
}

# fail MESSAGE...: end the test case
fail() {
	diag "$@"
	exit 1
}

on_error() {
	diag "command failed (status $1) at ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: $2"
}

# long_case NAME FUNCTION [ARG]...: one that `make check` has no time for
long_case() {
	[[ ${KVMFLIP_FULL:-0} != 1 && -z ${KVMFLIP_CASE:-} ]] || run_case "$@"
}

# attempt FUNCTION [ARG]...: a test; sets attempt_status
attempt() {
	# not as part of a condition: set -e would be off inside
	set +eE
	(
		set -eE
		tmp=/tmp/kvmflip-test.$BASHPID
		mkdir "$tmp"
		trap 'on_error $? "$BASH_COMMAND"' ERR
		trap 'take_down $?' EXIT
		"$@"
	)
	attempt_status=$?
	set -eE
}

# run_case NAME FUNCTION [ARG]...: one test in a subshell; whatever it has set
# up is taken down at its end, and that has to work too
run_case() {
	local name=$1 status start=$SECONDS

	shift
	[[ $name =~ ${KVMFLIP_CASE:-.} ]] || return 0
	tests=$((tests + 1))
	echo "kvmflip-test: case $name" >/dev/kmsg
	# not as part of a condition: set -e would be off inside
	attempt "$@"
	# only an emulator does this, and only KVM is shown by it
	if ((attempt_status == 125)); then
		diag 'once more'
		attempt "$@"
	fi
	status=$attempt_status
	if ((status == 0)); then
		echo "ok $tests - $name"
	elif ((status == 4)); then
		echo "ok $tests - $name # SKIP"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $name"
	fi
	diag "$((SECONDS - start)) s"
}

# --- Assertions ---------------------------------------------------------

equal() { # WHAT GOT WANTED
	[[ $2 == "$3" ]] || fail "$1: $2, should be $3"
}

positive() { # WHAT NUMBER
	(($2 > 0)) || fail "$1: $2, should be more than 0"
}

# refused MESSAGE COMMAND...: it has to fail, and to say why
refused() {
	local want=$1 out

	shift
	if out=$("$@" 2>&1); then
		fail "'$*' was not refused"
	fi
	[[ $out == *"$want"* ]] || fail "'$*' says: $out" "not: $want"
}

# Under an emulator a process more costs more than most of what is waited for,
# a subshell too: what is done often is done by the shell itself.
exec {nap_fd}<> <(:) # a pipe that stays empty

nap() { # SECONDS
	read -r -t "$1" -u "$nap_fd" || true
}

# wait_for WHAT COMMAND...: until it is true
wait_for() {
	local what=$1 end=$((SECONDS + patience))

	shift
	until "$@"; do
		((SECONDS < end)) || fail "no $what after $patience s"
		nap 0.1
	done
}

# --- JSON: numbers and strings out of small objects, without a process ----

# get_field VARIABLE JSON KEY: the first value of that name
get_field() {
	local re="\"$3\"[[:space:]]*:[[:space:]]*\"?([^\",}]*)"

	[[ $2 =~ $re ]] || fail "no $3 in: $2"
	printf -v "$1" %s "${BASH_REMATCH[1]}"
}

field() { # JSON KEY
	local value

	get_field value "$1" "$2"
	printf %s "$value"
}

# get_of_tag VARIABLE JSON TAG KEY: of a tally of flipgen
get_of_tag() {
	local re="\"$3\": (\{[^}]*\})"

	if [[ $2 =~ $re ]]; then
		get_field "$1" "${BASH_REMATCH[1]}" "$4"
	else
		printf -v "$1" 0
	fi
}

of_tag() { # JSON TAG KEY
	local value

	get_of_tag value "$1" "$2" "$3"
	printf %s "$value"
}

# get_line VARIABLE FILE: nothing, if there is none or it cannot be read
get_line() {
	printf -v "$1" ''
	[[ -e $2 ]] && read -r "$1" <"$2" 2>/dev/null || true
}

# --- The generator ------------------------------------------------------

gen_id=$RANDOM

# gen COMMAND...: sets $reply
gen() {
	local id=$((++gen_id)) port

	if [[ $2 == veth ]]; then
		reply=$(flipgen "$1" kvmflip-peer "${@:3}") || fail "flipgen: $*"
		return
	fi
	exec {port}<>/dev/virtio-ports/gen
	echo "$id $*" >&"$port"
	while :; do
		read -r -t 120 reply <&"$port" || fail "no answer from flipgen to: $*"
		[[ $reply == *"\"id\": \"$id\""* ]] && break
	done
	exec {port}>&-
	[[ $reply == *'"ok": true'* ]] || fail "flipgen: $reply"
}

# --- The topology -------------------------------------------------------

pins=/sys/fs/bpf/kvmflip # of the command line program
declare -A uuid=() vm=() l2_pid=()
declare -A returns=() # guests that return what they get
nics=() ports=() pools=() children=()
at_end=() # functions that take_down calls, once the children are gone

load_module() {
	[[ -d /sys/module/kvm_amd || -d /sys/module/kvm_intel ]] ||
		modprobe kvm_amd 2>/dev/null || modprobe kvm_intel
	[[ -d /sys/module/kvmflip ]] || modprobe kvmflip
}

# nic_of DRIVER: name of the netdev, under which tests know it afterwards. A veth has no
# zero-copy, and is what there is with any kernel in any machine.
nic_of() {
	local n driver

	[[ ! -e /sys/class/net/$1 ]] || return 0
	if [[ $1 == veth ]]; then
		modprobe veth
		ip link add veth type veth peer name kvmflip-peer
		ip link set kvmflip-peer up
		return
	fi
	for n in /sys/class/net/*; do
		for driver in /sys/bus/{virtio/drivers/virtio_net,pci/drivers/igb}; do
			[[ $n/device/driver -ef $driver && ${driver##*/} == "$1"* ]] || continue
			ip link set "${n##*/}" down
			ip link set "${n##*/}" name "$1"
			return 0
		done
	done
	return 1
}

has_carrier() {
	local carrier

	get_line carrier "/sys/class/net/$1/carrier"
	[[ $carrier == 1 ]]
}

# A kernel that was not made for these tests need not have zero-copy in its drivers.
nic_up() {
	nic_of "$1" || fail "no $1 NIC"
	if [[ $KVMFLIP_KERNEL == image-* && $1 != veth && $(kvmflip -j check "$1") != *' has AF_XDP zero-copy'* ]]; then
		diag "$1 has no zero-copy with this kernel"
		exit 4
	fi
	ip link set "$1" up promisc on
	wait_for "carrier on $1" has_carrier "$1"
}

# one_queue NIC: a queue keeps some 900 buffers posted, too many for a small pool
one_queue() {
	nic_of "$1" || fail "no $1 NIC"
	ethtool -L "$1" combined 1 2>/dev/null || true
}

pool_add() { # NAME SIZE [BUFFER [CHUNK]]
	kvmflip pool add "$1" size "$2" buffer "${3:-4K}" chunk "${4:-4K}"
	pools+=("$1")
}

# attach NIC POOL [WORD]...: all queues; the frames sent afterwards arrive
attach() {
	local how=()

	nic_up "$1"
	[[ $1 != veth ]] || how=(mode copy)
	kvmflip rxq attach "$1" all pool "$2" "${how[@]}" "${@:3}"
	nics+=("$1")
	wait_for "carrier on $1" has_carrier "$1"
}

detach() {
	local n=$1 i

	kvmflip rxq detach "$n" all
	for i in "${!nics[@]}"; do
		[[ ${nics[i]} == "$n" ]] && unset "nics[i]"
	done
	return 0
}

pinned() { # NIC
	[[ -e $pins/xsks-$(<"/sys/class/net/$1/ifindex") ]]
}

program_on() { # NIC
	[[ $(ip link show "$1") == *xdp* ]]
}

nothing_on() { # NIC: neither queue, nor program, nor pin
	equal "queues of $1" "$(kvmflip -j rxq show "$1")" '[]'
	wait_for "end of the program on $1" eval "! program_on $1"
	! pinned "$1" || fail "$pins still has the sockets of $1"
}

port_add() { # NAME POOL [WORD]...
	local name=$1 pool=$2 out

	shift 2
	out=$(kvmflip port add "$name" pool "$pool" mac "${mac[$name]}" \
		vlan "${vlan[$name]}" "$@")
	uuid[$name]=${out##*/}
	ports+=("$name")
}

port_del() {
	local i

	kvmflip port del "$1"
	for i in "${!ports[@]}"; do
		[[ ${ports[i]} == "$1" ]] && unset "ports[i]"
	done
	return 0
}

vm_lives() { # NAME: or else what it said
	kill -0 "${vm[$1]}" 2>/dev/null || fail "VM $1 ended: $(cat "$tmp/$1.out")"
}

vm_runs() {
	local json

	vm_lives "$1"
	get_line json "$tmp/$1.json"
	[[ $json == *'"running": true'* ]]
}

vm_start() { # NAME [OPTION]...
	local name=$1

	shift
	rm -f "$tmp/$name.json"
	flipvm --uuid "${uuid[$name]}" --tag "${tag[$name]}" \
		--report "$tmp/$name.json" "$@" >"$tmp/$name.out" 2>&1 &
	vm[$name]=$!
	children+=($!)
	[[ $* =~ hold|keep|hostile|fuzz ]] || returns[$name]=1
	wait_for "running guest $name" vm_runs "$name"
}

# vm_stop NAME: sets $report to what its guest saw
vm_stop() {
	local status=0

	vm_lives "$1"
	unset "returns[$1]"
	kill -TERM "${vm[$1]}"
	wait "${vm[$1]}" || status=$?
	report=$(tail -n 1 "$tmp/$1.out")
	((status == 0)) || fail "VM $1 ended with status $status: $(cat "$tmp/$1.out")"
}

vm_kill() {
	unset "returns[$1]"
	kill -KILL "${vm[$1]}"
	wait "${vm[$1]}" 2>/dev/null || true
}

# guest NAME KEY: what it has seen so far
guest() {
	local json

	get_line json "$tmp/$1.json"
	field "$json" "$2"
}

guest_has() { # NAME KEY COUNT
	local json value

	vm_lives "$1"
	get_line json "$tmp/$1.json"
	get_field value "$json" "$2"
	((value >= $3))
}

count_start() { # NIC: count what comes up its own stack
	flipgen count "$1" --report "$tmp/$1.count" &
	children+=($!)
	wait_for "counter on $1" test -e "$tmp/$1.count"
}

counted() { # NIC KEY: frames that were neither guest's
	of_tag "$(<"$tmp/$1.count")" "${tag[host]}" "$2"
}

counted_has() { # NIC COUNT
	(($(counted "$1" frames) >= $2))
}

# --- Counters -----------------------------------------------------------

# show OBJECT [NAME]: with counters, as JSON; for a subshell, which it ends
show() {
	exec kvmflip -j -s "$1" show "${@:2}"
}

# get_sum VARIABLE JSON PATTERN: of all counters whose names match
get_sum() {
	local _json=$2 _sum=0 # not a name that $1 may be
	local re="\"($3)\"[[:space:]]*:[[:space:]]*([0-9]+)"

	while [[ $_json =~ $re ]]; do
		_sum=$((_sum + BASH_REMATCH[2]))
		_json=${_json#*"${BASH_REMATCH[0]}"}
	done
	printf -v "$1" %s "$_sum"
}

sum_of() { # JSON PATTERN
	local value

	get_sum value "$1" "$2"
	echo "$value"
}

# stat OBJECT NAME KEY: sum over all queues, where NAME is a NIC
stat() {
	sum_of "$(show "$1" "$2")" "$3"
}

dropped() { # OBJECT NAME: for any reason
	stat "$1" "$2" 'dropped_[a-z_]+'
}

# frames_add_up OBJECT NAME: received = flipped + copied + dropped, and every
# copy has its reason
frames_add_up() {
	local json known all

	json=$(show "$1" "$2")
	get_sum known "$json" 'copied_[a-z]+'
	get_sum all "$json" copied
	equal "$1 $2: copied for any reason" "$known" "$all"
	get_sum known "$json" 'flipped|copied|dropped_[a-z_]+'
	get_sum all "$json" received
	equal "$1 $2: flipped + copied + dropped, of the frames received" "$known" "$all"
}

# pool_adds_up POOL: sets $buffers; all buffers are in one state each
pool_adds_up() {
	local json state n sum=0

	json=$(show pool "$1")
	buffers=''
	for state in free posted filled mapped returned quarantined steered; do
		get_field n "$json" "$state"
		sum=$((sum + n))
		buffers+="$state $n "
	done
	get_field n "$json" total
	equal "pool $1: sum of $buffers" "$sum" "$n"
	for state in illegal quarantined; do
		get_field n "$json" "$state"
		equal "pool $1: $state" "$n" 0
	done
}

pool_is_free() { # POOL: no buffer is anywhere else
	local json free total

	json=$(show pool "$1")
	get_field free "$json" free
	get_field total "$json" total
	((free == total))
}

received_has() { # NIC COUNT
	local json n

	json=$(show rxq "$1")
	get_sum n "$json" received
	((n >= $2))
}

# --- Traffic ------------------------------------------------------------

declare -A sent=() sent_sum=()
sent_total=0

# Frames in a row: igb drops what does not fit into its ring of 256 descriptors;
# with virtio QEMU waits for room, but the socket's RX ring has 512 entries.
declare -A rounds=([virtio]=480 [igb]=240 [veth]=240)

# traffic NIC COUNT SEED [WORD]...: in rounds, each of which has to arrive, at
# guests that make room again too, before the next one is sent, so that nothing
# is lost for want of room
traffic() {
	local nic=$1 left=$2 seed=$3 round=${round:-${rounds[$1]}} n t base frames sum

	shift 3
	base=$(stat rxq "$nic" received)
	while ((left > 0)); do
		n=$((left < round ? left : round))
		n=$((n < rounds[$nic] ? n : rounds[$nic]))
		gen send "$nic" "count=$n" "seed=$((seed++))" "$@"
		left=$((left - n))
		base=$((base + n))
		sent_total=$((sent_total + n))
		for t in "${!tag[@]}"; do
			get_of_tag frames "$reply" "${tag[$t]}" frames
			get_of_tag sum "$reply" "${tag[$t]}" checksum_sum
			sent[$t]=$((${sent[$t]:-0} + frames))
			# modulo 2^64, as everything here
			sent_sum[$t]=$((${sent_sum[$t]:-0} + sum))
		done
		for t in "${!returns[@]}"; do
			wait_for "all frames at $t" guest_has "$t" received "${sent[$t]}"
		done
		wait_for "arrival of $base frames at $nic" received_has "$nic" "$base"
	done
}

# to NAME [WEIGHT]: a destination for traffic
to() {
	echo "to=${mac[$1]}/${vlan[$1]}/${tag[$1]}/${2:-1}"
}

# everybody: both guests and every kind of frame that is for neither
everybody() {
	to a 4
	to b 4
	# their addresses, but not their VLANs
	echo "to=${mac[a]}/9/${tag[host]}/1"
	echo "to=${mac[b]}/0/${tag[host]}/1"
	echo "bcast=1 mcast=1 unknown=1 qinq=1"
}

# guest_is_whole NAME: it got its frames, all of them, and nothing else
guest_is_whole() {
	local name=$1 n

	vm_stop "$name"
	get_field n "$report" received
	equal "guest $name: received" "$n" "${sent[$name]}"
	guest_is_clean "$name"
	get_field n "$report" checksum_ok
	equal "guest $name: checksum_ok" "$n" "${sent[$name]}"
	get_field n "$report" checksum_sum
	equal "guest $name: checksum_sum" $((n + 0)) "${sent_sum[$name]}"
}

# guest_agrees NAME: what it saw ($report) is what its port says it was given
guest_agrees() {
	local key json saw given

	json=$(show port "$1")
	for key in flipped copied; do
		get_field saw "$report" $key
		get_field given "$json" $key
		equal "guest $1: $key" "$saw" "$given"
	done
}

# guest_is_clean NAME [BAD]: what it saw ($report) was its own, but for so many frames
guest_is_clean() {
	local key n

	for key in foreign_bytes misdelivered bad_desc spin_foreign; do
		get_field n "$report" "$key"
		equal "guest $1: $key (where${report##*foreign_where})" "$n" 0
	done
	get_field n "$report" checksum_bad
	((n <= ${2:-0})) || fail "guest $1: checksum_bad: $n, should be at most ${2:-0}"
}

# --- VMMs that do not answer ---------------------------------------------

# vmm_state PID: where it is, what its guest does, and whether the emulator has lost it.
# QEMU's own SVM is seen to leave the state that VMRUN has saved for the host in a guest,
# once in some thousand interrupts, which is then where the host goes on.
vmm_state() {
	local task i kvm=/sys/kernel/debug/kvm trace=/sys/kernel/tracing

	for task in "/proc/$1/task"/*; do
		diag "$(<"$task/comm"): $(sed -n 's/^State:\t//p' "$task/status"): $(head -n 5 "$task/stack" |
			sed 's/^[^ ]* //; s/ .*//' | tr '\n' ' ')"
	done
	echo 1 | tee "$trace"/events/kvm/kvm_{entry,exit}/enable >/dev/null || true
	for i in 1 2; do
		diag "what KVM has counted: $(cd "$kvm" && grep -s '[1-9]' "$1"-*/* |
			sed 's/.*\///' | tr '\n' ' ')"
		nap 0.5
	done
	echo 0 >"$trace/events/kvm/enable"
	diag "its last exits:"
	tail -n 8 "$trace/trace" | sed 's/^/# /'
	lost_by_emulator <"$trace/trace"
	echo >"$trace/trace"
}

# lost_by_emulator <TEXT: a guest is where its host leaves VMRUN
lost_by_emulator() {
	local run page lost='paging is on, which the guest never did'

	run=$(sed -n 's/^ffff\(.*\) t __svm_vcpu_run\t.*/\1/p' /proc/kallsyms)
	if [[ $run ]]; then
		printf -v page %x $((0x$run + 0xb0))
		lost+="|rip[ =]*(0x)?ffff(${run%??}|${page%??})"
	fi
	grep -qiE "$lost" || return 0
	diag "the emulator has put the state of the host into a guest"
	touch "$tmp/lost"
}

# --- The end ------------------------------------------------------------

take_down() { # STATUS of the test so far
	local status=$1 n i

	trap - ERR EXIT
	set +e
	if ((status && status != 4)); then
		for n in "${vm[@]}" "${l2_pid[@]}"; do
			! kill -0 "$n" 2>/dev/null || vmm_state "$n"
		done
	fi
	for n in "${children[@]}"; do
		kill -TERM "$n" 2>/dev/null
	done
	for n in "${children[@]}"; do
		for ((i = 0; i < 100; i++)); do
			kill -0 "$n" 2>/dev/null || break
			nap 0.1
		done
		kill -KILL "$n" 2>/dev/null
		wait "$n" 2>/dev/null
	done
	if ((status && status != 4)); then
		diag "the state at the failure:"
		kvmflip -s pool show 2>&1 | sed 's/^/# /'
		kvmflip -s rxq show 2>&1 | sed 's/^/# /'
		kvmflip -s port show 2>&1 | sed 's/^/# /'
		for n in "$tmp"/{*.out,*.json,flood}; do
			[[ -e $n ]] && sed "s|^|# ${n##*/}: |" "$n"
		done
		cat "$tmp"/*.out "$tmp"/l2/*/qemu 2>/dev/null | lost_by_emulator
	fi
	for n in "${at_end[@]}"; do
		"$n" "$status" || status=1
	done
	for n in "${nics[@]}"; do
		kvmflip rxq detach "$n" all || status=1
	done
	for n in $nic_kinds; do
		get_line i "/sys/class/net/$n/mtu"
		[[ $i == 1500 ]] || ip link set "$n" mtu 1500 2>/dev/null
	done
	for n in "${ports[@]}"; do
		kvmflip port del "$n" || status=1
	done
	for n in "${pools[@]}"; do
		for ((i = SECONDS + patience; SECONDS < i; )); do
			kvmflip pool del "$n" 2>"$tmp/pool-del" && continue 2
			nap 0.1
		done
		diag "$(<"$tmp/pool-del")" "$(kvmflip -s pool show "$n")"
		status=1
	done
	[[ ! -e $tmp/lost ]] || status=125
	rm -rf "$tmp"
	exit "$status"
}
