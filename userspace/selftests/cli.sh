#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The command line program against the module: what it shows, what is refused
# and why, and that nothing half made stays behind. What needs no module is in
# userspace/kvmflip/tests.
# timeout: 900
. "$(dirname "$0")/common.sh"

# says STATUS MESSAGE ARGS...: kvmflip ARGS ends so, with one line that says so
says() {
	local status=0 out

	out=$(kvmflip "${@:3}" 2>&1 >/dev/null) || status=$?
	equal "status of kvmflip ${*:3}" "$status" "$1"
	[[ $out == "kvmflip: "*"$2"* && $out != *$'\n'* ]] ||
		fail "kvmflip ${*:3}: $out" "not: $2"
}

pools_and_ports() {
	local json

	load_module
	equal 'no pools' "$(kvmflip -j pool)" '[]'
	pool_add p 16M
	json=$(kvmflip -j -s pool show p)
	equal 'pool: size' "$(field "$json" size)" 16777216
	equal 'pool: buffer_size' "$(field "$json" buffer_size)" 4096
	equal 'pool: free' "$(field "$json" free)" 4096
	equal 'pool: total' "$(field "$json" total)" 4096
	says 2 'pool p exists' pool add p size 1M buffer 4K
	says 2 'there is no pool q' pool del q
	says 2 'attribute "node"' pool add q size 16M buffer 4K node 99

	port_add a p
	port_add b p max 1M uuid c73f1fa6-489e-4834-9476-d70dabd98c40
	equal 'uuid of b' "${uuid[b]}" c73f1fa6-489e-4834-9476-d70dabd98c40
	[[ -e /sys/bus/mdev/devices/${uuid[a]} ]] || fail 'a has no device'
	json=$(kvmflip -j port show b)
	equal 'b: mac' "$(field "$json" mac)" "${mac[b]}"
	equal 'b: vlan' "$(field "$json" vlan)" 7
	equal 'b: max_size' "$(field "$json" max_size)" 1048576
	equal 'b: state' "$(field "$json" state)" closed

	says 2 'port a has mac' port add c pool p mac "${mac[a]}"
	says 2 'port a exists' port add a pool p mac "${mac[c]}"
	says 2 'port b has this uuid' port add c pool p mac "${mac[c]}" uuid "${uuid[b]}"
	says 2 'there is no pool q' port add c pool q mac "${mac[c]}"
	says 2 'max must be' port add c pool p mac "${mac[c]}" max 1
	says 2 'port a has mac' port set b mac "${mac[a]}" vlan 0
	says 2 'there is no port c' port set c max 1M
	says 2 'there is no port c' port del c
	says 2 '2 ports' pool del p
	equal 'ports after what was refused' "$(kvmflip port | grep -c pool)" 2
}

chunk_sizes() {
	local json

	load_module
	kvmflip pool add p size 4M buffer 4K chunk 2K
	pools+=(p)
	equal 'p: chunk_size' "$(field "$(kvmflip -j pool show p)" chunk_size)" 2048
	kvmflip pool add q size 4M buffer 2M
	pools+=(q)
	json=$(kvmflip -j pool show q)
	equal 'q: buffer_size' "$(field "$json" buffer_size)" 2097152
	equal 'q: chunk_size' "$(field "$json" chunk_size)" 4096
	equal 'q: total' "$(field "$json" total)" 2
	# a seventh of a chunk, if there are many in a buffer
	port_add a p
	equal 'a: copybreak' "$(field "$(kvmflip -j port show a)" copybreak)" 292
	port_add b q
	equal 'b: copybreak' "$(field "$(kvmflip -j port show b)" copybreak)" 585
}

port_settings() {
	local json

	load_module
	pool_add p 16M
	port_add a p
	json=$(kvmflip -j port show a)
	equal 'a: min_size' "$(field "$json" min_size)" 0
	equal 'a: max_size' "$(field "$json" max_size)" 8388608
	equal 'a: copybreak' "$(field "$json" copybreak)" 256
	equal 'a: latency_usecs' "$(field "$json" latency_usecs)" 1000
	equal 'a: huge' "$(field "$json" huge)" small-buffers

	kvmflip port set a min 1M copybreak 0 latency 5000
	json=$(kvmflip port show a)
	[[ $json == *$'\n    min 1M max 8M copybreak 0 latency 5000 uuid '* ]] ||
		fail "after port set: $json"
	kvmflip port set a min 0 max 16M copybreak 4096
	json=$(kvmflip port show a)
	[[ $json == *$'\n    min 0 max 16M copybreak 4096 latency 5000 uuid '* ]] ||
		fail "after another port set: $json"
	json=$(kvmflip -s port show a)
	[[ $json == *$'\n    frames: received 0 flipped 0 copied 0\n    copied: small 0 '* ]] ||
		fail "counters: $json"

	says 2 'min must be a multiple of 4096' port set a min 1
	says 2 'min must be a multiple of 4096' port add b pool p mac "${mac[b]}" min 2M max 1M
	kvmflip port set a min 15M
	says 2 'pool p has not so much' port add b pool p mac "${mac[b]}" min 2M max 2M
	equal 'ports after what was refused' "$(kvmflip port | grep -c mac)" 1
	says 2 'port a has no guest' port reclaim a
	says 2 'there is no port c' port reclaim c 4K
}

# This host is fit, and what is set up is looked at
check_host() { # NIC
	local json

	load_module
	nic_up "$1"
	json=$(kvmflip -j check "$1") || fail "$1 is not fit: $(kvmflip check "$1")"
	[[ $json != *'"grade":"fail"'* && $json == *"\"check\":\"$1: driver\",\"grade\":\"ok\""* &&
		$json == *"\"found\":\"translates ("* ]] || fail "$json"
	ip link set "$1" mtu 3499
	! kvmflip check "$1" >"$tmp/check" || fail 'an MTU of 3499 is fit'
	grep -q "^fail  $1: mtu" "$tmp/check" || fail "$(<"$tmp/check")"
	ip link set "$1" mtu 1500
	pool_add p 16M
	[[ $(kvmflip check "$1") == *'warn  pool p '*'buffers of 4K: each frame costs a flip'* ]] ||
		fail "$(kvmflip check "$1")"
}

metrics() {
	local out

	load_module
	pool_add p 16M
	port_add a p
	port_add b p
	out=$(kvmflip metrics)
	! grep -vE '^(# TYPE kvmflip_[a-z_]+ (counter|gauge)|kvmflip_[a-z_]+\{[^ ]*\} [0-9]+)$' <<<"$out" ||
		fail 'not in the format'
	grep -qx 'kvmflip_pool_buffers{pool="p",state="free"} 4096' <<<"$out" || fail "$out"
	grep -qx 'kvmflip_pool_size{pool="p"} 16777216' <<<"$out" || fail "$out"
	grep -qx 'kvmflip_port_state{port="b",pool="p",state="closed"} 1' <<<"$out" || fail "$out"
	grep -qx 'kvmflip_port_dropped_total{port="a",pool="p",reason="quota"} 0' <<<"$out" ||
		fail "$out"
	grep -qx 'kvmflip_port_received_total{port="a",pool="p"} 0' <<<"$out" || fail "$out"
	# all samples of a metric are behind its type
	equal 'metrics that come twice' "$(grep '^#' <<<"$out" | sort | uniq -d)" ''
}

# On a terminal too: tmux has one, and can tell what is on it
top() {
	local out pool='p                   16M \[\.{20}\]' port='a closed  '

	load_module
	pool_add p 16M
	port_add a p
	out=$(kvmflip top count 2)
	equal 'pools of two screens' "$(grep -cE "^$pool" <<<"$out")" 2
	grep -qE "^$port.* 0%$" <<<"$out" || fail "$out"
	command -v tmux >/dev/null || return 0
	tmux -L kvmflip -f /dev/null new-session -d -x 160 -y 24 \
		"kvmflip top; echo ended; sleep 100"
	at_end+=(tmux_end)
	wait_for 'screen' on_screen "^$pool +0 .* 4096$"
	on_screen "^$port" || fail "$(tmux -L kvmflip capture-pane -p)"
	tmux -L kvmflip send-keys q
	wait_for 'end' on_screen '^ended$'
	! on_screen "^$pool" || fail 'the screen stays'
}

on_screen() {
	tmux -L kvmflip capture-pane -p | grep -qE "$1"
}

tmux_end() {
	tmux -L kvmflip kill-server
}

# event EVENT WORDS: it was told, with these words in this order
event() {
	sed 's/^[^ ]* //' "$tmp/events" | grep -q "^$1 .*$2"
}

monitored() {
	kvmflip pool add x size 4K buffer 4K
	kvmflip pool del x
	event pool-add x
}

monitor() { # NIC
	load_module
	kvmflip monitor >"$tmp/events" &
	children+=($!)
	kvmflip -j monitor port >"$tmp/ports" &
	children+=($!)
	wait_for 'events' monitored
	wait_for 'deleted pool' event pool-del x

	pool_add p 16M
	attach "$1" p
	wait_for 'attached queue' event rxq-attach \
		"$1 queue 0 pool p mode strict reason request"
	port_add a p
	wait_for 'port' event port-add "a pool p mac ${mac[a]} vlan 0 .* state closed reason request"
	kvmflip port set a latency 5
	wait_for 'changed port' event port-set 'a .* reason request'
	vm_start a
	wait_for 'opened port' event port-state "a .* state opened pid ${vm[a]} reason vmm"
	wait_for 'running port' event port-state 'a .* state running .* reason driver'
	vm_kill a
	wait_for 'closed port' event port-state 'a .* state closed reason vmm'
	detach "$1"
	wait_for 'detached queue' event rxq-detach "$1 queue 0 .* reason request"
	port_del a
	wait_for 'deleted port' event port-del 'a .* reason request'
	wait_for 'the same in JSON' grep -q '"event":"port-del","name":"a","pool":"p",' "$tmp/ports"
	! grep -v '^{"time":"20.*","event":"port-' "$tmp/ports" || fail 'not of ports'
	equal 'openings' "$(grep -c 'port-state a .* opened ' "$tmp/events")" 1
}

tracing() {
	grep -qsx 1 /sys/kernel/tracing/instances/kvmflip-*/events/kvmflip/enable
}

traced() { # TO COUNT: so many buffers came into this state
	(($(grep -c -- "-> $1" "$tmp/trace") >= $2))
}

# Each buffer's history is one, from the module's tracepoints
trace() { # NIC
	local flips pid

	load_module
	pool_add p 16M
	port_add a p
	kvmflip trace pool p >"$tmp/trace" &
	pid=$!
	children+=("$pid")
	wait_for 'tracing' tracing
	attach "$1" p
	vm_start a
	traffic "$1" 400 1 size=300-1514 "$(to a)"
	guest_is_whole a
	flips=$(stat port a flips)
	positive 'flips' "$flips"
	detach "$1"
	wait_for 'buffers that are free again' pool_is_free p
	wait_for "$flips flips" traced mapped "$flips"
	wait_for "their return" traced returned "$flips"
	kill "$pid"
	wait "$pid" || fail "status $?"
	! compgen -G '/sys/kernel/tracing/instances/kvmflip-*' || fail 'the instance stays'
	grep -qE '^[0-9]+\.[0-9]{6} p buffer [0-9]+: filled -> mapped after [0-9]+ us, port a frames 1 zeroed [0-9]+$' \
		"$tmp/trace" || fail "$(head -n 20 "$tmp/trace")"
	awk '{ at = $3 $4 } at in state && state[at] != $5 { print; bad = 1 }
		{ state[at] = $7 } $5 != "free" && !(at in seen) { print; bad = 1 }
		{ seen[at] } END { exit bad }' "$tmp/trace" >"$tmp/bad" ||
		fail "a gap: $(head -n 5 "$tmp/bad")"
}

# The manual's example, where there is a perf
perf_counts() { # NIC
	perf version >"$tmp/perf" 2>&1 || return 4
	load_module
	pool_add p 16M
	one_queue "$1"
	nic_up "$1"
	perf stat -x , -a -e kvmflip:kvmflip_buffer -o "$tmp/perf" -- \
		kvmflip rxq attach "$1" all pool p
	nics+=("$1")
	equal 'transitions' "$(sed -n 's/^\([0-9]*\),.*kvmflip_buffer.*/\1/p' "$tmp/perf")" \
		"$(stat pool p posted)"
}

# A guest that breaks its ring
monitor_failure() { # NIC
	load_module
	kvmflip monitor port >"$tmp/events" &
	children+=($!)
	pool_add p 16M
	port_add a p
	wait_for 'events' eval 'kvmflip port set a latency 7; event port-set a'
	attach "$1" p
	vm_start a --mode hostile --batch 4
	round=100 traffic "$1" 600 1 size=60-600 "$(to a)"
	wait_for 'failed port' event port-state 'a .* state failed .* reason ring'
}

batch() {
	load_module
	printf '%s\n' '# two pools' 'pool add p size 16M buffer 4K' '' \
		'pool add q size 4M \' ' buffer 2M' 'pool add p size 4K buffer 4K' \
		'pool del q' >"$tmp/batch"
	says 2 "$tmp/batch:6: pool add p: pool p exists" -b "$tmp/batch"
	pools+=(p q)
	equal 'pools' "$(kvmflip pool | grep -c ports)" 2
	# several commands that each want the lock
	printf 'port add a pool p mac %s\nport set a latency 7\nport del a\n' "${mac[a]}" |
		kvmflip -b - >/dev/null
	equal 'ports' "$(kvmflip -j port)" '[]'
}

# applied FILE LINE...: it takes these commands, and none when it is done again
applied() {
	local out want

	want=$(printf '%s\n' "${@:2}")
	equal "what -n says of $1" "$(kvmflip apply -n "$1")" "$want"
	out=$(kvmflip apply "$1")
	equal "what was applied of $1" "$out" "$want"
	equal "what is left of $1" "$(kvmflip apply "$1")" ''
}

apply_saves() { # NIC
	local pool='pool add p size 16M buffer 4K chunk 4K'
	local port="port add a pool p mac ${mac[a]} vlan 7 min 1M max 4M copybreak 0 latency 5"
	local queue="rxq attach $1 all pool p mode strict"

	load_module
	one_queue "$1"
	nic_up "$1"
	ip link set "$1" down
	port+=' uuid c73f1fa6-489e-4834-9476-d70dabd98c40'
	printf '%s\n' "$pool" "$port" "$queue" 'rxq attach none all pool p' >"$tmp/config"
	pools+=(p) ports+=(a) nics+=("$1")
	applied "$tmp/config" "$pool" "$port" "ip link set $1 up" "$queue" 2>"$tmp/err"
	grep -q 'kvmflip: .*:4: none: there is no such network device yet' "$tmp/err" ||
		fail "$(<"$tmp/err")"
	kvmflip save >"$tmp/saved"
	equal 'saved' "$(<"$tmp/saved")" "$(head -n 3 "$tmp/config")"
	[[ -e /sys/bus/mdev/devices/c73f1fa6-489e-4834-9476-d70dabd98c40 ]] ||
		fail 'no device'

	# what is otherwise is changed, and only that
	sed 's/latency 5/latency 9/; s/vlan 7/vlan 8/; s/mode strict/mode steered port a/' \
		"$tmp/saved" >"$tmp/config"
	applied "$tmp/config" 'port set a vlan 8 latency 9' "rxq detach $1 all" \
		"rxq attach $1 all pool p mode steered port a"
	kvmflip save >"$tmp/saved"
	equal 'saved' "$(<"$tmp/saved")" "$(<"$tmp/config")"
	# or what cannot be, said
	echo 'pool add p size 8M buffer 4K' >"$tmp/config"
	says 2 "$tmp/config:1: pool p: size is 16M and not 8M" apply "$tmp/config"
	sed 's/uuid c/uuid d/' "$tmp/saved" >"$tmp/config"
	says 2 ':2: port a: uuid is c73f' apply "$tmp/config"

	# and all of it again when it is gone
	kvmflip rxq detach "$1" all
	kvmflip port del a
	kvmflip pool del p
	kvmflip apply "$tmp/saved" >/dev/null
	equal 'saved' "$(kvmflip save)" "$(<"$tmp/saved")"
}

apply_queues() { # NIC with two queues
	load_module
	pool_add p 16M
	port_add a p
	nic_up "$1"
	ethtool -L "$1" combined 2 >/dev/null
	nics+=("$1")
	printf '%s\n' "rxq attach $1 all pool p mode strict" "rxq detach $1 1" \
		"rxq attach $1 1 pool p mode steered port a" >"$tmp/config"
	mapfile -t lines <"$tmp/config"
	applied "$tmp/config" "${lines[@]}"
	equal 'saved' "$(kvmflip save | grep rxq)" "$(<"$tmp/config")"
	kvmflip rxq detach "$1" 1
	applied "$tmp/config" "rxq attach $1 1 pool p mode steered port a"
	sed -i 3d "$tmp/config"
	applied "$tmp/config" "rxq detach $1 1"
	ethtool -L "$1" combined 1 >/dev/null 2>&1 || true
}

# The kernel's own client, as it is, knows the family by its spec: each object, one and
# all of them, and what changes them
ynl_client() { # NIC
	local src spec=$tools/../Documentation/netlink/specs/kvmflip.yaml queue key out

	src=$("$tools/../scripts/kernels" path source)
	[[ -e $src/tools/net/ynl/pyynl/cli.py ]] || return 4
	load_module
	ask() { python3 "$src/tools/net/ynl/pyynl/cli.py" --spec "$spec" --output-json "$@"; }
	# the first time with a look at the spec
	ask --schema "$src/Documentation/netlink/genetlink.yaml" --do pool-add \
		--json '{"name": "p", "size": 16777216, "buffer-size": 4096}' >/dev/null
	pools+=(p)
	port_add a p
	one_queue "$1"
	attach "$1" p
	queue="{\"ifindex\": $(<"/sys/class/net/$1/ifindex"), \"queue\": 0}"
	out=$(ask --schema '' --multi port-set '{"name": "a", "latency-usecs": 7}' \
		--multi pool-get '{"name": "p"}' --multi rxq-get "$queue" \
		--multi port-get '{"name": "a"}')
	for key in size=16777216 mode=strict state=closed latency-usecs=7 \
		"mac=${mac[a]}"; do
		equal "${key%%=*}" "$(field "$out" "${key%%=*}")" "${key#*=}"
	done
	out=$(ask --schema '' --dump pool-get)
	equal 'free and posted' $(($(field "$out" free) + $(field "$out" posted))) 4096
	out=$(ask --schema '' --dump rxq-get)
	equal 'pool of the queue' "$(field "$out" pool)" p
	out=$(ask --schema '' --dump port-get)
	equal 'mac' "$(field "$out" mac)" "${mac[a]}"
	out=$(ask --schema '' --do pool-del --json '{"name": "p"}' 2>&1) &&
		fail 'a pool in use was deleted'
	[[ $out == *'delete them first'* ]] || fail "$out"
	ask --schema '' --subscribe monitor --duration 60 >"$tmp/events" &
	children+=($!)
	wait_for 'event' eval 'kvmflip port set a latency 7; grep -q port-set-ntf "$tmp/events"'
}

# What this program would not send: the module's own bounds, by its spec
bounds() {
	local ynl

	ynl=$("$tools/../scripts/kernels" path source)/tools/net/ynl/pyynl
	[[ -e $ynl ]] || return 4
	load_module
	pool_add p 16M
	port_add a p
	python3 - "$ynl" "$tools/../Documentation/netlink/specs/kvmflip.yaml" <<-'END'
	import sys
	sys.path.insert(0, sys.argv[1])
	from lib import NlError, YnlFamily

	attach = {"ifindex": 1, "queue": 0, "pool": "p", "xsk-fd": 0}
	family = YnlFamily(sys.argv[2], schema="")
	for attr, op, values in (
	    ("name", "pool-add", {"name": "", "size": 4096, "buffer-size": 4096}),
	    ("name", "pool-add", {"name": "n" * 32, "size": 4096, "buffer-size": 4096}),
	    ("copybreak", "port-set", {"name": "a", "copybreak": 4097}),
	    ("latency-usecs", "port-set", {"name": "a", "latency-usecs": 60000001}),
	    ("vlan", "port-set", {"name": "a", "vlan": 4095}),
	    ("reclaim-size", "port-reclaim", {"name": "a", "reclaim-size": 0}),
	    ("mode", "rxq-attach", dict(attach, mode=3)),
	    ("port", "rxq-attach", dict(attach, mode="steered")),
	    ("port", "rxq-attach", dict(attach, mode="copy", port="a")),
	):
	    try:
	        family.do(op, values)
	        sys.exit(f"{op} {values} was not refused")
	    except NlError as e:
	        extack = e.nl_msg.extack
	        if not str(extack.get("bad-attr", extack.get("miss-type"))).endswith(attr):
	            sys.exit(f"{op} {values}: {extack}")
	END
}

# The entries of the program's map are those of the ports, whatever happens
map_entries() {
	local dir=/sys/bus/mdev/devices

	load_module
	pool_add p 16M
	port_add a p
	port_add b p
	entries | grep -qx "92 91 91 91 91 91 00 00" || fail 'no entry of a'
	entries | grep -qx "b2 b2 b2 b2 b2 b2 07 00" || fail 'no entry of b'
	kvmflip port set b mac 72:71:71:71:71:71 vlan 9
	entries | grep -qx "72 71 71 71 71 71 09 00" || fail 'no new entry of b'
	equal 'entries' "$(entries | wc -l)" 2
	# what is refused leaves nothing
	port_del a
	says 2 'port b has this uuid' port add c pool p mac "${mac[c]}" uuid "${uuid[b]}"
	equal 'entries' "$(entries | wc -l)" 1
	equal 'devices' "$(find "$dir" -mindepth 1 | wc -l)" 1
	# what a module leaves that is unloaded is out of the way later
	bpftool map update pinned $pins/ports key hex 92 91 91 91 91 91 00 00 \
		value hex 01 00 00 00 01 00 00 00
	port_add a p
	equal 'entries' "$(entries | wc -l)" 2
}

entries() {
	bpftool map dump pinned $pins/ports | sed -n 's/^key: \(.*[^ ]\) *value:.*/\1/p'
}

attach_refused() { # NIC
	local nic=$1 max=3498

	load_module
	pool_add p 16M
	nic_of "$nic"
	ip link set "$nic" down
	says 2 "$nic is down: ip link set $nic up" rxq attach "$nic" all pool p
	nic_up "$nic"
	says 2 'there is no such pool' rxq attach "$nic" all pool q
	says 2 "$nic has no receive queue 99" rxq attach "$nic" 99 pool p
	ip link set "$nic" mtu $((max + 1))
	says 2 "ip link set $nic mtu $max" rxq attach "$nic" all pool p
	ip link set "$nic" mtu 1500
	says 2 "of $nic is not attached" rxq detach "$nic" 0
	says 2 "$nic has no attached queue" rxq detach "$nic" all
	ip link set "$nic" xdp obj "$tools/bpf/demux.bpf.o" sec xdp
	says 2 "$nic has another XDP program" rxq attach "$nic" all pool p
	ip link set "$nic" xdp off
	nothing_on "$nic"
	attach "$nic" p
	says 2 "$nic queue 0 is attached already, to pool p" rxq attach "$nic" 0 pool p
	says 2 'delete them first' pool del p
	program_on "$nic" || fail "no program on $nic"
	pinned "$nic" || fail "$pins has no sockets of $nic"
	detach "$nic"
	nothing_on "$nic"
}

one_of_two_queues() {
	load_module
	pool_add p 16M
	nic_up igb
	ethtool -L igb combined 2 >/dev/null
	says 2 'igb has 2 receive queues: attach all, or ethtool -L igb combined 1' rxq attach igb 0 pool p
	ip link set igb mtu 3499
	says 2 'igb: MTU 3499 exceeds chunks of 4096 bytes: ip link set igb mtu 3498' \
		rxq attach igb all pool p
	ip link set igb mtu 1500
	nothing_on igb
	ethtool -K igb rxvlan on >/dev/null
	kvmflip rxq attach igb all pool p
	nics+=(igb)
	[[ $(ethtool -k igb) == *'rx-vlan-offload: off'* ]] || fail 'tags are stripped'
	kvmflip rxq detach igb 1
	program_on igb || fail 'the program went with the first queue'
	kvmflip rxq attach igb 1 pool p
	equal 'queues' "$(kvmflip rxq show igb | grep -c queue)" 2
	detach igb
	nothing_on igb
}

# The second queue finds no buffers: the first is detached again
half_attached() {
	load_module
	pool_add p 6M
	nic_up igb
	ethtool -L igb combined 2 >/dev/null
	says 2 'rxq attach igb 1: pool p has' rxq attach igb all pool p
	nothing_on igb
}

# Two devices without zero-copy, of which one takes XDP programs
make_poor_nics() {
	modprobe -q tun && modprobe -q dummy || exit 4
	ip tuntap add kvmflip-tap mode tap
	ip link add kvmflip-dummy type dummy
	ip link set kvmflip-tap up
	ip link set kvmflip-dummy up
}

del_poor_nics() {
	ip link del kvmflip-tap
	ip link del kvmflip-dummy
}

no_zero_copy() {
	load_module
	pool_add p 16M
	make_poor_nics
	says 2 'driver tun has no AF_XDP zero-copy; mode copy needs none' \
		rxq attach kvmflip-tap all pool p
	says 2 'driver dummy cannot run XDP programs; mode copy needs none' rxq attach kvmflip-dummy all pool p
	del_poor_nics
}

copy_mode() { # NIC with zero-copy
	local dev

	load_module
	pool_add p 16M
	nic_up "$1"
	make_poor_nics
	for dev in kvmflip-tap kvmflip-dummy; do
		kvmflip rxq attach $dev all pool p mode copy
		equal "mode of $dev" "$(field "$(kvmflip -j rxq show $dev)" mode)" copy
		[[ $(kvmflip rxq show $dev) == "$dev queue 0: pool p mode copy posted "* ]] ||
			fail "$(kvmflip rxq show $dev)"
	done
	[[ $(ip link show kvmflip-dummy) == *xdpgeneric* ]] || fail 'no program behind dummy'
	says 2 "pool p has no zero-copy queues: use another pool for $1" \
		rxq attach "$1" all pool p
	kvmflip rxq detach kvmflip-tap all
	kvmflip rxq detach kvmflip-dummy all
	nothing_on kvmflip-dummy

	attach "$1" p mode copy
	says 2 'driver tun has no zero-copy, which pool p has' \
		rxq attach kvmflip-tap all pool p mode copy
	nothing_on kvmflip-tap
	detach "$1"
	del_poor_nics
}

steered_mode() { # NIC
	load_module
	pool_add p 16M
	port_add a p
	nic_up "$1"
	one_queue "$1"
	says 2 'there is no port b' rxq attach "$1" 0 pool p mode steered port b
	nothing_on "$1"
	attach "$1" p mode steered port a
	equal 'port of the queue' "$(field "$(kvmflip -j rxq show "$1")" port)" a
	[[ $(kvmflip rxq show "$1") == *' mode steered port a posted '* ]] ||
		fail "$(kvmflip rxq show "$1")"
	detach "$1"
}

# Frames would come in two pieces
small_chunks() { # NIC whose driver tells sizes of buffers in KiB
	load_module
	kvmflip pool add p size 16M buffer 4K chunk 2K
	pools+=(p)
	nic_up "$1"
	says 2 "driver $1 may not keep to chunks of 2048 bytes" rxq attach "$1" all pool p
	nothing_on "$1"
}

ktap_begin
run_case 'pools and ports' pools_and_ports
run_case 'chunk sizes' chunk_sizes
run_case 'port settings' port_settings
run_case 'bounds' bounds
run_case 'entries of the demux map' map_entries
run_case 'metrics' metrics
run_case 'top' top
run_case 'ynl' ynl_client "${nic_kinds%% *}"
run_case 'batch' batch
run_case 'apply and save' apply_saves "${nic_kinds%% *}"
[[ $nic_kinds != *igb* ]] || run_case 'apply: queues' apply_queues igb
run_case 'monitor' monitor "${nic_kinds%% *}"
run_case 'trace' trace "${nic_kinds%% *}"
run_case 'trace: perf' perf_counts "${nic_kinds%% *}"
run_case 'monitor: a guest that fails' monitor_failure "${nic_kinds%% *}"
for nic in $nic_kinds; do
	run_case "$nic: check" check_host "$nic"
	run_case "$nic: attach refused" attach_refused "$nic"
done
if [[ $nic_kinds == *igb* ]]; then
	run_case 'one of two queues' one_of_two_queues
	run_case 'half attached' half_attached
	run_case 'igb: small chunks' small_chunks igb
fi
run_case 'no zero-copy' no_zero_copy
for nic in $nic_kinds; do
	run_case "$nic: mode copy" copy_mode "$nic"
done
for nic in $nic_kinds; do
	run_case "$nic: mode steered" steered_mode "$nic"
done
ktap_end
