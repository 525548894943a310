# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the scripts say to the user, with the time since they started. Sourced.

# A script started by another goes on counting from the first one's start.
export KVMFLIP_START=${KVMFLIP_START:-$(date +%s)}

elapsed() {
	local s=$(($(date +%s) - KVMFLIP_START))

	printf '%d:%02d' $((s / 60)) $((s % 60))
}

say() {
	printf '[%5s] %s\n' "$(elapsed)" "$*" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# quietly LOG COMMAND...: the output goes to LOG; on failure its end is shown
quietly() {
	local log=$1

	shift
	"$@" >"$log" 2>&1 && return
	tail -n 20 "$log" >&2
	die "$1 failed, see $log"
}
