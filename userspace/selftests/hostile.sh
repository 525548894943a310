#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A guest that breaks every rule of the rings harms nobody but itself.
# timeout: 400
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/finding.sh"

hostile() { # NIC
	local nic=$1

	load_module
	one_queue "$nic"
	pool_add p 8M
	port_add a p max 2M
	port_add b p max 2M
	attach "$nic" p
	vm_start a --mode hostile --batch 4
	vm_start b
	round=100 traffic "$nic" 3000 1 size=60-600 "$(to a)" "$(to b)"
	wait_for 'frames at b' guest_has b received "${sent[b]}"
	guest_is_whole b
	vm_stop a
	positive 'attacks' "$(field "$report" attacks)"
	positive 'times it was found out' "$(field "$report" failed)"
	equal 'foreign bytes that a saw' "$(field "$report" foreign_bytes)" 0
	positive 'bad returns' "$(stat port a bad_returns)"
	positive "b's small frames" "$(stat port b copied_small)"
	frames_add_up port a
	frames_add_up port b
	pool_adds_up p
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

# A guest that returns nothing gets its quota and no more, and no NIC stalls:
# the rest is copied as long as there is room.
hoarder() { # NIC
	local nic=$1

	load_module
	one_queue "$nic"
	pool_add p 8M
	port_add a p max 512K copybreak 0
	port_add b p max 2M copybreak 0
	attach "$nic" p
	vm_start a --mode hold
	vm_start b
	round=100 traffic "$nic" 2000 1 size=60-600 "$(to a)" "$(to b)"
	wait_for 'frames at b' guest_has b received "${sent[b]}"
	guest_is_whole b
	wait_for 'frames at a' guest_has a received $((sent[a] - $(dropped port a)))
	vm_stop a
	guest_is_clean a
	guest_agrees a
	equal 'flipped' "$(field "$report" flipped)" 128
	positive 'copied, being over its quota' "$(stat port a copied_quota)"
	equal 'received and dropped of a' \
		$(($(field "$report" received) + $(dropped port a))) "${sent[a]}"
	frames_add_up port a
	pool_adds_up p
}

# Anything that a guest and its VMM can write, at random, under traffic and while buffers
# are taken from it, for some time.
fuzz() { # NIC
	local nic=$1 seed=${KVMFLIP_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	local times=2 i

	[[ ${KVMFLIP_FULL:-0} != 1 ]] || times=20
	echo "# seed $seed: KVMFLIP_SEED=$seed makes the same attempts"
	load_module
	one_queue "$nic"
	pool_add p 8M
	port_add a p max 2M copybreak 0
	port_add b p max 2M copybreak 0
	# Nobody but the guest says anything there.
	echo 1 >/proc/sys/net/ipv6/conf/kf0/disable_ipv6
	ip link set kf0 up
	attach "$nic" p
	vm_start a --mode fuzz --batch 4 --seed "$seed"
	vm_start b
	for ((i = 0; i < times; i++)); do
		round=100 traffic "$nic" 1000 1 size=60-1514 "$(to a)" "$(to b)"
		kvmflip port reclaim a
		wait_for 'frames at b' guest_has b received "${sent[b]}"
	done
	guest_is_whole b
	vm_stop a
	positive 'attempts' "$(field "$report" attacks)"
	positive 'times the device failed' "$(field "$report" failed)"
	equal 'foreign bytes that a saw' "$(field "$report" foreign_bytes)" 0
	positive 'bad returns' "$(stat port a bad_returns)"
	positive 'frames that a sent' "$(stat port a from_guest)"
	positive 'frames that were none' "$(stat port a tx_errors)"
	figure "hostile.guest.$nic" "{\"seed\": $seed, \"attempts\": $(field "$report" attacks), \"failed\": $(field "$report" failed), \"foreign\": $(field "$report" foreign_bytes), \"sent\": $(stat port a from_guest), \"bad\": $(stat port a tx_errors)}"
	frames_add_up port a
	frames_add_up port b
	pool_adds_up p
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

maps_start() { # SECONDS: another process with the device of guest a's VMM
	maps "${vm[a]}" "${tag[a]}" "$1" "$seed" >"$tmp/maps.out" 2>&1 &
	maps_pid=$!
	children+=($!)
}

is_closed() { # NAME
	[[ $(field "$(show port "$1")" state) == closed ]]
}

# Another process has the window too, in as many ways as there are, and sees nothing of
# others in it. It may cost the VMM its guest, and goes on when that is gone.
mapped() { # NIC
	local nic=$1 i seconds=10 seed=${KVMFLIP_SEED:-$RANDOM}

	[[ ${KVMFLIP_FULL:-0} != 1 ]] || seconds=120
	echo "# seed $seed: KVMFLIP_SEED=$seed does the same things"
	load_module
	one_queue "$nic"
	pool_add p 8M
	port_add a p max 1M copybreak 0
	port_add b p max 1M copybreak 0
	attach "$nic" p
	vm_start a
	vm_start b
	unset "returns[a]"
	maps_start $seconds
	for ((i = 0, seconds += SECONDS; i == 0 || SECONDS < seconds; i++)); do
		round=100 traffic "$nic" 300 $i size=60-1514 "$(to a)" "$(to b)"
		kvmflip port reclaim a
	done
	wait $maps_pid || fail 'maps failed'
	diag "$(<"$tmp/maps.out")"
	kill -KILL "${vm[a]}" 2>/dev/null || true
	wait_for 'closed port' is_closed a

	vm_start a
	unset "returns[a]"
	MAPS_KEEPS=1 maps_start 600
	round=100 traffic "$nic" 300 1 size=60-1514 "$(to a)" "$(to b)"
	vm_kill a
	round=100 traffic "$nic" 300 2 size=60-1514 "$(to a)" "$(to b)"
	kill -0 $maps_pid || fail 'maps failed'
	! is_closed a || fail 'the port is closed that somebody has mapped'
	kill -KILL $maps_pid
	wait_for 'closed port' is_closed a
	guest_is_whole b
	frames_add_up port a
	pool_adds_up p
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

# Requests that no program would make: whatever the answer is, all can be used as before.
requests() {
	local n=2000 seed=${KVMFLIP_SEED:-$RANDOM} i pid pids=() requests=0 accepted=0 out

	[[ ${KVMFLIP_FULL:-0} != 1 ]] || n=20000
	echo "# seed $seed: KVMFLIP_SEED=$seed makes the same requests"
	load_module
	pool_add p 4M
	port_add a p max 1M
	# several at a time
	for i in 1 2 3; do
		nlfuzz $n $((seed + i)) >"$tmp/nlfuzz.$i.out" 2>&1 &
		pids+=($!)
		children+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || fail 'nlfuzz failed'
	done
	for i in 1 2 3; do
		out=$(<"$tmp/nlfuzz.$i.out")
		diag "$out"
		requests=$((requests + $(field "$out" requests)))
		accepted=$((accepted + $(field "$out" accepted)))
	done
	# Some are done, and what there was may be gone.
	positive 'requests that were accepted' $accepted
	finding requests "\"seed\": $seed, \"requests\": $requests, \"accepted\": $accepted"
	kvmflip -s pool >/dev/null
	kvmflip -s rxq >/dev/null
	kvmflip -s port >/dev/null
	rmmod kvmflip
	ports=() pools=()
	load_module
	pool_add p 4M
	port_add a p max 1M
	vm_start a
	vm_stop a
	guest_is_clean a
}

# Who is nobody, or root only in a user namespace, can ask for nothing, and with a port's
# device that was put into its network namespace it does what one may do with it.
strangers() {
	local user='' n=500 pid ns out

	load_module
	pool_add p 4M
	port_add a p max 1M
	for user in 'setpriv --reuid 65534 --clear-groups' 'unshare -Ur' \
		'setpriv --reuid 65534 --clear-groups unshare -Ur' 'unshare -Urn'; do
		# shellcheck disable=SC2086 # words
		{
			out=$($user nlfuzz $n 1 2>&1) || fail "$user: nlfuzz: $out"
			equal "$user: requests that were accepted" "$(field "$out" accepted)" 0
			! out=$($user kvmflip -s port 2>&1) || fail "$user: $out"
			[[ $out == *'not permitted'* ]] || fail "$user: $out"
			! timeout 20 $user kvmflip monitor count 1 2>/dev/null || fail "$user: events"
			! $user dd if=/dev/kvmflip count=0 2>/dev/null || fail "$user: /dev/kvmflip"
		}
	done

	unshare -Urn sleep 1000 &
	pid=$!
	children+=("$pid")
	ns=(nsenter -t "$pid" -U -n --preserve-credentials)
	wait_for 'network namespace' eval "[[ \$(readlink /proc/$pid/ns/net) != \$(readlink /proc/self/ns/net) ]]"
	ip link set kf0 netns "$pid"
	"${ns[@]}" ip link set kf0 up
	"${ns[@]}" ip link set kf0 address 02:12:12:12:12:12
	"${ns[@]}" ip link set kf0 mtu 1400
	! "${ns[@]}" ip link set kf0 mtu 65535 2>/dev/null || fail 'an MTU that no frame has'
	! "${ns[@]}" ip link del kf0 2>/dev/null || fail 'it can be deleted'
	! "${ns[@]}" kvmflip port del a 2>/dev/null || fail 'the port can be deleted'
	vm_start a
	vm_stop a
	kill -KILL "$pid"
	wait_for 'device again' has_kf0
	vm_start a
	vm_stop a
	guest_is_clean a
}

has_kf0() {
	[[ -e /sys/class/net/kf0 ]]
}

# Sockets that are not what a queue's should be, and rings that somebody else writes to. That
# may cost the queue, till it is attached again.
sockets() { # NIC
	local nic=$1 i seconds=2 pid seed=${KVMFLIP_SEED:-$RANDOM}

	[[ ${KVMFLIP_FULL:-0} != 1 ]] || seconds=60
	echo "# seed $seed: KVMFLIP_SEED=$seed writes the same things"
	load_module
	one_queue "$nic"
	pool_add p 8M
	pool_add q 8M
	port_add a p max 2M copybreak 0
	nic_up "$nic"
	echo 'kvmflip-test: allow DMAR' >/dev/kmsg
	badxsk attach "$nic" p q >"$tmp/badxsk.out" 2>&1 || fail "$(<"$tmp/badxsk.out")"
	diag "$(<"$tmp/badxsk.out")"
	nothing_on "$nic"
	for i in p q; do
		wait_for 'free pool' pool_is_free $i
	done

	for i in 1 2; do
		attach "$nic" p
		vm_start a
		badxsk scribble p $seconds $((seed + i)) >"$tmp/badxsk.out" 2>&1 &
		pid=$!
		children+=("$pid")
		while kill -0 $pid 2>/dev/null; do
			gen send "$nic" count=200 size=60-1514 burst=16 gap-us=4000 "$(to a)" \
				>/dev/null || true
		done
		wait $pid || fail "$(<"$tmp/badxsk.out")"
		diag "$(<"$tmp/badxsk.out"): $(kvmflip rxq show "$nic" | grep -c broken) given up"
		vm_stop a
		detach "$nic"
		wait_for 'free pool' pool_is_free p
		pool_adds_up p
	done
	echo 'kvmflip-test: expected end' >/dev/kmsg

	port_del a
	port_add a p max 2M copybreak 0
	attach "$nic" p
	vm_start a
	round=100 traffic "$nic" 500 9 size=60-1514 "$(to a)"
	guest_is_whole a
	detach "$nic"
	wait_for 'free pool' pool_is_free p
}

ktap_begin
run_case 'requests that make no sense' requests
run_case 'who may ask for nothing' strangers
for nic in $nic_kinds; do
	run_case "$nic: garbage in the rings" hostile "$nic"
	run_case "$nic: nothing returned" hoarder "$nic"
	run_case "$nic: anything at random" fuzz "$nic"
	is_first "$nic" || continue
	run_case "$nic: the window is another process's too" mapped "$nic"
	run_case "$nic: sockets and rings that others write to" sockets "$nic"
done
ktap_end
