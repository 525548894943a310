# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# L1's modules, ports and NICs under the names tests know, whatever order they
# were probed in. Sourced by both ways in, with root set to where L1's root is
# mounted (nothing, if it is /) and modules as testbed has it.

# shellcheck disable=SC2154 # modules and root are the caller's
if [ "$modules" ]; then
	mkdir -p "$root/lib/modules"
	mount -o bind "$root$modules" "$root/lib/modules"
fi

mkdir -p "$root/dev/virtio-ports"
for p in "$root"/sys/class/virtio-ports/*; do
	read -r name <"$p/name" && ln -sf "../${p##*/}" "$root/dev/virtio-ports/$name"
done 2>/dev/null

ip link set lo up
for n in "$root"/sys/class/net/*; do
	driver=$(readlink "$n/device/driver") || continue
	driver=${driver##*/}
	ip link set "${n##*/}" name "${driver%_net}" # virtio, igb
done

# The generator counts frames: no router solicitations among them.
echo 1 >"$root/proc/sys/net/ipv6/conf/all/disable_ipv6"
echo 1 >"$root/proc/sys/net/ipv6/conf/default/disable_ipv6"
