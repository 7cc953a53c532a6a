"""Pictures as Mermaid, which forges draw where they host no image."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

__all__ = ["curves_chart", "stages_flowchart"]

_POINTS = 21
_MOST_STAGES = 60
_UNSAFE = re.compile(r"[^\w ./()@:=+,-]")


def _text(text: str, most: int = 60) -> str:
    """Write a name as a label that nothing in it can end.

    Mermaid knows characters by number too, but not every forge's version shows them.
    """
    plain = " ".join(text.split())
    safe = _UNSAFE.sub("·", plain)
    return safe if len(safe) <= most else f"{safe[: most - 1]}…"


def stages_flowchart(
    lineage: Sequence[tuple[str, str]], stages: Sequence[str], ran: Collection[str]
) -> str | None:
    """Draw a pipeline with the stages that ran again marked; None where it is too large to read.

    Parameters
    ----------
    lineage : sequence of (str, str)
        The edges: a stage, and one that reads what it writes.
    stages : sequence of str
        The nodes.
    ran : collection of str
        Those that ran again, or are new.
    """
    nodes = list(dict.fromkeys((*stages, *(name for edge in lineage for name in edge))))
    if len(nodes) < 2 or not lineage or len(nodes) > _MOST_STAGES:
        return None
    lineage = _without_shortcuts(lineage)
    ids = {name: f"s{place}" for place, name in enumerate(nodes)}
    lines = ["flowchart LR"]
    lines += [f'  {ids[name]}["{_text(name)}"]' for name in nodes]
    lines += [f"  {ids[a]} --> {ids[b]}" for a, b in lineage]
    lines.append("  classDef ran fill:#1f6feb,stroke:#1f6feb,color:#ffffff")
    marked = [ids[name] for name in nodes if name in ran]
    if marked:
        lines.append(f"  class {','.join(marked)} ran")
    return "\n".join(lines)


def _without_shortcuts(lineage: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Drop the edges that a longer way replaces: with them a pipeline is a thicket."""
    below: dict[str, list[str]] = {}
    for first, second in lineage:
        below.setdefault(first, []).append(second)

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = list(below.get(start, ()))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(below.get(name, ()))
        return found

    beyond = {name: reached(name) for name in below}
    return [
        (first, second)
        for first, second in lineage
        if not any(second in beyond.get(other, ()) for other in below[first] if other != second)
    ]


def curves_chart(
    title: str,
    axes: tuple[str, str],
    curves: Sequence[tuple[Sequence[float], Sequence[float]]],
) -> str | None:
    """Draw curves within the unit square, the base's in grey and the head's in blue.

    Mermaid spaces the points of a line evenly, so each curve is read off at 21 places.

    Parameters
    ----------
    title : str
    axes : (str, str)
        What x and y are.
    curves : sequence of (x, y)
        Of the base and of the head, each of shape (n_points,) within [0, 1].

    Returns
    -------
    str or None
        None where a curve has no points.
    """
    drawn = [_read_off(x, y) for x, y in curves]
    if not drawn or any(points is None for points in drawn):
        return None
    lines = [
        "---",
        "config:",
        "  themeVariables:",
        "    xyChart:",
        '      plotColorPalette: "#8b949e, #1f6feb"',
        "---",
        "xychart-beta",
        f'  title "{_text(title)}"',
        f'  x-axis "{_text(axes[0])}" 0 --> 1',
        f'  y-axis "{_text(axes[1])}" 0 --> 1',
    ]
    lines += [f"  line [{', '.join(f'{v:.3g}' for v in points or ())}]" for points in drawn]
    return "\n".join(lines)


def _read_off(x: Sequence[float], y: Sequence[float]) -> list[float] | None:
    """Interpolate a curve at even places; of points with one x the last in order stands."""
    pairs = sorted(
        ((a, b) for a, b in zip(x, y, strict=True) if math.isfinite(a) and math.isfinite(b)),
        key=lambda pair: pair[0],
    )
    if not pairs:
        return None
    found = []
    for place in range(_POINTS):
        at = place / (_POINTS - 1)
        below = next((pair for pair in reversed(pairs) if pair[0] <= at), pairs[0])
        above = next((pair for pair in pairs if pair[0] > at), pairs[-1])
        share = 0.0 if above[0] <= below[0] else (at - below[0]) / (above[0] - below[0])
        found.append(below[1] + share * (above[1] - below[1]))
    return found
