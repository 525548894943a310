#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is promised of the library as a whole: the functions of the header are
# those that it exports, each with a version, and the manual page has them all;
# a program in C or C++ builds with it by pkg-config, as installed, and runs.
# With --installed only that, in C, with the library that this machine has.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
. "$here/../../scripts/verdict.sh"

declared() {
	grep -oE '\bkvmflip_[a-z_]+\(' "$here/libkvmflip.h" | tr -d '(' | sort -u
}

exported() {
	nm -D --defined-only "$here/libkvmflip.so.0" |
		sed -n 's/.* T \(kvmflip_[a-z_]*\)@@LIBKVMFLIP_.*/\1/p' | sort
}

documented() {
	sed -n '/^\.SH SYNOPSIS/,/^\.SH DESCRIPTION/p' \
		"$here/../../Documentation/man/libkvmflip.3" |
		grep -oE '\bkvmflip_[a-z_]+\(' | tr -d '(' | sort -u
}

installed() { # COMPILER SUFFIX
	cat >"$tmp/user.$2" <<-'END'
	#include <errno.h>
	#include <stdio.h>
	#include <libkvmflip.h>

	static int print(const struct kvmflip_object *port, void *data)
	{
		(void)data;
		puts(kvmflip_string(port, KVMFLIP_A_PORT_NAME));
		return 0;
	}

	int main(void)
	{
		struct kvmflip *kf;
		int err = kvmflip_open(&kf);

		if (err)
			return err != -ENOENT;
		err = kvmflip_call(kf, kvmflip_request_all(kf, KVMFLIP_CMD_PORT_GET),
				   print, NULL);
		kvmflip_close(kf);
		return err != 0 && err != -EPERM;
	}
	END
	export PKG_CONFIG_PATH=$tmp/root/lib/pkgconfig LD_LIBRARY_PATH=$tmp/root/lib
	# shellcheck disable=SC2046 # words
	"$1" -Wall -Wextra -Werror "$tmp/user.$2" -o "$tmp/user-$2" \
		$(pkg-config --cflags --libs libkvmflip) && "$tmp/user-$2"
}

echo 'KTAP version 1'
if [[ ${1:-} == --installed ]]; then
	verdict 'a program in C' installed "${CC:-cc}" c
	finish
fi
verdict 'exported is what is declared' diff <(declared) <(exported)
verdict 'the manual page has every function' diff <(declared) <(documented)
verdict 'it installs' make -s -C "$here" install PREFIX="$tmp/root"
verdict 'a program in C' installed "${CC:-cc}" c
verdict 'a program in C++' installed "${CXX:-c++}" cc
finish
