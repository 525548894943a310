#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A virtual machine with a port of kvmflip's as its network card, by QEMU itself.
# $1: the UUID of the port's device, as "kvmflip port add" or "port show" say it.
# What else is said is given to QEMU.
uuid=$1
shift
# q35 places the window above 4 GiB. The root port is for a device that is plugged in
# later: device_add vfio-pci,sysfsdev=...,bus=later,id=...
exec qemu-system-x86_64 \
	-machine q35,accel=kvm -cpu host -smp 2 -m 2G \
	-drive file=/var/lib/libvirt/images/vm1.img,format=raw,if=virtio \
	-nodefaults -display none -serial stdio \
	-qmp unix:/run/vm1.qmp,server=on,wait=off \
	-device pcie-root-port,id=later,chassis=1,pref64-reserve=2G \
	-device "vfio-pci,sysfsdev=/sys/bus/mdev/devices/$uuid,id=kf" \
	"$@"
