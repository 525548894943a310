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

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$(cd "$here/.." && pwd)
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

ktap_begin() {
	echo 'KTAP version 1'
	[[ -e /dev/virtio-ports/gen ]] || {
		echo '1..0 # SKIP not in the testbed: see scripts/testbed'
		exit 4
	}
}

ktap_end() {
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

# run_case NAME FUNCTION [ARG]...: one test in a subshell; whatever it has set
# up is taken down at its end, and that has to work too
run_case() {
	local name=$1 status=0 start=$SECONDS

	shift
	[[ $name =~ ${KVMFLIP_CASE:-.} ]] || return 0
	tests=$((tests + 1))
	echo "kvmflip-test: case $name" >/dev/kmsg
	# not as part of a condition: set -e would be off inside
	set +eE
	(
		set -eE
		tmp=$(mktemp -d /tmp/kvmflip-test.XXXXXX)
		trap 'on_error $? "$BASH_COMMAND"' ERR
		trap 'take_down $?' EXIT
		"$@"
	)
	status=$?
	set -eE
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

# Under an emulator a process more costs more than most of what is waited for:
# what a loop needs is done by the shell itself.
nothing=/tmp/kvmflip-nothing.$$
mkfifo "$nothing"
exec {nap_fd}<>"$nothing"
rm "$nothing"

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

# field JSON KEY: the first value of that name
field() {
	local re="\"$2\"[[:space:]]*:[[:space:]]*\"?([^\",}]*)"

	[[ $1 =~ $re ]] || fail "no $2 in: $1"
	printf '%s' "${BASH_REMATCH[1]}"
}

# of_tag JSON TAG KEY: of a tally of flipgen
of_tag() {
	local re="\"$2\": (\{[^}]*\})"

	if [[ $1 =~ $re ]]; then
		field "${BASH_REMATCH[1]}" "$3"
	else
		echo 0
	fi
}

# --- The generator ------------------------------------------------------

gen_id=$RANDOM

# gen COMMAND...: sets $reply
gen() {
	local id=$((++gen_id)) port

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

declare -A uuid=() vm=()
nics=() ports=() pools=() children=()

load_module() {
	[[ -d /sys/module/kvm_amd || -d /sys/module/kvm_intel ]] ||
		modprobe kvm_amd 2>/dev/null || modprobe kvm_intel
	[[ -d /sys/module/kvmflip ]] || modprobe kvmflip
}

# nic_of DRIVER: name of the netdev, under which tests know it afterwards
nic_of() {
	local n driver

	for n in /sys/class/net/*; do
		[[ -e $n/device/driver ]] || continue
		driver=$(readlink "$n/device/driver")
		driver=${driver##*/}
		[[ ${driver%_net} == "$1" ]] || continue
		[[ ${n##*/} == "$1" ]] || {
			ip link set "${n##*/}" down
			ip link set "${n##*/}" name "$1"
		}
		return 0
	done
	return 1
}

has_carrier() {
	[[ $(<"/sys/class/net/$1/carrier") == 1 ]] 2>/dev/null
}

nic_up() {
	nic_of "$1" || fail "no $1 NIC"
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
	nic_up "$1"
	kvmflip rxq attach "$1" all pool "$2" "${@:3}"
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

vm_runs() {
	kill -0 "${vm[$1]}" 2>/dev/null || fail "VM $1: $(cat "$tmp/$1.out")"
	[[ -e $tmp/$1.json && $(<"$tmp/$1.json") == *'"running": true'* ]]
}

vm_start() { # NAME [OPTION]...
	local name=$1

	shift
	rm -f "$tmp/$name.json"
	flipvm --uuid "${uuid[$name]}" --tag "${tag[$name]}" \
		--report "$tmp/$name.json" "$@" >"$tmp/$name.out" 2>&1 &
	vm[$name]=$!
	children+=($!)
	wait_for "running guest $name" vm_runs "$name"
}

# vm_stop NAME: sets $report to what its guest saw
vm_stop() {
	local status=0

	kill -TERM "${vm[$1]}"
	wait "${vm[$1]}" || status=$?
	report=$(tail -n 1 "$tmp/$1.out")
	((status == 0)) || fail "VM $1 ended with status $status: $(cat "$tmp/$1.out")"
}

vm_kill() {
	kill -KILL "${vm[$1]}"
	wait "${vm[$1]}" 2>/dev/null || true
}

# guest NAME KEY: as the guest says while it runs
guest() {
	field "$(<"$tmp/$1.json")" "$2"
}

guest_has() { # NAME KEY COUNT
	(($(guest "$1" "$2") >= $3))
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

show() { # OBJECT [NAME]: with counters, as JSON
	kvmflip -j -s "$1" show "${@:2}"
}

# sum_of JSON PATTERN: of all counters whose names match
sum_of() {
	local json=$1 sum=0
	local re="\"($2)\"[[:space:]]*:[[:space:]]*([0-9]+)"

	while [[ $json =~ $re ]]; do
		sum=$((sum + BASH_REMATCH[2]))
		json=${json#*"${BASH_REMATCH[0]}"}
	done
	echo "$sum"
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
	local json

	json=$(show "$1" "$2")
	equal "$1 $2: copied for any reason" "$(sum_of "$json" 'copied_[a-z]+')" \
		"$(sum_of "$json" copied)"
	equal "$1 $2: flipped + copied + dropped, of the frames received" \
		"$(sum_of "$json" 'flipped|copied|dropped_[a-z_]+')" \
		"$(sum_of "$json" received)"
}

# pool_adds_up POOL: sets $buffers; all buffers are in one state each
pool_adds_up() {
	local json state sum=0

	json=$(show pool "$1")
	buffers=''
	for state in free posted filled mapped returned quarantined; do
		sum=$((sum + $(field "$json" "$state")))
		buffers+="$state $(field "$json" "$state") "
	done
	equal "pool $1: sum of $buffers" "$sum" "$(field "$json" total)"
	equal "pool $1: illegal transitions" "$(field "$json" illegal)" 0
	equal "pool $1: quarantined" "$(field "$json" quarantined)" 0
}

pool_is_free() { # POOL: no buffer is anywhere else
	local json

	json=$(show pool "$1")
	[[ $(field "$json" free) == "$(field "$json" total)" ]]
}

received_has() { # NIC COUNT
	(($(stat rxq "$1" received) >= $2))
}

# --- Traffic ------------------------------------------------------------

declare -A sent=() sent_sum=()
sent_total=0

# Frames in a row: igb drops what does not fit into its ring of 256 descriptors;
# with virtio QEMU waits for room, but the socket's RX ring has 512 entries.
declare -A rounds=([virtio]=480 [igb]=240)

# traffic NIC COUNT SEED [WORD]...: in rounds, each of which has to arrive
# before the next one is sent, so that nothing is lost for want of room
traffic() {
	local nic=$1 left=$2 seed=$3 round=${round:-${rounds[$1]}} n t base

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
			sent[$t]=$((${sent[$t]:-0} + $(of_tag "$reply" "${tag[$t]}" frames)))
			# modulo 2^64, as everything here
			sent_sum[$t]=$((${sent_sum[$t]:-0} + $(of_tag "$reply" "${tag[$t]}" checksum_sum)))
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
	local name=$1

	vm_stop "$name"
	equal "guest $name: received" "$(field "$report" received)" "${sent[$name]}"
	guest_is_clean "$name"
	equal "guest $name: checksum_ok" "$(field "$report" checksum_ok)" "${sent[$name]}"
	equal "guest $name: checksum_sum" $(($(field "$report" checksum_sum) + 0)) \
		"${sent_sum[$name]}"
}

# guest_agrees NAME: what it saw ($report) is what its port says it was given
guest_agrees() {
	local key json

	json=$(show port "$1")
	for key in flipped copied; do
		equal "guest $1: $key" "$(field "$report" $key)" "$(field "$json" $key)"
	done
}

# guest_is_clean NAME: what it saw ($report) was its own
guest_is_clean() {
	local key

	for key in checksum_bad foreign_bytes misdelivered bad_desc spin_foreign; do
		equal "guest $1: $key ($(field "$report" foreign_where) ${report##*foreign_where})" \
			"$(field "$report" "$key")" 0
	done
}

# --- The end ------------------------------------------------------------

take_down() { # STATUS of the test so far
	local status=$1 n i

	trap - ERR EXIT
	set +e
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
	if ((status)); then
		diag "the state at the failure:"
		kvmflip -s pool show 2>&1 | sed 's/^/# /'
		kvmflip -s rxq show 2>&1 | sed 's/^/# /'
		kvmflip -s port show 2>&1 | sed 's/^/# /'
		for n in "$tmp"/*.out "$tmp"/*.json; do
			[[ -e $n ]] && sed "s|^|# ${n##*/}: |" "$n"
		done
	fi
	for n in "${nics[@]}"; do
		kvmflip rxq detach "$n" all || status=1
	done
	for n in $nic_kinds; do
		ip link set "$n" mtu 1500 2>/dev/null
	done
	for n in "${ports[@]}"; do
		kvmflip port del "$n" || status=1
	done
	for n in "${pools[@]}"; do
		timeout "$patience" bash -c "until kvmflip pool del $n 2>/dev/null; do sleep 0.1; done" || {
			kvmflip -s pool show "$n"
			diag "pool $n cannot be deleted"
			status=1
		}
	done
	rm -rf "$tmp"
	exit "$status"
}
