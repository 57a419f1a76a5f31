# SPDX-License-Identifier: Apache-2.0
"""Log-log plots as SVG text, without a library. The colours are readable on white and on black."""

import html
import math
from dataclasses import dataclass

WIDTH, HEIGHT = 440, 330  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 40, 58
TEXT, GRID = "#7d8794", "#7d879455"
COLOURS = ("#3b82f6", "#e8833a", "#2f9e58", "#a35fd0")
UNITS = {"files": ((10**6, "M"), (10**3, "k")), "bytes": ((1 << 30, " GiB"), (1 << 20, " MiB"), (1 << 10, " KiB"))}


@dataclass
class Panel:
    title: str
    unit: str  # of the horizontal axis: files or bytes
    series: dict  # name to [(value, milliseconds)]


class Axis:
    """Powers of `base` around the values, on a stretch of pixels."""

    def __init__(self, values, base, start, end):
        self.base, self.start, self.end = base, start, end
        self.low = math.floor(math.log(min(values), base) + 1e-9)
        self.high = max(math.ceil(math.log(max(values), base) - 1e-9), self.low + 1)

    def at(self, value):
        share = (math.log(value, self.base) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        return [self.base ** k for k in range(self.low, self.high + 1)]


def number(value, unit):
    for size, name in UNITS.get(unit, ()):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"


def duration(ms):
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"


def words(x, y, content, anchor="middle", size=12):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{TEXT}">'
            f"{html.escape(content)}</text>")


def line(x1, y1, x2, y2, colour=GRID):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def draw_axes(panel, x, y):
    parts = [words((x.start + x.end) / 2, TOP - 22, panel.title, size=14)]
    for tick in y.ticks():
        parts += [line(x.start, y.at(tick), x.end, y.at(tick)),
                  words(x.start - 6, y.at(tick) + 4, duration(tick), "end")]
    for tick in x.ticks():
        parts += [line(x.at(tick), y.start, x.at(tick), y.end),
                  words(x.at(tick), y.start + 17, number(tick, panel.unit))]
    return parts


def draw_series(index, points, x, y):
    colour = COLOURS[index % len(COLOURS)]
    at = [(x.at(a), y.at(b)) for a, b in points]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in at)
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'] + [
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in at]


def draw_legend(names, left, y):
    parts = []
    for i, name in enumerate(names):
        x = left + i * 205
        parts += [f'<rect x="{x:.1f}" y="{y - 9}" width="14" height="4" fill="{COLOURS[i % len(COLOURS)]}"/>',
                  words(x + 20, y - 2, name, "start")]
    return parts


def draw_panel(panel, left, names):
    values = [p for points in panel.series.values() for p in points]
    x = Axis([v for v, _ in values], 10 if panel.unit == "files" else 4, left + LEFT, left + WIDTH - RIGHT)
    y = Axis([ms for _, ms in values], 10, HEIGHT - BOTTOM, TOP)
    parts = draw_axes(panel, x, y)
    for name, points in panel.series.items():
        parts += draw_series(names.index(name), points, x, y)
    return parts


def figure(panels, note):
    """The whole SVG."""
    names = list(dict.fromkeys(name for p in panels for name in p.series))
    width = WIDTH * len(panels)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT + 12}" '
             f'viewBox="0 0 {width} {HEIGHT + 12}" font-family="sans-serif">',
             f"<title>{html.escape(note)}</title>"]
    for i, panel in enumerate(panels):
        parts += draw_panel(panel, i * WIDTH, names)
    parts += draw_legend(names, LEFT, HEIGHT - 10)
    parts += [words(width - RIGHT, HEIGHT + 6, note, "end", 11), "</svg>"]
    return "\n".join(parts) + "\n"
