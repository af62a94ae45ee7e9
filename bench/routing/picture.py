"""The picture of docs/savings.md: a panel a set, price to the right, quality upwards. SVG, made by hand."""

from collections.abc import Sequence
from html import escape

from bench.routing.answers import AnswerSet
from bench.routing.many import Curve, Point

WIDTH, HEIGHT, GAP = 440, 330, 24
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 44
COLUMNS = 2
HALO = 'paint-order="stroke" stroke="#ffffff" stroke-width="3"'
FONT = 'font-family="system-ui, sans-serif" font-size="11"'
COLOURS = {"value, learnt": "#0b6e4f", "value, untrained": "#c2691c"}
SHOWN = {
    "best single": "#1f2933",
    "always the dearest": "#1f2933",
    "always the cheapest": "#1f2933",
    "random": "#9aa5b1",
    "prompt length": "#9aa5b1",
    "chain": "#3b5bdb",
    "cost": "#3b5bdb",
    "oracle": "#1f2933",
}
"""The ways that are drawn as points."""


def draw(panels: Sequence[tuple[AnswerSet, Sequence[Point], Sequence[Curve]]]) -> str:
    """Return the picture."""
    rows = -(-len(panels) // COLUMNS)
    width, height = COLUMNS * WIDTH + GAP, rows * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" {FONT}>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for at, (answers, points, curves) in enumerate(panels):
        x, y = at % COLUMNS * (WIDTH + GAP), at // COLUMNS * (HEIGHT + GAP)
        parts.append(f'<g transform="translate({x} {y})">{_panel(answers, points, curves)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(answers: AnswerSet, points: Sequence[Point], curves: Sequence[Curve]) -> str:
    drawn = [point for point in points if point.way in SHOWN]
    most_usd = 1.05 * max(point.usd for point in drawn)
    scores = [point.quality for point in drawn] + [score for curve in curves for _, score in curve.points]
    low, high = min(scores), max(scores)
    low, high = low - 0.08 * (high - low), high + 0.08 * (high - low)

    def place(usd: float, score: float) -> tuple[float, float]:
        across = LEFT + usd / most_usd * (WIDTH - LEFT - RIGHT)
        return round(across, 1), round(HEIGHT - BOTTOM - (score - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    parts = [f'<text x="{LEFT}" y="20" font-size="14" font-weight="600">{escape(answers.name)}</text>']
    for step in range(5):
        score, usd = low + (high - low) * step / 4, most_usd * step / 4
        (_, down), (across, _) = place(0, score), place(usd, low)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down}" y2="{down}" stroke="#e4e7eb"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{down + 4}" text-anchor="end" fill="#52606d">{score:.2f}</text>')
        parts.append(
            f'<text x="{across}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle" fill="#52606d">{usd:.3g}</text>'
        )
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end" fill="#52606d">USD per million tokens, mean of '
        "all calls; upwards: mean score</text>"
    )
    for at, curve in enumerate(curves):
        ordered = sorted(curve.points)
        path = " ".join(f"{across},{down}" for across, down in (place(*point) for point in ordered))
        colour = COLOURS[curve.way]
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        key = f"{curve.way}: all slacks"
        parts.append(f'<text x="{WIDTH - RIGHT}" y="{14 + 13 * at}" text-anchor="end" fill="{colour}">{key}</text>')
    together: dict[tuple[float, float], list[str]] = {}
    for point in drawn:
        together.setdefault(place(point.usd, point.quality), []).append(point.way)
    taken: list[tuple[float, float]] = []
    for (across, down), same in together.items():
        parts.append(f'<circle cx="{across}" cy="{down}" r="3.5" fill="{SHOWN[same[0]]}"/>')
        parts.append(_label(same, across, down, taken))
    return "\n".join(parts)


def _label(ways: Sequence[str], across: float, down: float, taken: list[tuple[float, float]]) -> str:
    """A label beside its point, moved down as long as another one is in the way."""
    left = across > WIDTH * 0.62
    while any(abs(down - other) < 12 and abs(across - beside) < 110 for beside, other in taken):  # noqa: PLR2004
        down += 12
    taken.append((across, down))
    anchor, shift = ("end", -7) if left else ("start", 7)
    colour, text = SHOWN[ways[0]], escape(", ".join(ways))
    return f'<text x="{across + shift}" y="{down + 4}" text-anchor="{anchor}" fill="{colour}" {HALO}>{text}</text>'
