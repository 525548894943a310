#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The oldest kernel that guests may have: Debian's 6.12, with the driver built for it.
# full
# timeout: 400
# testbed: --mem 3072 --cpus 1 --l2 debian
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/flow.sh"
. "$(dirname "$0")/l2.sh"
. "$(dirname "$0")/inet.sh"
l2_mem=768 l2_boot_seconds=300

# Addresses, TCP and UDP
host_and_guest() {
	load_module
	pool_add p 16M
	port_add a p
	l2_start a
	equal 'kernel' "$(l2_run a 'uname -r | cut -d . -f 1-2')" 6.12
	inet_up a 1
	both_ping a 1 20
	iperf_both a 1
	links_agree a
	l2_run a 'rmmod kvmflip_net'
	l2_stop a
}

ktap_begin
run_case 'host and guest' host_and_guest
run_case 'virtio: nobody copies' zero_copy virtio floor
ktap_end
