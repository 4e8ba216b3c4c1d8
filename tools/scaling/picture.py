"""Draws lines over time as SVG, in panels below each other. The module uses the standard library only."""
import math
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 900, 150, 64, 190, 62, 58
COLOURS = ["#2b6cb0", "#c53030", "#2f855a", "#b7791f", "#6b46c1", "#718096"]
MOST_POINTS = 900


def thin(points):
    """Returns at most MOST_POINTS points: the highest of each stretch, so that no peak is lost."""
    if len(points) <= MOST_POINTS:
        return points
    stretch = -(-len(points) // MOST_POINTS)
    return [max(points[at:at + stretch], key=lambda point: point[1]) for at in range(0, len(points), stretch)]


def round_step(least):
    """Returns a readable step for an axis: 1, 2, 4, 5 or 10 times a power of ten, of about the given size."""
    power = 10 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 4, 5, 10) if factor * power >= least * 0.9)


def label(value):
    if value >= 10000:
        return f"{value / 1000:.0f}k"
    return f"{value:.4g}"


def panel(title, lines, top, start, end, unit, divisor, with_names):
    highest = max([value for points in lines.values() for _, value in points] + [0]) or 1
    step = round_step(highest / 4)
    rows = math.ceil(highest / step)
    highest = rows * step
    plot = WIDTH - LEFT - RIGHT
    out = [f'<text x="{LEFT}" y="{top - 10}" font-weight="600">{escape(title)}</text>']
    for row in range(rows + 1):
        y = top + HEIGHT - HEIGHT * row / rows
        out.append(f'<line x1="{LEFT}" x2="{LEFT + plot}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e2e8f0"/>'
                   f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#718096">{label(row * step)}</text>')
    step = round_step((end - start) / divisor / 6)
    for column in range(math.ceil(start / divisor / step), math.floor(end / divisor / step) + 1):
        at = column * step
        x = LEFT + plot * (at * divisor - start) / (end - start)
        out.append(f'<text x="{x:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle" fill="#718096">{at:.4g} {unit}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{LEFT + plot * (x - start) / (end - start):.1f},{top + HEIGHT - HEIGHT * y / highest:.1f}" for x, y in thin(points))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if with_names:
            out.append(f'<text x="{LEFT + plot + 12}" y="{top + 12 + 17 * number}" fill="{colour}">{escape(name)}</text>')
    return out


def draw(title, panels, unit, divisor):
    """Returns the SVG. ``panels`` has pairs (title, {name: [(second, value)]}). The axis is in units of ``divisor`` seconds."""
    every = [x for _, lines in panels for points in lines.values() for x, _ in points]
    total = TOP + len(panels) * (HEIGHT + GAP) - 20
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" font-family="system-ui, sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{total}" fill="#ffffff"/>',
           f'<text x="12" y="24" font-size="14" font-weight="600">{escape(title)}</text>']
    for number, (name, lines) in enumerate(panels):
        out += panel(name, lines, TOP + number * (HEIGHT + GAP), min(every), max(every), unit, divisor, len(lines) > 1)
    return "\n".join([*out, "</svg>", ""])
