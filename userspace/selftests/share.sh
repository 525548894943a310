#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What of a pool a guest may hold, and how it is made to give it back.
# timeout: 300
# kcsan
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"

# A guest that returns nothing has its share, then what fits into its bounce
# slots, then nothing; its neighbour has all it gets.
quota() { # NIC
	local nic=$1

	load_module
	one_queue "$nic"
	pool_add p 64M 2M
	# shellcheck disable=SC2086 # words
	port_add a p max 8M $patient
	# shellcheck disable=SC2086 # words
	port_add b p $patient
	attach "$nic" p
	vm_start a --mode hold
	vm_start b
	flow "$nic" $((32 * frames)) size=1514 "$(to a)" "$(to b)"
	flow_end
	wait_for 'frames at a' took_all a
	wait_for 'frames at b' took_all b
	equal 'buffers of a' "$(field "$(show port a)" mapped)" 4
	positive 'frames of a copied, it being at its share' "$(stat port a copied_quota)"
	positive 'frames of a dropped, it having no room' "$(stat port a dropped_quota)"
	equal 'frames of b dropped' "$(dropped port b)" 0
	equal 'frames of b over its share' "$(stat port b copied_quota)" 0
	positive 'flips for b' "$(stat port b flips)"
	guest_is_told b
	guest_is_told a
	equal 'a: returned' "$(field "$report" returned)" 0
	frames_add_up rxq "$nic"
	pool_adds_up p
}

# holding NIC MODE COUNT: a has at least COUNT buffers and returns none by itself
holding() {
	load_module
	one_queue "$1"
	pool_add p 64M 2M
	# shellcheck disable=SC2086 # words
	port_add a p $patient
	attach "$1" p
	vm_start a --mode "$2"
	flow "$1" $(($3 * frames + 2 * frames)) size=1514 "$(to a)"
	flow_end
	wait_for 'frames at a' took_all a
	held=$(field "$(show port a)" mapped)
	at_most 'buffers that a should have' "$3" "$held"
}

mapped_is() { # NAME COUNT
	[[ $(field "$(show port "$1")" mapped) == "$2" ]]
}

# KVM maps each buffer by one entry.
huge() { # NIC
	local pages=0 file

	holding "$1" hold 6
	equal 'huge' "$(field "$(show port a)" huge)" possible
	for file in /sys/kernel/debug/kvm/*/pages_2m; do
		pages=$((pages + $(<"$file")))
	done
	at_most 'buffers' "$held" "$pages"
	equal 'window faults' "$(stat port a window_faults)" "$(stat port a flips)"
	diag "$held buffers, $pages pages of 2 MiB"
}

# A guest that is asked returns what it was asked for.
reclaim_asked() { # NIC
	holding "$1" keep 6
	kvmflip port reclaim a 4M
	wait_for 'two buffers less' mapped_is a $((held - 2))
	kvmflip port reclaim a
	wait_for 'no buffers' mapped_is a 0
	equal 'asked for' "$(stat port a reclaim_asked)" "$held"
	equal 'returned' "$(stat port a returns)" "$held"
	equal 'taken by force' "$(stat port a revoked)" 0
	equal 'times the guest saw it' "$(guest a wanted)" 2
	guest_is_told a
	equal 'taken by force, says the guest' "$(field "$report" revoked)" 0
	pool_adds_up p
}

# From one that does not, what it has had for longest is taken.
reclaim_forced() { # NIC
	local received

	holding "$1" hold 6
	kvmflip port reclaim a 4M
	equal 'buffers while it has time' "$(field "$(show port a)" mapped)" "$held"
	wait_for 'two buffers less' mapped_is a $((held - 2))
	wait_for 'word of it at the guest' guest_has a revoked 2
	equal 'asked for' "$(stat port a reclaim_asked)" 2
	equal 'taken by force' "$(stat port a revoked)" 2
	equal 'times the guest saw it' "$(guest a wanted)" 1
	# slots were filled in the order of their numbers
	equal 'slot taken last' "$(guest a revoked_slot)" 1
	equal 'slots in which there still was something' "$(guest a not_gone)" 0
	# it is well, and gets new buffers
	received=$(guest a received)
	flow "$1" $((4 * frames)) size=1514 "$(to a)"
	flow_end
	wait_for 'frames at a' took_all a
	positive 'frames since' $(($(guest a received) - received))
	guest_is_told a
	equal 'taken by force, says the guest' "$(field "$report" revoked)" 2
	pool_adds_up p
}

# Of a pool that one guest has taken all of, the other gets its part all the same.
pressure() { # NIC
	local nic=$1

	load_module
	one_queue "$nic"
	pool_add p 32M 2M
	# shellcheck disable=SC2086 # words
	port_add a p max 32M $patient
	# shellcheck disable=SC2086 # words
	port_add b p max 32M $patient
	attach "$nic" p
	vm_start a --mode hold
	vm_start b
	flow "$nic" $((24 * frames)) size=1514 "$(to a)"
	flow_end
	positive 'frames of a copied, the pool being dry' "$(stat port a copied_quota)"
	flow "$nic" $((24 * frames)) size=1514 "$(to b)"
	flow_end
	wait_for 'frames at b' took_all b
	wait_for 'frames at a' took_all a
	positive 'taken from a' "$(stat port a revoked)"
	positive 'flips for b' "$(stat port b flips)"
	equal 'taken from b' "$(stat port b revoked)" 0
	guest_is_told b
	pool_adds_up p
}

ktap_begin
# The NIC has little to do with it.
if [[ $nic_kinds == *virtio* ]]; then
	run_case 'virtio: a share' quota virtio
	run_case 'virtio: pages of 2 MiB' huge virtio
	run_case 'virtio: buffers asked for' reclaim_asked virtio
	run_case 'virtio: buffers taken' reclaim_forced virtio
	run_case 'virtio: a dry pool' pressure virtio
fi
ktap_end
