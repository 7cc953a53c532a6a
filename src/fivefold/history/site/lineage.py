"""The graph of a run's stages, laid out in layers and drawn as SVG.

The layers are Sugiyama's: a stage stands below all that it depends on, long edges pass through
every layer between, and a few sweeps order each layer by the mean place of its neighbours.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fivefold.history.dvc.lock import Lock

__all__ = ["Box", "Picture", "draw_lineage"]

WIDTH = 232
_HEAD = 30
_LINE = 19
_GAP_X = 26
_GAP_Y = 40
_MOST_LINES = 6
_SWEEPS = 6
_LONGEST = 22


@dataclass(frozen=True)
class Line:
    """A file in a box: its shortened path, its whole path, its hash, whether it is new."""

    text: str
    path: str
    hash: str
    changed: bool


@dataclass(frozen=True)
class Box:
    """A stage, or the source data that no stage writes, in pixels from the upper left."""

    kind: Literal["stage", "source"]
    name: str
    x: float
    y: float
    height: float
    changed: bool
    lines: tuple[Line, ...]
    more: int


@dataclass(frozen=True)
class Picture:
    """The graph, ready to be drawn.

    Attributes
    ----------
    width, height : float
    boxes : tuple of Box
    edges : tuple of (str, bool)
        The path of each edge, and whether what it carries changed.
    """

    width: float
    height: float
    boxes: tuple[Box, ...]
    edges: tuple[tuple[str, bool], ...]


def draw_lineage(lock: Lock, before: Lock | None) -> Picture | None:
    """Lay a run's stages out; what differs from the run before is marked.

    Parameters
    ----------
    lock : Lock
    before : Lock or None
        The run before; None where there is none.
    """
    if not lock.stages:
        return None
    writers = {path: name for name, stage in lock.stages.items() for path in stage.outs}
    old = _hashes(before) if before is not None else {}
    new = _hashes(lock)
    boxes: dict[str, tuple[Literal["stage", "source"], list[str]]] = {}
    edges: dict[tuple[str, str], list[str]] = {}
    for name, stage in lock.stages.items():
        boxes[name] = ("stage", sorted(stage.outs))
        for path in stage.deps:
            writer = _writer(path, writers)
            if writer == name:
                continue
            if writer is None:
                # The sources of one stage are one box, so that many files stay readable.
                source = f"{posixpath.dirname(path) or '.'} → {name}"
                kept = boxes.setdefault(source, ("source", []))
                if path not in kept[1]:
                    kept[1].append(path)
                writer = source
            edges.setdefault((writer, name), []).append(path)

    def changed(path: str) -> bool:
        return before is not None and old.get(path) != new.get(path)

    layers, chains = _layers(list(boxes), list(edges))
    heights = {
        name: _HEAD + 8 + _LINE * (min(len(paths), _MOST_LINES) + (len(paths) > _MOST_LINES))
        for name, (_, paths) in boxes.items()
    }
    places, width, height = _place(layers, heights)
    drawn = []
    for name, (kind, paths) in boxes.items():
        x, y = places[name]
        lines = tuple(
            Line(_short(path), path, new.get(path, "")[:7], changed(path))
            for path in sorted(paths)[:_MOST_LINES]
        )
        any_new = any(changed(path) for path in paths)
        if kind == "stage" and before is not None and name not in before.stages:
            any_new = True
        drawn.append(
            Box(
                kind,
                "source data" if kind == "source" else name,
                x,
                y,
                heights[name],
                any_new,
                lines,
                max(0, len(paths) - _MOST_LINES),
            )
        )
    paths_drawn = tuple(
        (_curve(chain, places, heights), any(changed(path) for path in edges[ends]))
        for ends, chain in chains.items()
    )
    return Picture(width, height, tuple(drawn), paths_drawn)


def _hashes(lock: Lock) -> dict[str, str]:
    found = {path: h.value for stage in lock.stages.values() for path, h in stage.deps.items()}
    return found | {path: item.value for path, item in lock.outs().items()}


def _writer(path: str, writers: Mapping[str, str]) -> str | None:
    """Find the stage that writes a path, or the folder it lies in."""
    while path:
        if path in writers:
            return writers[path]
        path = posixpath.dirname(path)
    return None


def _short(path: str) -> str:
    if len(path) <= _LONGEST:
        return path
    name = posixpath.basename(path)
    return f"…/{name}" if len(name) <= _LONGEST - 2 else f"…{name[-(_LONGEST - 1) :]}"


def _layers(
    names: list[str], edges: list[tuple[str, str]]
) -> tuple[list[list[str]], dict[tuple[str, str], list[str]]]:
    """Give the nodes by layer, with a stand-in wherever an edge passes one, and each edge's way."""
    above: dict[str, list[str]] = {name: [] for name in names}
    for start, end in edges:
        above[end].append(start)
    depth: dict[str, int] = {}

    def deepen(name: str, seen: frozenset[str]) -> int:
        if name not in depth:
            # A lock that was edited by hand can hold a cycle.
            ahead = [n for n in above[name] if n not in seen]
            depth[name] = 1 + max((deepen(n, seen | {name}) for n in ahead), default=-1)
        return depth[name]

    for name in names:
        deepen(name, frozenset({name}))
    for name in names:
        below = [depth[end] for start, end in edges if start == name]
        if not above[name] and below:
            depth[name] = max(0, min(below) - 1)
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in names:
        layers[depth[name]].append(name)
    chains = {}
    for start, end in edges:
        chain = [start]
        for layer in range(depth[start] + 1, depth[end]):
            stand_in = f"\0{start}\0{end}\0{layer}"
            layers[layer].append(stand_in)
            chain.append(stand_in)
        chains[start, end] = [*chain, end]
    neighbours: dict[str, list[str]] = {}
    for chain in chains.values():
        for one, other in itertools.pairwise(chain):
            neighbours.setdefault(one, []).append(other)
            neighbours.setdefault(other, []).append(one)
    for sweep in range(_SWEEPS):
        order = range(len(layers)) if sweep % 2 == 0 else range(len(layers) - 1, -1, -1)
        for layer in order:
            beside = layer - 1 if sweep % 2 == 0 else layer + 1
            if not 0 <= beside < len(layers):
                continue
            place = {name: i / max(1, len(layers[beside])) for i, name in enumerate(layers[beside])}
            own = {name: i / max(1, len(layers[layer])) for i, name in enumerate(layers[layer])}

            def mean(
                name: str, place: dict[str, float] = place, own: dict[str, float] = own
            ) -> float:
                known = [place[n] for n in neighbours.get(name, ()) if n in place]
                return sum(known) / len(known) if known else own[name]

            layers[layer].sort(key=mean)
    return layers, chains


def _place(
    layers: list[list[str]], heights: Mapping[str, int]
) -> tuple[dict[str, tuple[float, float]], float, float]:
    def wide(name: str) -> int:
        return WIDTH if name in heights else 12

    widths = [sum(map(wide, layer)) + _GAP_X * (len(layer) - 1) for layer in layers]
    width = max(widths)
    places = {}
    y = 1.0
    for layer, own in zip(layers, widths, strict=True):
        x = 1 + (width - own) / 2
        tall = max((heights[name] for name in layer if name in heights), default=0)
        for name in layer:
            places[name] = (x, y)
            x += wide(name) + _GAP_X
        y += tall + _GAP_Y
    return places, width + 2, y - _GAP_Y + 2


def _curve(
    chain: list[str], places: Mapping[str, tuple[float, float]], heights: Mapping[str, int]
) -> str:
    def middle(name: str) -> float:
        return places[name][0] + (WIDTH if name in heights else 12) / 2

    start, *between, end = chain
    x, y = middle(start), places[start][1] + heights[start]
    parts = [f"M{x:.1f} {y:.1f}"]
    for name in between:
        there, down = middle(name), places[name][1]
        half = (y + down) / 2
        parts.append(f"C{x:.1f} {half:.1f} {there:.1f} {half:.1f} {there:.1f} {down:.1f}")
        parts.append(f"V{down + 30:.1f}")
        x, y = there, down + 30
    there, down = middle(end), places[end][1] - 5
    half = (y + down) / 2
    parts.append(f"C{x:.1f} {half:.1f} {there:.1f} {half:.1f} {there:.1f} {down:.1f}")
    return "".join(parts)
