# SPDX-License-Identifier: GPL-2.0
"""Plots of figures, as SVG."""

COLOURS = ["#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1",
           "#ff9da7", "#9c755f", "#bab0ac", "#1b4f72", "#7d6608", "#641e16", "#0e6251",
           "#196f3d", "#784212", "#4a235a", "#424949", "#aed6f1", "#f5cba7"]
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, LEGEND = 960, 420, 70, 40, 60, 260


class Plot:
    """Axes with a legend beside them"""

    def __init__(self, title, unit, top):
        self.top = top or 1
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
                      f'height="{HEIGHT}" font-family="sans-serif" font-size="12">',
                      f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
        self.text(LEFT, 22, title, size=15)
        step = 10 ** (len(str(int(self.top))) - 1)
        while self.top / step < 4:
            step /= 2
        n = 0
        while n * step <= self.top:
            y = self.y(n * step)
            self.parts.append(f'<path d="M{LEFT} {y}H{WIDTH - LEGEND}" stroke="#ddd"/>')
            self.text(LEFT - 6, y + 4, f"{n * step:g}", "end")
            n += 1
        self.text(LEFT, TOP - 4, unit, size=11)
        self.legends = 0

    def text(self, x, y, text, anchor="start", size=12):
        text = str(text).replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
                          f'font-size="{size}">{text}</text>')

    def y(self, value):
        return round(HEIGHT - BOTTOM - value / self.top * (HEIGHT - BOTTOM - TOP), 1)

    def x(self, share):
        return round(LEFT + share * (WIDTH - LEGEND - LEFT), 1)

    def legend(self, colour, text):
        y = TOP + 16 * self.legends
        x = WIDTH - LEGEND + 14
        self.parts.append(f'<rect x="{x}" y="{y}" width="11" height="11" fill="{colour}"/>')
        self.text(x + 17, y + 10, text)
        self.legends += 1

    def write(self, path):
        path.write_text("\n".join([*self.parts, "</svg>"]) + "\n")


def bars(path, title, unit, columns):
    """columns: {name: {part: value}}, stacked"""
    parts = []
    for column in columns.values():
        parts += [part for part in column if part not in parts]
    plot = Plot(title, unit, max(sum(column.values()) for column in columns.values()))
    for i, (name, column) in enumerate(columns.items()):
        base, left = 0, plot.x((i + 0.15) / len(columns))
        width = plot.x((i + 0.85) / len(columns)) - left
        for part in parts:
            value = column.get(part, 0)
            top = plot.y(base + value)
            plot.parts.append(f'<rect x="{left}" y="{top}" width="{width:.1f}" '
                              f'height="{plot.y(base) - top:.1f}" '
                              f'fill="{COLOURS[parts.index(part) % len(COLOURS)]}"/>')
            base += value
        plot.text(left + width / 2, plot.y(base) - 4, f"{base:.0f}", "middle", 11)
        plot.text(left + width / 2, HEIGHT - BOTTOM + 18, name, "middle", 11)
    for part in reversed(parts):
        plot.legend(COLOURS[parts.index(part) % len(COLOURS)], part)
    plot.write(path)


def lines(path, title, unit, x_unit, series):
    """series: {name: {x: y}}; the x are put at equal distances"""
    xs = sorted({x for points in series.values() for x in points})
    plot = Plot(title, unit, max(max(points.values()) for points in series.values()))
    at = {x: plot.x((i + 0.5) / len(xs)) for i, x in enumerate(xs)}
    for x in xs:
        plot.text(at[x], HEIGHT - BOTTOM + 18, f"{x:g}", "middle", 11)
    plot.text(plot.x(0.5), HEIGHT - BOTTOM + 40, x_unit, "middle")
    for i, (name, points) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        dots = [(at[x], plot.y(y)) for x, y in sorted(points.items())]
        plot.parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" '
                          f'points="{" ".join(f"{x},{y}" for x, y in dots)}"/>')
        plot.parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in dots]
        plot.legend(colour, name)
    plot.write(path)
