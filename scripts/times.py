# SPDX-License-Identifier: GPL-2.0
"""Frames a second, seconds of the processor, round trips, of userspace/bench/times.sh."""

import collections
import json
import statistics

TICKS = 100  # a second, in /proc/stat
WIDTH = 15  # of a column
WHOSE = ("host", "guests", "idle")
PERCENTILES = (50, 90, 99)


def spread(values):
    return {"median": round(statistics.median(values), 2), "min": round(min(values), 2),
            "max": round(max(values), 2)}


def of_runs(runs):
    ticks = [[n / TICKS * 1e6 / run["frames"] for n in run["ticks"]] for run in runs]
    return {
        "runs": len(runs),
        "frames_per_second": spread([run["rate"] for run in runs]),
        "flood_frames_per_second": spread([run["got"] / run["seconds"] for run in runs]),
        "flood_lost_share": spread([1 - run["got"] / run["sent"] for run in runs]),
        "cpu_seconds_per_million": {whose: spread(values)
                                    for whose, values in zip(WHOSE, zip(*ticks))},
    }


def lines_of(path, key):
    """{arm: {key: [line]}} of a file that may not be there"""
    lines = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in map(json.loads, path.read_text().splitlines() if path.exists() else ()):
        lines[line["arm"]][line[key]].append(line)
    return lines


def figures_of(path):
    """{arm: {size: figures}}"""
    return {arm: {size: of_runs(some) for size, some in sizes.items()}
            for arm, sizes in lines_of(path, "size").items()}


def percentile(values, percent):
    """The least value that so many are not above"""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def of_round_trips(runs):
    return {
        "runs": len(runs),
        "lost_share": spread([1 - len(run["ms"]) / run["sent"] for run in runs]),
        **{f"p{percent}_ms": spread([percentile(run["ms"], percent) for run in runs])
           for percent in PERCENTILES},
    }


def round_trips_of(path):
    """{arm: {load: figures}}"""
    return {arm: {load: of_round_trips(some) for load, some in loads.items()}
            for arm, loads in lines_of(path, "load").items()}


def print_round_trips(trips, file):
    """A line for each arm, of each load the percentiles in ms, medians of the rounds"""
    for load in sorted({load for of in trips.values() for load in of}):
        print(f"\nround trips, {load} frames a second besides; ms", file=file)
        print(f"{'':30}" + "".join(f"{f'p{percent}':>{WIDTH}}" for percent in PERCENTILES)
              + f"{'lost, per cent':>{WIDTH}}", file=file)
        for arm, of in trips.items():
            print(f"{arm:30}" + "".join(
                f"{of[load][f'p{percent}_ms']['median']:>{WIDTH}.2f}" for percent in PERCENTILES)
                  + f"{100 * of[load]['lost_share']['median']:>{WIDTH}.1f}", file=file)


def print_table(figures, file):
    """A column for each arm, least and greatest of frames a second too"""
    for size in sorted({size for arm in figures for size in figures[arm]}):
        some = {arm: of[size]["time"] for arm, of in figures.items()
                if "time" in of.get(size, {})}
        if not some:
            continue

        def row(name, values):
            print(f"{name:30}" + "".join(f"{value:>{WIDTH}}" for value in values), file=file)

        print(f"\nframes of {size} bytes: time", file=file)
        row("", some)
        for key in ("median", "min", "max"):
            row(f"frames a second, {key}",
                [f"{of['frames_per_second'][key]:.0f}" for of in some.values()])
        row("of a flood", [f"{of['flood_frames_per_second']['median']:.0f}"
                           for of in some.values()])
        row("lost of it, per cent", [f"{100 * of['flood_lost_share']['median']:.1f}"
                                     for of in some.values()])
        for whose in WHOSE:
            row(f"seconds of a million, {whose}",
                [f"{of['cpu_seconds_per_million'][whose]['median']:.1f}" for of in some.values()])
