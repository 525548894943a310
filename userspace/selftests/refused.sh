#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Where no access of a device can be revoked, attach refuses, says what to boot
# with, and leaves nothing behind.
# append: intel_iommu=off
# append: iommu=pt
# timeout: 120
. "$(dirname "$0")/common.sh"

refuses() { # NIC WHY
	local nic=$1 why=$2

	load_module
	pool_add p 16M
	nic_up "$nic"
	refused "rxq attach $nic 0: $why" kvmflip rxq attach "$nic" all pool p
	nothing_on "$nic"
	wait_for 'free pool' pool_is_free p
}

# What testbed appends comes last, and wins.
case $(</proc/cmdline) in
*intel_iommu=off*)
	why='the device has no IOMMU, so its access cannot be revoked: boot with intel_iommu=on or amd_iommu=on'
	;;
*iommu=pt*)
	why='the IOMMU passes the device through, so its access cannot be revoked: boot without iommu=pt'
	;;
*)
	echo '1..0 # SKIP the IOMMU of this boot translates'
	exit 4
	;;
esac
ktap_begin
for nic in $nic_kinds; do
	run_case "$nic: attach refused" refuses "$nic" "$why"
done
ktap_end
