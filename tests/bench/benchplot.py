# SPDX-License-Identifier: BSD-2-Clause
"""A plot with logarithmic axes as SVG, written by hand: no library is worth a dependency."""

import math
from xml.sax.saxutils import escape

COLOURS = {"twampd": "#0b6e4f", "twampd-shared": "#6a3d9a", "ceiling": "#c1440e",
           "floor": "#555555"}
WIDTH, HEIGHT, LEFT, TOP, PLOT_W, PLOT_H, GAP = 1080, 470, 70, 60, 400, 320, 90


def decades(low, high):
    return range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)


def number(v):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if v >= size:
            return f"{v / size:g}{unit}"
    return f"{v:g}"


class Panel:
    def __init__(self, x, title, unit, points):
        self.x, self.title, self.unit = x, title, unit
        xs = [p[0] for p in points] or [1, 10]
        ys = [max(p[1], 0.1) for p in points] or [1, 10]
        self.xr, self.yr = decades(min(xs), max(xs)), decades(min(ys), max(ys))

    def at(self, x, y):
        fx = (math.log10(x) - self.xr[0]) / max(self.xr[-1] - self.xr[0], 1)
        fy = (math.log10(max(y, 0.1)) - self.yr[0]) / max(self.yr[-1] - self.yr[0], 1)
        return self.x + fx * PLOT_W, TOP + PLOT_H - fy * PLOT_H

    def frame(self):
        yield (f'<text x="{self.x + PLOT_W / 2}" y="{TOP - 14}" text-anchor="middle" '
               f'font-weight="bold">{escape(self.title)}</text>')
        for d in self.xr:
            x = self.at(10 ** d, 10 ** self.yr[0])[0]
            yield f'<path d="M{x:.1f} {TOP}v{PLOT_H}" class="grid"/>'
            yield (f'<text x="{x:.1f}" y="{TOP + PLOT_H + 18}" text-anchor="middle">'
                   f"{number(10.0 ** d)}</text>")
        for d in self.yr:
            y = self.at(10 ** self.xr[0], 10 ** d)[1]
            yield f'<path d="M{self.x} {y:.1f}h{PLOT_W}" class="grid"/>'
            yield (f'<text x="{self.x - 8}" y="{y + 4:.1f}" text-anchor="end">'
                   f"{number(10.0 ** d)}</text>")
        yield (f'<text x="{self.x + PLOT_W / 2}" y="{TOP + PLOT_H + 38}" text-anchor="middle">'
               "offered packets/s</text>")
        yield (f'<text transform="translate({self.x - 48} {TOP + PLOT_H / 2}) rotate(-90)" '
               f'text-anchor="middle">{escape(self.unit)}</text>')

    def line(self, points, colour, dash):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*p) for p in points))
        yield (f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
               f'stroke-dasharray="{dash}"/>')
        for p in points:
            x, y = self.at(*p)
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>'


def draw(curve):
    """curve: reflector -> [{rate, dwell_p50, ...}], ns. Return the text of the SVG."""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           "<style>.grid{stroke:#ddd;stroke-width:1;fill:none}</style>",
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for i, (what, title) in enumerate((("dwell", "dwell T3-T2: what the reflector reports"),
                                       ("residue", "residue: what it does not own up to"))):
        points = [(p["rate"], p[f"{what}_{q}"] / 1e3) for c in curve.values() for p in c
                  for q in ("p50", "p99")]
        panel = Panel(LEFT + i * (PLOT_W + GAP), title, "us", points)
        out += panel.frame()
        for name, found in curve.items():
            for q, dash in (("p50", "none"), ("p99", "5 4")):
                out += panel.line([(p["rate"], p[f"{what}_{q}"] / 1e3) for p in found],
                                  COLOURS.get(name, "#000"), dash)
    x = LEFT
    for name in curve:
        colour = COLOURS.get(name, "#000")
        out.append(f'<path d="M{x} {HEIGHT - 22}h28" stroke="{colour}" stroke-width="3"/>'
                   f'<text x="{x + 34}" y="{HEIGHT - 18}">{escape(name)}</text>')
        x += 130
    out.append(f'<text x="{x}" y="{HEIGHT - 18}">full line p50, dashed p99</text></svg>')
    return "\n".join(out) + "\n"
