# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Allocations that fail, and what the kernel finds out by itself. Sourced after flow.sh, or
# by a script in a guest.

kinds=(/sys/kernel/debug/{failslab,fail_page_alloc})
endless=1000000000

needs_injection() {
	[[ ! -e /proc/self/fail-nth || ! -d ${kinds[0]} ]] || return 0
	echo '1..0 # SKIP no fault injection in this kernel'
	exit 4
}

# faults_in MODULE: only what its code asks for, and all of that
faults_in() {
	local kind start end

	read -r start end < <(awk -v module="[$1]" '$4 == module && $2 ~ /[tT]/ { print $1 }' \
		/proc/kallsyms | sort | sed -n '1p; $p' | paste -sd ' ')
	for kind in "${kinds[@]}"; do
		echo N >"$kind/ignore-gfp-wait"
		echo 0 >"$kind/verbose"
		echo 0 >"$kind/probability"
		echo "0x$start" >"$kind/require-start"
		printf '0x%x\n' $((0x$end + 4096)) >"$kind/require-end"
		echo $endless >"$kind/times"
	done
	echo 0 >"${kinds[1]}/min-order"
}

# spare PATTERN: but not what functions of such names ask for, which are near each other
spare() {
	local kind first last

	read -r first last < <(awk -v name="^$1\$" '$2 ~ /[tT]/ && $3 ~ name { print $1 }' \
		/proc/kallsyms | sort | sed -n '1p; $p' | paste -sd ' ')
	((0x$last - 0x$first < 8192)) || fail "$1: from $first to $last"
	for kind in "${kinds[@]}"; do
		echo "0x$first" >"$kind/reject-start"
		printf '0x%x\n' $((0x$last + 1024)) >"$kind/reject-end"
	done
}

# chance PERCENT: that any of these allocations fails
chance() {
	local kind

	for kind in "${kinds[@]}"; do
		echo "$1" >"$kind/probability"
	done
}

faults_off() {
	chance 0
}

# injected: sets $faults to how many there were since faults_in
injected() {
	local kind left

	faults=0
	for kind in "${kinds[@]}"; do
		read -r left <"$kind/times"
		faults=$((faults + endless - left))
	done
}

# nth N COMMAND...: its Nth allocation fails
nth() {
	(
		trap - ERR EXIT
		echo "$1" >/proc/self/fail-nth
		exec "${@:2}"
	)
}

# Reports of the kernel since it came up, but for what it says when it starts
splats() {
	dmesg | grep -vEf <(grep -vE '^(#|$)' "${BASH_SOURCE[0]%/*}/../../scripts/splats.allow") |
		grep -cE 'BUG:|WARNING:|KASAN|refcount_t:|possible .* locking' || true
}

# What kmemleak knows of, once if time is short: objects count when they are 5 s old and
# two scans agree
leaks() { # NAME
	local scan=/sys/kernel/debug/kmemleak

	if ! grep -q kmemleak=on /proc/cmdline || [[ $1 != faults && ${KVMFLIP_FULL:-0} != 1 ]]; then
		echo null
		return
	fi
	nap 6
	echo scan >$scan
	echo scan >$scan
	head -n 40 $scan | sed 's/^/# /' >&2
	# igb loses some of its own at ethtool -L, with or without kvmflip
	awk '/^unreferenced object/ { n += seen; seen = 1 } /igb_alloc_q_vector/ { seen = 0 }
		END { print n + seen }' $scan
}

# finding NAME MEMBERS: a figure with these and what is known at the end of a case
finding() {
	local seen found

	seen=$(splats)
	found=$(leaks "$1")
	figure "hostile.$1" "{$2, \"splats\": $seen, \"leaks\": $found}"
	equal 'reports of the kernel' "$seen" 0
	[[ $found == null ]] || equal 'leaks' "$found" 0
}
