#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A virtual machine with a port of kvmflip's as its network card, by cloud-hypervisor.
# $1: the UUID of the port's device, as "kvmflip port add" or "port show" say it.
# It wants an own address space for devices of 64 bits, which it has by itself, and a
# kernel that is started directly, or firmware of its own.
uuid=$1
shift
exec cloud-hypervisor \
	--cpus boot=2 --memory size=2G \
	--kernel /var/lib/cloud-hypervisor/vmlinux \
	--cmdline 'console=ttyS0 root=/dev/vda1' \
	--disk path=/var/lib/libvirt/images/vm1.img,image_type=raw \
	--serial tty --console off \
	--api-socket /run/vm1.sock \
	--device "path=/sys/bus/mdev/devices/$uuid/,id=kf" \
	"$@"
