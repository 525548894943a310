#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What kvmflip prints of pools, queues and ports, as text, as JSON and in all the other
# ways, is what tests/golden has; there is no module, but files that stand for one.
# With --update it is written there, to be looked at. Prints KTAP.
set -u
cd "$(dirname "$0")" || exit 1
kvmflip=./kvmflip-fake
export KVMFLIP_FAKE=fake
tests=0 failures=0 update=${1:-}

golden() { # FILE ARGS...: output, errors and exit status
	local file=golden/$1 ok=1 out

	shift
	out=$("$kvmflip" "$@" 2>&1; echo "exit $?")
	[[ $update != --update ]] || echo "$out" >"$file"
	diff "$file" - <<<"$out" | sed 's/^/# /'
	((PIPESTATUS[0] == 0)) || ok=0
	tests=$((tests + 1))
	if ((!ok)); then
		failures=$((failures + 1))
		printf 'not '
	fi
	echo "ok $tests - kvmflip $* (${file##*/})"
}

echo 'KTAP version 1'
for object in pool rxq port; do
	golden $object $object
	golden $object-s -s $object
	golden $object-ss -s -s $object
	golden $object-d -d $object
	golden $object-j -j $object
	golden $object-js -j -s $object
	golden $object-jd -j -d $object
	golden $object-p -p $object
done
golden save save
golden metrics metrics
golden apply-n apply -n fake/config
golden refused pool add p3 size 4K buffer 4K
golden monitor monitor
export KVMFLIP_ROOT=fake/root
golden trace trace
golden trace-j -j trace
golden trace-p -p trace count 1
unset KVMFLIP_ROOT
# rates are of a time that is never the same: all digits are one
numbers() {
	sed -E 's/[0-9]+/N/g; s/ +/ /g; s/ $//'
}

# on_screen: top in a terminal, when it has come to show rates
on_screen() {
	local tmux=(tmux -L "kvmflip-$$" -f /dev/null) i

	"${tmux[@]}" new-session -d -x 132 -y 24 "$kvmflip top interval 1"
	for ((i = 0; i < 100; i++)); do
		sleep 0.1
		"${tmux[@]}" capture-pane -p | grep -q '^POOL' && break
	done
	"${tmux[@]}" capture-pane -p | numbers
	"${tmux[@]}" kill-server
}

shown=$(mktemp)
trap 'rm -f "$shown"' EXIT
"$kvmflip" top | numbers >"$shown"
screen=$(on_screen 2>/dev/null)
kvmflip=/bin/cat
golden top "$shown"
if type -P tmux >/dev/null; then
	echo "$screen" >"$shown"
	golden top-screen "$shown"
else
	tests=$((tests + 1))
	echo "ok $tests - top on a screen # SKIP no tmux"
fi
echo "1..$tests"
((failures == 0))
