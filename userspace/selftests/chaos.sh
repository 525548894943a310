#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Anything that somebody may do, at random, while frames come in on two NICs: commands,
# guests that come, go and are killed, of which some break the rules, queues, links,
# drivers, memory. Afterwards every sum is right, nobody has seen a foreign byte, and
# everything works. KVMFLIP_SEED=N does the same things in the same order, for
# KVMFLIP_CHAOS_SECONDS.
# timeout: 5400
# kcsan
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"

seconds=${KVMFLIP_CHAOS_SECONDS:-20}
[[ ${KVMFLIP_FULL:-0} != 1 ]] || seconds=${KVMFLIP_CHAOS_SECONDS:-300}
seed=${KVMFLIP_SEED:-$((SRANDOM % 32768))}
guests=(a b c)
modes=(scan scan scan hold spin spin-write hostile fuzz)
declare -A mode=()   # of the guests that there are
declare -A device=() # of the NICs, in sysfs
commands=0 refusals=0 kills=0 foreign=0

# pick WORD...: sets $picked to one of them
pick() {
	shift $((RANDOM % $#))
	picked=$1
}

# try COMMAND...: it does what it should, or says why not
try() {
	local out status=0

	commands=$((commands + 1))
	out=$("$@" 2>&1) || status=$?
	echo "$SECONDS: $* = $status ${out%%$'\n'*}" >>"$tmp/chaos.out"
	((status)) || return 0
	((status < 3 && ${#out})) || fail "'$*' ended with status $status: $out"
	refusals=$((refusals + 1))
}

note() {
	echo "$SECONDS: $*" >>"$tmp/chaos.out"
}

# --- Guests -----------------------------------------------------------------

# guest_was_clean NAME JSON: it saw nothing that was not its own. Who breaks the rules
# may be told nonsense.
guest_was_clean() {
	local key n bad revoked

	for key in foreign_bytes misdelivered bad_desc spin_foreign; do
		get_field n "$2" $key
		((n == 0)) || [[ ${mode[$1]} =~ hostile|fuzz && $key != *foreign* ]] ||
			fail "guest $1 (${mode[$1]}): $key: $n in $2"
		[[ $key != *foreign* ]] || foreign=$((foreign + n))
	done
	get_field bad "$2" checksum_bad
	((bad == 0)) || [[ ${mode[$1]} =~ hostile|fuzz ]] && return 0
	# What was taken from it while it was reading it
	get_sum revoked "$(show port "$1")" revoked
	((bad <= revoked)) || fail "guest $1: $bad wrong checksums, and $revoked buffers revoked"
}

guest_comes() { # NAME
	pick "${modes[@]}"
	mode[$1]=$picked
	note "guest $1 comes: $picked"
	rm -f "$tmp/$1.json"
	flipvm --uuid "${uuid[$1]}" --tag "${tag[$1]}" --mode "$picked" --seed "$RANDOM" \
		--report "$tmp/$1.json" >"$tmp/$1.out" 2>&1 &
	vm[$1]=$!
	children+=($!)
}

# It is killed if it is not there yet
guest_goes() { # NAME
	if ! vm_runs "$1"; then
		guest_is_killed "$1"
		return
	fi
	note "guest $1 goes"
	vm_stop "$1"
	guest_was_clean "$1" "$report"
	unset "vm[$1]" "mode[$1]"
}

guest_is_killed() { # NAME
	local json

	note "guest $1 is killed"
	vm_lives "$1"
	vm_kill "$1"
	kills=$((kills + 1))
	get_line json "$tmp/$1.json"
	[[ -z $json ]] || guest_was_clean "$1" "$json"
	unset "vm[$1]" "mode[$1]"
}

some_guest() {
	pick "${guests[@]}"
	if [[ ! ${vm[$picked]:-} ]]; then
		guest_comes "$picked"
	elif ((RANDOM % 2)); then
		guest_goes "$picked"
	else
		guest_is_killed "$picked"
	fi
}

# --- Commands -----------------------------------------------------------------

some_setting() {
	local name

	pick "${guests[@]}"
	name=$picked
	pick 'copybreak 0' 'copybreak 256' 'copybreak 4096' 'latency 0' 'latency 1000' \
		'latency 60000000' 'min 0' 'min 512K' 'max 1M' 'max 2M' 'vlan 33' \
		"vlan ${vlan[$name]}" "mac ${mac[$name]}" "mac 02:00:00:00:00:0$((RANDOM % 8))"
	# shellcheck disable=SC2086 # words
	try kvmflip port set "$name" $picked
}

some_reclaim() {
	pick "${guests[@]}"
	try kvmflip port reclaim "$picked" $((RANDOM % 300))K
}

some_look() {
	pick '-s pool' '-s rxq' '-s port' '-jd port' save metrics 'top count 1'
	# shellcheck disable=SC2086 # words
	try kvmflip $picked
}

some_port() {
	pick 'add d pool p mac 62:64:64:64:64:64' 'del d' 'add a pool p mac 02:02:02:02:02:02'
	# shellcheck disable=SC2086 # words
	try kvmflip port $picked
}

some_pool() {
	pick 'add q size 4M buffer 2M' 'add q size 512K buffer 4K chunk 2K' 'del q' 'del p'
	# shellcheck disable=SC2086 # words
	try kvmflip pool $picked
}

some_queue() {
	local nic

	pick $nic_kinds
	nic=$picked
	pick strict strict strict copy detach
	if [[ $picked == detach ]]; then
		try kvmflip rxq detach "$nic" all
	else
		try kvmflip rxq attach "$nic" all pool p mode "$picked"
	fi
}

# --- What is around it ----------------------------------------------------------

some_link() {
	local dev

	pick $nic_kinds kf0 kf1 kf2
	dev=$picked
	pick down up up 'mtu 1400' 'mtu 1500' 'promisc on'
	# shellcheck disable=SC2086 # words
	try ip link set "$dev" $picked
}

nic_comes() { # NIC
	wait_for "$1 again" nic_of "$1"
	ethtool -L "$1" combined 1 2>/dev/null || true
	ip link set "$1" up promisc on
}

some_driver() {
	local driver nic

	((RANDOM % 4 == 0)) || return 0
	pick $nic_kinds
	nic=$picked
	note "driver of $nic"
	driver=$(readlink -f "${device[$nic]}/driver")
	echo "${device[$nic]##*/}" >"$driver/unbind"
	echo "${device[$nic]##*/}" >"$driver/bind"
	nic_comes "$nic"
}

some_memory() {
	pick compact_memory drop_caches
	note "$picked"
	echo 1 >"/proc/sys/vm/$picked"
}

# A module that is in use does not go
some_module() {
	[[ ! ${vm[*]} ]] || ! module_in_use || try rmmod kvmflip
}

module_in_use() {
	(($(</sys/module/kvmflip/refcnt) > 0))
}

# --- All of it --------------------------------------------------------------------

flood() {
	local frames=0 nic

	trap - ERR EXIT
	while [[ ! -e $tmp/stop ]]; do
		for nic in $nic_kinds; do
			# shellcheck disable=SC2046 # words
			if (gen send "$nic" count=128 size=60-1514 burst=16 gap-us=4000 \
				"seed=$RANDOM" $(everybody) "$(to c 4)") >"$tmp/flood" 2>&1; then
				frames=$((frames + 128))
			fi
			echo $frames >"$tmp/frames"
		done
	done
}

chaos() {
	local nic name frames flood_pid begin

	diag "seed $seed: KVMFLIP_SEED=$seed does the same things in the same order"
	RANDOM=$seed
	load_module
	pool_add p 16M
	for name in "${guests[@]}"; do
		port_add "$name" p max 2M
	done
	for nic in $nic_kinds; do
		one_queue "$nic"
		nic_up "$nic"
		device[$nic]=$(readlink -f "/sys/class/net/$nic/device")
		kvmflip rxq attach "$nic" all pool p
		nics+=("$nic")
	done
	flood &
	flood_pid=$!
	children+=($!)

	for ((begin = SECONDS; SECONDS < begin + seconds; )); do
		pick guest guest guest setting reclaim look port pool queue link driver memory module
		"some_$picked"
	done
	seconds=$((SECONDS - begin))

	touch "$tmp/stop"
	wait "$flood_pid" || true
	frames=$(<"$tmp/frames")
	for name in "${!vm[@]}"; do
		guest_goes "$name"
	done
	for nic in $nic_kinds; do
		try kvmflip rxq detach "$nic" all
	done
	nics=()
	try kvmflip port del d
	try kvmflip pool del q
	for name in "${guests[@]}"; do
		frames_add_up port "$name"
	done
	pool_adds_up p
	wait_for 'free pool' pool_is_free p
	figure hostile.chaos "{\"seed\": $seed, \"seconds\": $seconds, \"commands\": $commands, \"refused\": $refusals, \"kills\": $kills, \"frames\": $frames, \"foreign\": $foreign}"

	# and it still works
	for name in "${guests[@]}"; do
		kvmflip port set "$name" mac "${mac[$name]}" vlan "${vlan[$name]}" copybreak 128 \
			latency 1000 min 0
	done
	for nic in $nic_kinds; do
		ip link set "$nic" mtu 1500
		attach "$nic" p
	done
	vm_start a
	vm_start b
	for nic in $nic_kinds; do
		round=100 traffic "$nic" 200 77 size=64-1514 "$(to a)" "$(to b)" bcast=1
		frames_add_up rxq "$nic"
	done
	guest_is_whole a
	guest_is_whole b
	for nic in $nic_kinds; do
		detach "$nic"
	done
	pool_adds_up p
	wait_for 'free pool' pool_is_free p
}

ktap_begin
run_case "${nic_kinds// / and }: anything at random" chaos
ktap_end
