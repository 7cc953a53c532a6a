"""Where walks through the history start, and the names that they give what they reach."""

from __future__ import annotations

from dataclasses import dataclass

import pygit2

from fivefold.history.git.graph import Graph

__all__ = ["Names", "Tip"]


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a walk through the history starts, and the name that it gives what it reaches."""

    name: str
    commit: pygit2.Oid


class Names:
    """Names each commit after the tip that reaches it by first parents, or else by any.

    Parameters
    ----------
    graph : Graph
    reached : list of int
        The commits that the tips reach, children first.
    tips : list of Tip
    """

    def __init__(self, graph: Graph, reached: list[int], tips: list[Tip]) -> None:
        self._graph = graph
        self._reached = reached
        self._tips = tips
        self._best: dict[int, int] = {}

    def of(self, commit: bytes) -> str | None:
        """Name a commit; None where no tip reaches it."""
        if not self._best:
            # Only rows that are shown have their names asked for.
            self._best = self._walk()
        best = self._best.get(self._graph.places[commit])
        return None if best is None else self._tips[best % len(self._tips)].name

    def _walk(self) -> dict[int, int]:
        """Give each commit's merges on the way from its tip, times the tips, plus the tip."""
        parents, step = self._graph.parents, len(self._tips)
        best: dict[int, int] = {}
        for number, tip in reversed(list(enumerate(self._tips))):
            best[self._graph.places[tip.commit.raw]] = number
        for place in self._reached:
            way = best[place]
            for parent in parents[place]:
                if best.get(parent, way) >= way:
                    best[parent] = way
                # A later parent is one merge further away.
                if parent == parents[place][0]:
                    way += step
        return best
