# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# KTAP of suites that are commands. Sourced.
tests=0 status=0 log=/tmp/kvmflip-${0##*/}.log

# verdict NAME COMMAND...: and what it said, if it failed
verdict() {
	local name=$1

	shift
	tests=$((tests + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $tests - $name"
	else
		tail -n 40 "$log" | sed 's/^/# /'
		echo "not ok $tests - $name"
		status=1
	fi
}

skip() {
	echo "1..0 # SKIP $*"
	exit 4
}

finish() {
	echo "1..$tests"
	exit $status
}
