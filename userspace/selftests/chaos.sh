#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Anything that somebody may do, at random, while frames come in on two NICs: commands,
# guests that come, go and are killed, of which some break the rules, queues, links, NICs
# that are reset, drivers, memory, processors. Afterwards every sum is right, nobody has
# seen a foreign byte, and everything works. KVMFLIP_SEED=N does the same things in the same order, for
# KVMFLIP_CHAOS_SECONDS.
# timeout: 5400
# kcsan
# testbed: --cpus 2
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/finding.sh"

seconds=${KVMFLIP_CHAOS_SECONDS:-20}
[[ ${KVMFLIP_FULL:-0} != 1 ]] || seconds=${KVMFLIP_CHAOS_SECONDS:-300}
seed=${KVMFLIP_SEED:-$((SRANDOM % 32768))}
guests=(a b c d)
modes=(scan scan scan hold spin spin-write hostile fuzz)
declare -A mode=()   # of the guests that there are
declare -A device=() # of the NICs, in sysfs
commands=0 refusals=0 kills=0 foreign=0 resets=0 unplugged=0
cpu=/sys/devices/system/cpu/cpu1/online # the first one is never taken away

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
# may be told nonsense; if it also has a steered queue, it may look at what comes there.
guest_was_clean() {
	local key n bad revoked

	for key in foreign_bytes misdelivered bad_desc spin_foreign; do
		get_field n "$2" $key
		[[ $1 != d || ! ${mode[d]} =~ hostile|fuzz ]] || continue
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
	# whoever reads what it has returned sees what comes to a steered queue
	[[ $1 != d ]] || picked=${picked/spin*/scan}
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
		'latency 60000000' 'min 0' 'min 512K' 'max 1M' 'max 2M' 'max 9M' 'vlan 33' \
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
	pick 'add x pool p mac 02:64:64:64:64:64' 'del x' 'add a pool p mac 02:02:02:02:02:02'
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
	pick 'mode strict' 'mode strict' 'mode copy' 'mode steered port d' detach
	# what is attached is not attached again
	((RANDOM % 4 == 0)) && [[ $picked != detach ]] || try kvmflip rxq detach "$nic" all
	if [[ $picked != detach ]]; then
		# shellcheck disable=SC2086 # words
		try kvmflip rxq attach "$nic" all pool p $picked
	fi
}

# --- What is around it ----------------------------------------------------------

some_link() {
	local dev

	pick $nic_kinds kf0 kf1 kf2 kf3
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

# New rings, another state of the link, or all registers of the device at once
some_reset() {
	local nic

	pick $nic_kinds
	nic=$picked
	pick '-G % tx 128' '-G % tx 256' '-r %' function function
	note "reset of $nic: $picked"
	resets=$((resets + 1))
	if [[ $picked != function ]]; then
		# shellcheck disable=SC2086 # words
		ethtool ${picked/\%/$nic} >>"$tmp/chaos.out" 2>&1 || true
	elif [[ -e ${device[$nic]}/reset ]]; then
		echo 1 >"${device[$nic]}/reset"
		ip link set "$nic" down
		ip link set "$nic" up
	fi
}

# The processor goes that the interrupts of a NIC go to
some_cpu() {
	local irq nic

	[[ -e $cpu ]] || return 0
	pick $nic_kinds
	nic=$picked
	pick 0 1 1
	[[ $(<$cpu) != "$picked" ]] || return 0
	note "processor: $picked"
	if ((picked == 0)); then
		unplugged=$((unplugged + 1))
		for irq in "${device[$nic]}"{,/..}/msi_irqs/*; do
			[[ ! -e $irq ]] || echo 2 2>/dev/null >"/proc/irq/${irq##*/}/smp_affinity" || true
		done
	fi
	echo "$picked" >"$cpu"
}

some_memory() {
	((RANDOM % 3 == 0)) || return 0
	pick compact_memory drop_caches all
	note "$picked"
	if [[ $picked == all ]]; then
		all_memory &
		children+=($!)
	else
		echo 1 >"/proc/sys/vm/$picked"
	fi
}

# All that is left, but for a little, or all of it: then this has to go first
all_memory() {
	local kib

	trap - ERR EXIT
	echo 1000 >/proc/self/oom_score_adj
	kib=$(($(sed -n 's/^MemAvailable: *\([0-9]*\) .*/\1/p' /proc/meminfo) - RANDOM * 4))
	head -c "$((kib > 0 ? kib : 0))K" /dev/zero | timeout 20 tail -c "${kib}K" >/dev/null || true
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
				"seed=$RANDOM" $(everybody) "$(to c 4)" "$(to d 4)") >"$tmp/flood" 2>&1; then
				frames=$((frames + 128))
			fi
			echo $frames >"$tmp/frames"
		done
	done
}

all_is_well() {
	local seen

	seen=$(splats)
	diag "$((SECONDS - begin)) s: $commands commands, $kills kills, $(<"$tmp/frames") frames sent"
	equal 'reports of the kernel' "$seen" 0
}

chaos() {
	local nic name frames received=0 flood_pid begin minute n

	diag "seed $seed: KVMFLIP_SEED=$seed does the same things in the same order"
	RANDOM=$seed
	load_module
	pool_add p 32M
	for name in "${guests[@]}"; do
		port_add "$name" p max 2M
	done
	kvmflip port set d max 9M
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

	for ((begin = minute = SECONDS; SECONDS < begin + seconds; )); do
		pick guest guest guest guest setting reclaim look port pool queue link reset cpu \
			driver memory module
		"some_$picked"
		((SECONDS >= minute + 60)) || continue
		minute=$SECONDS
		all_is_well
	done
	seconds=$((SECONDS - begin))
	[[ ! -e $cpu ]] || (($(<$cpu))) || echo 1 >$cpu

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
	try kvmflip port del x
	try kvmflip pool del q
	for name in "${guests[@]}"; do
		frames_add_up port "$name"
		get_sum n "$(show port "$name")" received
		received=$((received + n))
	done
	pool_adds_up p
	wait_for 'free pool' pool_is_free p

	# and it still works
	for name in "${guests[@]}"; do
		kvmflip port set "$name" mac "${mac[$name]}" vlan "${vlan[$name]}" copybreak 128 \
			latency 1000 min 0 max 2M
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
	finding chaos "\"seed\": $seed, \"guests\": ${#guests[@]}, \"nics\": $(wc -w <<<"$nic_kinds"), \"seconds\": $seconds, \"commands\": $commands, \"refused\": $refusals, \"kills\": $kills, \"resets\": $resets, \"unplugged\": $unplugged, \"frames\": $frames, \"delivered\": $received, \"foreign\": $foreign"
}

ktap_begin
run_case "${nic_kinds// / and }: anything at random" chaos
ktap_end
