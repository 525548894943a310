# SPDX-License-Identifier: GPL-2.0
"""What frames would cost on hardware, by the events that were counted elsewhere."""

import json
import pathlib
import sys

# Cycles, of those who published them; Documentation/benchmarks.rst says who. A page
# fault's is without its exit, an invalidation's with a processor to tell.
PUBLISHED = {"exit": 1400, "page_fault": 2500, "invalidation": 6600, "context_switch": 3000,
             "iotlb_sync": 2100, "copied_byte": 0.85, "zeroed_byte": 0.22}
CPI = 0.7
# Which counter says how many of them a frame has
EVENTS = {"exit": "exits", "page_fault": "page_faults", "invalidation": "notifier_invalidations",
          "context_switch": "context_switches", "iotlb_sync": "iotlb_syncs"}


def prices_of(path, sync):
    """Cycles as calibrate found them, or published"""
    if not path:
        return {**PUBLISHED, "iotlb_sync": sync or PUBLISHED["iotlb_sync"]}
    found = json.loads(path.read_text())["cycles"]
    found["iotlb_sync"] = sync or PUBLISHED["iotlb_sync"]
    if "page_fault" in found and "exit" in found:
        found["page_fault"] -= found["exit"]
    missing = [name for name in PUBLISHED if name not in found]
    if missing:
        print(f"not measured on that machine, as published: {', '.join(missing)}",
              file=sys.stderr)
    return {**PUBLISHED, **found}


def cycles_of(figures, prices, cpi):
    """{part: cycles} of a frame"""
    events = {name: of["median"] for name, of in figures["events"].items()}
    counters = {name: of["median"] for name, of in figures["counters"].items()}
    zeroed = counters.get("bytes_zeroed", 0) + counters.get("bytes_zeroed_tail", 0)
    written = events.get("bytes_by_string_instructions", 0)
    parts = {"instructions": cpi * figures["instructions"]["median"]}
    for name, event in EVENTS.items():
        parts[name] = prices[name] * events.get(event, 0)
    parts["copying"] = prices["copied_byte"] * max(written - zeroed, 0)
    parts["zeroing"] = prices["zeroed_byte"] * zeroed
    return parts


def rows_of(document, prices, cpi):
    """[(arm, size, {part: cycles})]"""
    return [(arm, size, cycles_of(figures, prices, cpi))
            for arm, sizes in document["arms"].items() for size, figures in sizes.items()]


def main(args):
    document = json.loads(args.file.read_text())
    if args.curve:
        document = document["curves"][args.curve]
    prices = prices_of(args.prices, args.sync)
    rows = rows_of(document, prices, args.cpi)
    print("cycles of the host's kernel, of a frame")
    print(f"{'':24}{'sum':>9}" + "".join(f"{part:>15}" for part in rows[0][2]))
    for arm, size, parts in rows:
        print(f"{arm:17} {size:>5} {sum(parts.values()):>9.0f}"
              + "".join(f"{cycles:>15.1f}" for cycles in parts.values()))


def add_command(commands):
    """kvmflip-bench predict"""
    sub = commands.add_parser("predict", description=__doc__,
                              help="cycles of a frame, from what make bench counted")
    sub.add_argument("file", type=pathlib.Path, metavar="FILE", help="out/bench.json")
    sub.add_argument("--curve", help="of FILE, instead of its arms")
    sub.add_argument("--prices", type=pathlib.Path, metavar="FILE",
                     help="what kvmflip-bench calibrate has printed; or else published ones")
    sub.add_argument("--cpi", type=float, default=CPI,
                     help=f"cycles of an instruction ({CPI})")
    sub.add_argument("--sync", type=float, metavar="CYCLES", help="of an IOTLB flush")
    sub.set_defaults(main=main)
