# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# The machine in which instructions are counted. Sourced by testbed.
#
# Its clock is that of its instructions (-icount), so that what happens does not depend
# on how fast it is emulated; with KVMFLIP_CLOCK=real it is not, because Linux guests get
# an interrupt twice and stand still with the former. Frames come in real time nevertheless: those of a burst
# are held back and let go at once. The processor has fast short string moves, as those
# of today, so that the kernel copies by one instruction; its bytes are counted beside.

symbol() { # NAME [LINES]: its address, or that of a later one
	grep -E -A "${2:-0}" "^[0-9a-f]+ [tT] $1\$" "$build/System.map" | tail -n 1 | cut -d ' ' -f 1
}

count_instructions() { # FILE
	local words

	words=out=$1,switch=$(symbol __switch_to)
	words+=,softirq=$(symbol handle_softirqs),softirq_end=$(symbol handle_softirqs 1)
	accel=tcg
	# shellcheck disable=SC2054 # commas are QEMU's
	accel_args=(-accel tcg,thread=single -cpu "EPYC,+svm,+npt,+fsrm"
		-plugin "$repo/userspace/bench/count.so,$words"
		-object filter-buffer,id=burst,netdev=n0,interval=20000,queue=tx)
	append+=' nokaslr'
	[[ ${KVMFLIP_CLOCK:-} == real ]] || accel_args+=(-icount 'shift=0,sleep=on')
}
