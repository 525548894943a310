# SPDX-License-Identifier: GPL-2.0
"""Frames a second and seconds of the processor, of userspace/bench/times.sh."""

import collections
import json
import statistics

TICKS = 100  # a second, in /proc/stat
WIDTH = 15  # of a column
WHOSE = ("host", "guests", "idle")


def spread(values):
    return {"median": round(statistics.median(values), 2), "min": round(min(values), 2),
            "max": round(max(values), 2)}


def of_runs(runs):
    ticks = [[n / TICKS * 1e6 / max(run["got"], 1) for n in run["ticks"]] for run in runs]
    return {
        "runs": len(runs),
        "frames_per_second": spread([run["got"] / run["seconds"] for run in runs]),
        "lost_share": spread([1 - run["got"] / run["sent"] for run in runs]),
        "cpu_seconds_per_million": {whose: spread(values)
                                    for whose, values in zip(WHOSE, zip(*ticks))},
    }


def figures_of(path):
    """{arm: {size: figures}}"""
    runs = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in map(json.loads, path.read_text().splitlines()):
        runs[line["arm"]][line["size"]].append(line)
    return {arm: {size: of_runs(some) for size, some in sizes.items()}
            for arm, sizes in runs.items()}


def print_table(figures, file):
    """A column for each arm, least and greatest of frames a second too"""
    for size in sorted({size for arm in figures for size in figures[arm]}):
        some = {arm: of[size]["time"] for arm, of in figures.items()
                if "time" in of.get(size, {})}

        def row(name, values):
            print(f"{name:30}" + "".join(f"{value:>{WIDTH}}" for value in values), file=file)

        print(f"\nframes of {size} bytes: time", file=file)
        row("", some)
        for key in ("median", "min", "max"):
            row(f"frames a second, {key}",
                [f"{of['frames_per_second'][key]:.0f}" for of in some.values()])
        row("lost, per cent", [f"{100 * of['lost_share']['median']:.2f}" for of in some.values()])
        for whose in WHOSE:
            row(f"seconds of a million, {whose}",
                [f"{of['cpu_seconds_per_million'][whose]['median']:.1f}" for of in some.values()])
