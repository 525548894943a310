# SPDX-License-Identifier: GPL-2.0
"""What userspace/bench/count.c has counted, by function, file, group and thread."""

import bisect
import collections
import pathlib
import re
import subprocess

# The first that matches the path of a function's object file
GROUPS = [
    ("NIC driver", r"drivers/(net/virtio_net|virtio/)"),
    ("XDP, AF_XDP", r"net/xdp/|kernel/bpf/|net/core/(xdp|filter|page_pool)\.o|\[bpf\]"),
    ("kvmflip", r"src/(host|guest)/"),
    ("IOMMU, DMA", r"drivers/iommu/|kernel/dma/"),
    ("KVM: page tables", r"arch/x86/kvm/mmu/"),
    ("KVM: VFIO, eventfd", r"drivers/vfio/|fs/eventfd|virt/kvm/(eventfd|vfio)|virt/lib"),
    ("KVM: rest", r"arch/x86/kvm/|virt/kvm/"),
    ("vhost", r"drivers/vhost/"),
    ("tap, macvtap, bridge", r"drivers/net/(tun|tap|macv)|net/bridge/|net/(802|llc)/"),
    ("copying, zeroing", r"arch/x86/lib/(mem|copy|clear|usercopy)|lib/(iov_iter|usercopy)"),
    ("network stack", r"net/"),
    ("page and slab allocator", r"mm/(page_alloc|slub|slab|page_frag|vmstat|mmzone)"),
    ("memory mapping", r"mm/|arch/x86/mm/"),
    ("locks", r"kernel/locking/"),
    ("idle, clock, RCU", r"kernel/(time|rcu|sched/idle)|kernel/cpu_pm|drivers/cpuidle"
                         r"|arch/x86/kernel/(process\.o|tsc|kvmclock)|drivers/acpi"),
    ("scheduler, wake-ups", r"kernel/(sched|kthread|workqueue|smp)"),
    ("interrupts", r"kernel/(irq|softirq|entry)|arch/x86/(kernel/(apic|irq)|entry)"
                   r"|drivers/pci|kernel/irq_work"),
    ("system calls, files", r"fs/|kernel/|lib/|arch/"),
]
BACKGROUND = "idle, clock, RCU"

# Events, each the number of times that one of some functions is entered
EVENTS = {
    "exits": ("__svm_vcpu_run",),
    "page_faults": ("kvm_tdp_page_fault",),
    "notifier_invalidations": ("kvm_mmu_notifier_invalidate_range_start",),
    "tlb_flushes": ("kvm_flush_remote_tlbs", "kvm_flush_remote_tlbs_range"),
    "iotlb_syncs": ("qi_submit_sync",),
    "interrupts": ("asm_common_interrupt",),
    "guest_interrupts": ("svm_inject_irq",),
    "doorbells": ("ioeventfd_write",),
    "eventfd_signals": ("eventfd_signal_mask",),
    "wake_ups": ("try_to_wake_up",),
    "context_switches": ("__switch_to",),
}

Figure = collections.namedtuple("Figure", "insns calls bytes")
Symbol = collections.namedtuple("Symbol", "address name module")


def nm(path):
    """Names of functions, by object file, in the order of linking: [(object, name)]"""
    out = subprocess.run(["nm", "-A", "--defined-only", "-p", path], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for line in out.splitlines():
        where, _, name = line.rpartition(" ")
        where, _, sort = where.rpartition(" ")
        if sort in "tTwW":
            yield where.rpartition(":")[0].split(":")[-1], name


class Files:
    """In which object file a function is"""

    def __init__(self, kernel, modules):
        self.kernel = collections.defaultdict(list)
        for path, name in nm(kernel / "vmlinux.a"):
            self.kernel[name].append(path.removeprefix(f"{kernel}/"))
        self.modules = {}
        for mod in [*kernel.rglob("*.mod"), *modules.rglob("*.mod")]:
            root = kernel if mod.is_relative_to(kernel) else modules
            self.modules[mod.stem.replace("-", "_")] = (root, mod)
        self.known = {}

    def of_module(self, module):
        if module not in self.known:
            names = self.known[module] = {}
            root, mod = self.modules.get(module, (None, None))
            for path in mod.read_text().split() if mod else ():
                path = pathlib.Path(path)
                path = path if path.is_absolute() else root / path
                shown = re.sub(r"\w+/\w+/\w+/\.\./\.\./\.\./", "", str(path))
                shown = shown.removeprefix(f"{root}/")
                for _, name in nm(path):
                    names.setdefault(name, shown)
        return self.known[module]

    def of(self, symbol, before):
        if symbol.module == "bpf":
            return "[bpf]"
        if symbol.module:
            return self.of_module(symbol.module).get(symbol.name, f"[{symbol.module}]")
        paths = self.kernel.get(symbol.name, ["?"])
        # static functions with the same name: they are beside others of their file
        return before if before in paths else paths[0]


class Symbols:
    """All functions of a kernel: what is at an address?"""

    def __init__(self, kernel, files, listed):
        found = []
        for line in (kernel / "System.map").read_text().splitlines():
            address, sort, name = line.split()
            if sort in "tTwW" and len(address) == 16 and address >= "ffffffff81":
                found.append(Symbol(int(address, 16), name, None))
        for line in listed.read_text().splitlines() if listed else ():
            words = line.split()
            if words[1] in "tTwW":
                found.append(Symbol(int(words[0], 16), words[2], words[3].strip("[]")))
        found.sort(key=lambda symbol: symbol.address)
        self.symbols, self.paths = [], []
        before = "?"
        for symbol in found:
            path = files.of(symbol, before)
            if path == "?":
                continue
            before = path
            # of several names the first
            if self.symbols and self.symbols[-1].address == symbol.address:
                continue
            self.symbols.append(symbol)
            self.paths.append(path)
        self.addresses = [symbol.address for symbol in self.symbols]

    def at(self, address):
        """(symbol, path)"""
        i = bisect.bisect_right(self.addresses, address) - 1
        return (self.symbols[i], self.paths[i]) if i >= 0 else (None, "?")


def group_of(path):
    for name, pattern in GROUPS:
        if re.match(pattern, path):
            return f"kvmflip: {pathlib.Path(path).stem}" if name == "kvmflip" else name
    return "other"


def read_phases(path):
    """[(threads, [(address, insns, who, times, bytes)])]"""
    phases = []
    for line in open(path):
        words = line.split()
        if words[0] == "phase":
            phases.append(({}, []))
        elif words[0] == "who":
            phases[-1][0][int(words[1])] = " ".join(words[2:])
        else:
            phases[-1][1].append((int(words[0], 16), *map(int, words[1:])))
    return phases


class Phase:
    """One phase, by function: {(who, name, path): Figure}"""

    def __init__(self, counted, host, guest):
        threads, blocks = counted
        found = collections.defaultdict(lambda: [0, 0, 0])
        for address, insns, who, times, written in blocks:
            thread = threads[who]
            if thread.startswith("flipmark"):
                continue
            symbols = guest if thread == "guest" else host
            if not address >> 63:
                key, entry = (thread, "user", "user"), False
            else:
                symbol, path = symbols.at(address)
                key, entry = (thread, symbol.name, path), symbol.address == address
            figure = found[key]
            figure[0] += insns * times
            figure[1] += times if entry else 0
            figure[2] += written
        self.functions = {key: Figure(*figure) for key, figure in found.items()}

    def host(self):
        return {key: f for key, f in self.functions.items() if key[0] != "guest"}

    def sum_by(self, label, functions=None):
        """{label(thread, name, path): instructions}"""
        sums = collections.Counter()
        for key, figure in (functions or self.host()).items():
            sums[label(*key)] += figure.insns
        return sums

    def groups(self):
        return self.sum_by(lambda thread, name, path:
                           "user" if path == "user" else group_of(path))

    def threads(self):
        return self.sum_by(lambda thread, name, path: thread if path != "user" else "user")

    def total(self):
        """Instructions in the host's kernel, but for what goes on without a frame too"""
        return sum(n for name, n in self.groups().items() if name not in ("user", BACKGROUND))

    def guest(self):
        """Instructions in guests' kernels"""
        return sum(f.insns for (thread, name, path), f in self.functions.items()
                   if thread == "guest" and path != "user")

    def events(self):
        calls = collections.Counter()
        written = 0
        for (_, name, path), figure in self.host().items():
            calls[name] += figure.calls
            written += figure.bytes if path != "user" else 0
        events = {event: sum(calls[name] for name in names) for event, names in EVENTS.items()}
        events["bytes_by_string_instructions"] = written
        return events
