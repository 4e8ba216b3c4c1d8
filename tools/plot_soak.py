#!/usr/bin/env python3
"""Draws the samples of a soak (soak.csv of tests/Chaos) as an SVG of memory, handles and file sizes over time.

usage: plot_soak.py soak.csv soak.svg
"""
import csv
import sys
from collections import defaultdict
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 900, 190, 60, 220, 40, 60
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f", "#bcbd22", "#e377c2"]
PANELS = [("MB", "resident memory, MB"), ("handles", "open handles"), ("threads", "threads"), ("kB", "file sizes, MB")]


def read(path):
    series = defaultdict(lambda: defaultdict(list))
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            scale = 1024 if row["metric"] == "kB" else 1
            series[row["metric"]][row["what"]].append((float(row["seconds"]) / 60, float(row["value"]) / scale))
    return series


def panel(title, lines, top, minutes):
    highest = max(value for points in lines.values() for _, value in points) * 1.1 or 1
    plot = WIDTH - LEFT - RIGHT
    svg = [f'<text x="{LEFT}" y="{top - 10}" font-weight="bold">{escape(title)}</text>']
    for step in range(5):
        value = highest * step / 4
        y = top + HEIGHT - HEIGHT * step / 4
        svg.append(f'<line x1="{LEFT}" x2="{LEFT + plot}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        svg.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.0f}</text>')
    for step in range(7):
        x = LEFT + plot * step / 6
        svg.append(f'<text x="{x:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">{minutes * step / 6:.0f} min</text>')
    for number, (name, points) in enumerate(sorted(lines.items())):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{LEFT + plot * x / minutes:.1f},{top + HEIGHT - HEIGHT * y / highest:.1f}" for x, y in points)
        svg.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        svg.append(f'<text x="{LEFT + plot + 12}" y="{top + 12 + 17 * number}" fill="{colour}">{escape(name)}</text>')
    return svg


def main():
    series = read(sys.argv[1])
    minutes = max(x for lines in series.values() for points in lines.values() for x, _ in points)
    total = TOP + len(PANELS) * (HEIGHT + GAP)
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{total}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{total}" fill="white"/>',
    ]
    for number, (metric, title) in enumerate(PANELS):
        svg += panel(title, series[metric], TOP + number * (HEIGHT + GAP), minutes)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write("\n".join([*svg, "</svg>", ""]))


if __name__ == "__main__":
    main()
