# SPDX-License-Identifier: GPL-2.0
"""What is measured over a range of something, and the plots of it."""

import collections
import pathlib
import sys

import plots

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "userspace/bench"))
import predict

Curve = collections.namedtuple("Curve", "title x arms sizes mem timeout", defaults=(3072, 1500))
LINUX = "drop strict_2m strict_4k steered copy redirect bridge macvtap"
CHOICES = ("flips", "waits", "copies", "auto")


def points(names, xs):
    return " ".join(f"{name}:{x}" for x in xs for name in names.split())


CURVES = {
    "size": Curve("Frames of all sizes", "bytes", LINUX, "64 128 256 512 1024 1514 2048 3498",
                  timeout=2400),
    "strays": Curve("Frames of a buffer that are not its owner's", "of 100 frames",
                    points("strays", (0, 2, 10, 25, 50, 75, 90)), "1514"),
    "ports": Curve("Guests whose frames come mixed on one queue", "guests",
                   points("ports copied", (1, 4, 16, 64)), "1514"),
    "queues": Curve("Guests whose frames come mixed at the igb NIC", "guests",
                    points("one four", (1, 4, 16, 64)), "1514"),
    "pool": Curve("Sizes of the pool", "MiB",
                  points("pool", (64, 256, 1024, 4096, 8192)), "1514", 11264, 2400),
    "kept": Curve("Buffers that the guest keeps", "% of the pool",
                  points("kept", (25, 50, 75)), "1514"),
    "latency": Curve("Time that a frame may wait", "ms",
                     points("latency", (0, 80, 160, 320, 640)), "1514"),
    "choice-size": Curve("Flip or copy, by the size of frames", "bytes",
                         points(" ".join(CHOICES), (256,)),
                         "64 128 256 320 512 1024 1514 3498"),
    "choice-rate": Curve("Flip or copy, by their rate", "frames each 40 ms",
                         points(" ".join(CHOICES), (16, 64, 128, 256, 480)), "1514"),
}


def together(names):
    """Arms, sizes, memory and time of several curves that are taken in one machine"""
    some = [CURVES[name] for name in names]
    sizes = {curve.sizes for curve in some}
    if len(sizes) > 1:
        sys.exit("these curves have not the same sizes of frames")
    arms = dict.fromkeys(arm for curve in some for arm in curve.arms.split())
    return (" ".join(arms), sizes.pop(), max(curve.mem for curve in some),
            sum(curve.timeout for curve in some))


def part(name, figures):
    """Of figures those of one curve"""
    return {arm: figures[arm] for arm in CURVES[name].arms.split() if arm in figures}


def series_of(name, figures, value):
    """{name: {x: value(figures of that)}}"""
    by_size = " " in CURVES[name].sizes
    series = collections.defaultdict(dict)
    for arm, sizes in figures.items():
        arm, _, x = arm.partition(":")
        for size, of in sizes.items():
            y = value(of)
            if y is not None:
                series[arm][int(size) if by_size else int(x)] = y
    return series


def counter(*names):
    return lambda of: sum(of["counters"][name]["median"] for name in names
                          if name in of["counters"]) if of.get("counters") else None


def median(of):
    return of["instructions"]["median"]


def cycles(of):
    return sum(predict.cycles_of(of, predict.PUBLISHED, predict.CPI).values())


def write_plots(name, figures, out):
    """SVG files of a curve, in the directory out"""
    curve = CURVES[name]
    plots.lines(out / f"{name}.svg", curve.title, "instructions of the host's kernel, of a frame",
                curve.x, series_of(name, figures, median))
    for what, title, value in (
            ("cycles", "cycles of the host's kernel, of a frame, as predicted", cycles),
            ("flipped", "share of frames that are flipped", counter("flipped")),
            ("bytes", "bytes of a frame that are copied or zeroed",
             counter("bytes_copied", "bytes_zeroed", "bytes_zeroed_tail"))):
        series = series_of(name, figures, value)
        if series:
            plots.lines(out / f"{name}-{what}.svg", curve.title, title, curve.x, series)


def print_tables(name, figures, file):
    """A line for each x, a column for each series"""
    curve = CURVES[name]
    for title, value in (("instructions of the host's kernel, of a frame", median),
                         ("of these +-", lambda of: (of["instructions"]["max"]
                                                     - of["instructions"]["min"]) / 2),
                         ("cycles, as predicted", cycles),
                         ("share that is flipped", counter("flipped")),
                         ("bytes copied", counter("bytes_copied")),
                         ("bytes zeroed", counter("bytes_zeroed", "bytes_zeroed_tail")),
                         ("time in which a buffer fills, ms",
                          lambda of: of["fill_usecs"] and of["fill_usecs"] / 1000),
                         ("frames lost", lambda of: of["lost"] or None)):
        series = series_of(name, figures, value)
        if not series:
            continue
        print(f"\n{curve.title}: {title}", file=file)
        print(f"{curve.x:>18}" + "".join(f"{arm:>12}" for arm in series), file=file)
        for x in sorted({x for points in series.values() for x in points}):
            print(f"{x:>18}" + "".join(f"{points[x]:>12.3f}" if x in points else f"{'':12}"
                                       for points in series.values()), file=file)
