#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What kvmflip check says of hosts that are made of files, below KVMFLIP_ROOT.
# Only what the kernel itself is asked, AF_XDP and the features of a device, is not
# theirs: their NICs have an index that there is not. Prints KTAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
kvmflip=${KVMFLIP:-$here/../kvmflip}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tests=0 failures=0

# put PATH TEXT: a file of the host
put() {
	mkdir -p "$KVMFLIP_ROOT/${1%/*}"
	printf '%s\n' "$2" >"$KVMFLIP_ROOT/$1"
}

# a host with a NIC that is fit
host() { # NAME
	export KVMFLIP_ROOT=$tmp/$1

	put proc/cpuinfo $'processor\t: 0\nflags\t\t: fpu sse svm npt\nbugs\t\t:'
	put proc/sys/kernel/osrelease 7.3.4-test
	put proc/buddyinfo $'Node 0, zone DMA 1 1 1 1 1 1 1 1 1 0 1\nNode 0, zone Normal 9 9 9 9 9 9 9 9 9 3 20'
	put dev/kvm ''
	put dev/vfio/vfio ''
	put sys/module/kvm_amd/parameters/npt Y
	mkdir -p "$KVMFLIP_ROOT/sys/bus/mdev"
	put sys/kernel/iommu_groups/4/type DMA-FQ
	nic eth1
}

nic() { # NAME
	local dir=sys/class/net/$1

	put "$dir/ifindex" 999999
	put "$dir/flags" 0x1003
	put "$dir/mtu" 1500
	mkdir -p "$KVMFLIP_ROOT/$dir/device"
	ln -s ../drivers/igb "$KVMFLIP_ROOT/$dir/device/driver"
	ln -s ../../iommu_groups/4 "$KVMFLIP_ROOT/$dir/device/iommu_group"
}

result() { # OK NAME
	tests=$((tests + 1))
	if ((!$1)); then
		failures=$((failures + 1))
		printf 'not '
	fi
	printf 'ok %d %s\n' "$tests" "$2"
}

# says STATUS LINE ARGS...: one of the lines is this, and the status is that
says() {
	local status=$1 line=$2 out got ok=1

	shift 2
	out=$("$kvmflip" "$@" 2>&1)
	got=$?
	if ((got != status)) || ! grep -qxF -- "$line" <<<"$out"; then
		sed 's/^/# /' <<<"status $got"$'\n'"$out"
		ok=0
	fi
	result "$ok" "${KVMFLIP_ROOT##*/}: $line"
}

golden() { # FILE ARGS...: all of it is what the file has
	local file=$here/$1 ok=1

	shift
	"$kvmflip" "$@" 2>&1 | diff "$file" - | sed 's/^/# /'
	((PIPESTATUS[1] == 0)) || ok=0
	result "$ok" "${KVMFLIP_ROOT##*/}: kvmflip $* (golden)"
}

echo 'KTAP version 1'
host fit
golden check.txt check
golden check.json -j check eth1
says 2 'fail  module             not loaded' check
says 2 'fail  eth7               there is no such network device' check eth7

host old-cpu
put proc/cpuinfo $'flags\t\t: fpu sse'
says 2 'fail  cpu                neither VMX nor SVM' check
put proc/cpuinfo $'flags\t\t: fpu vmx epta'
says 2 'fail  cpu                VMX without nested paging' check
put proc/cpuinfo $'flags\t\t: vmx ept'
says 2 'ok    cpu                VMX with nested paging' check

host no-kvm
rm "$KVMFLIP_ROOT/dev/kvm"
says 2 'fail  kvm                there is no /dev/kvm' check
put dev/kvm ''
put sys/module/kvm_amd/parameters/npt N
says 2 'fail  kvm                kvm_amd has npt=N' check

host kernels
for release in 6.11.9 7.4.0-rc1 5.10 x; do
	put proc/sys/kernel/osrelease $release
	says 2 "fail  kernel             $release: the module was not made for it" check
done
for release in 6.12.0 6.18.1 7.0 7.3.99; do
	put proc/sys/kernel/osrelease $release
	says 2 "ok    kernel             $release" check
done

host iommu
put sys/kernel/iommu_groups/4/type identity
says 2 "fail  eth1: iommu        identity: the NIC's access to memory cannot be revoked" check
rm "$KVMFLIP_ROOT/sys/class/net/eth1/device/iommu_group"
says 2 "fail  eth1: iommu        no IOMMU: the NIC's access to memory cannot be revoked" check eth1
put sys/class/net/eth1/device/features "$(printf '0%.0s' {1..64})"
says 2 'fail  eth1: iommu        a virtio device that goes around it' check

host link
put sys/class/net/eth1/flags 0x1002
put sys/class/net/eth1/mtu 9000
says 2 'warn  eth1: link         is down' check
says 2 '                         -> ip link set eth1 up' check
says 2 'fail  eth1: mtu          9000, more than fits into a chunk' check

host another-version
version=$("$kvmflip" -V)
version=${version#kvmflip }
put sys/module/kvmflip/version "$version"
says 0 'ok    module             loaded' check
put sys/module/kvmflip/version 0.0
says 0 "warn  module             0.0 is loaded, this program is of $version" check

host troubles
fake=$tmp/fake
cp -r "$here/fake" "$fake"
sed -i '0,/"queue"/s//"broken": true, "queue"/' "$fake/rxqs.json"
sed -i '0,/"state": "[a-z]*"/s//"state": "failed"/' "$fake/ports.json"
mkdir -p "$KVMFLIP_ROOT/sys/module/kvmflip"
export KVMFLIP_FAKE=$fake
fake_says() {
	local kvmflip=$here/kvmflip-fake

	says "$@"
}
fake_says 2 'fail  lo: queue 0        it is served no longer: the kernel'"'"'s log says why' check
fake_says 2 'warn  port vm1           the guest broke a ring and gets no frames' check
unset KVMFLIP_FAKE

host memory
put proc/buddyinfo 'Node 0, zone Normal 9999 9 9 9 9 9 9 9 9 31 0'
says 2 'warn  memory             62 MiB free in blocks of 2 MiB' check
put proc/buddyinfo 'Node 0, zone Normal 9999 9 9 9 9 9 9 9 9 32 0'
says 2 'ok    memory             64 MiB free in blocks of 2 MiB' check

host no-nic
rm -r "$KVMFLIP_ROOT/sys/class/net/eth1/device"
says 2 'fail  nics               there is no NIC' check

host vfio
rm "$KVMFLIP_ROOT/dev/vfio/vfio"
says 2 'fail  vfio               there is no /dev/vfio/vfio' check
rmdir "$KVMFLIP_ROOT/sys/bus/mdev"
says 2 'warn  vfio               no mediated devices' check

echo "1..$tests"
((failures == 0))
