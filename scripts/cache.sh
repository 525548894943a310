# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Where things are: the checkout, and the cache outside it. Sourced.

# shellcheck disable=SC2034 # read by those who source this
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kvmflip
mkdir -p "$cache"

# need_space MIB WHAT: stop early rather than in the middle of a build
need_space() {
	local free
	free=$(df --output=avail -m "$cache" | tail -n 1)
	((free >= $1)) ||
		die "no space: $2 needs $1 MiB in $cache, only ${free// /} MiB are free"
}
