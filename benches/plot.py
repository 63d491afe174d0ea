"""A plot of ratios as SVG: a line for each case, a dot for each peer, 1 in the middle; left of it we are faster."""

from __future__ import annotations

import math
from html import escape

#: Told apart by those who do not see every colour.
COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#7a7a7a"]
LEFT, WIDTH, LINE, TOP = 330, 520, 26, 70
SMALLEST, LARGEST = 0.02, 5.0


def place(ratio: float) -> float:
    """Where a ratio stands: a step is a factor."""
    share = math.log(min(max(ratio, SMALLEST), LARGEST) / SMALLEST) / math.log(LARGEST / SMALLEST)
    return LEFT + share * WIDTH


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(words)}</text>'


def bars(title: str, cases: list[tuple[str, dict[str, float]]]) -> str:
    """The plot of these cases: what was done, and the ratio to each peer."""
    peers = list(dict.fromkeys(peer for _, ratios in cases for peer in ratios))
    colours = dict(zip(peers, COLOURS, strict=False))
    height = TOP + LINE * len(cases) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" height="{height}" font-family="sans-serif" '
        'font-size="13">',
        f'<rect width="100%" height="100%" fill="white"/>{text(10, 20, title)}',
    ]
    for column, peer in enumerate(peers):
        x = 16 + column * 110
        parts.append(f'<circle cx="{x}" cy="42" r="5" fill="{colours[peer]}"/>{text(x + 10, 46, peer)}')
    bottom = TOP + LINE * len(cases)
    for ratio in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5):
        x, colour = place(ratio), "black" if ratio == 1 else "#dddddd"
        parts.append(f'<line x1="{x:.0f}" y1="{TOP - 8}" x2="{x:.0f}" y2="{bottom}" stroke="{colour}"/>')
        parts.append(text(x, bottom + 18, f"{ratio:g}", "middle"))
    for row, (words, ratios) in enumerate(cases):
        y = TOP + LINE * row + 8
        parts.append(text(LEFT - 12, y + 4, words, "end"))
        for peer, ratio in ratios.items():
            dot = f'<circle cx="{place(ratio):.1f}" cy="{y}" r="5" fill="{colours[peer]}" fill-opacity="0.85">'
            parts.append(f"{dot}<title>{escape(peer)}: {ratio:.2f}</title></circle>")
    return "\n".join([*parts, "</svg>"]) + "\n"
