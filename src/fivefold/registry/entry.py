"""The leaderboard's entry of a version, as plain text for the message of its tag."""

from __future__ import annotations

from collections.abc import Iterator

from fivefold.errors import HistoryError
from fivefold.history.diff.changes import Diff, MetricChange
from fivefold.history.figures import value_text
from fivefold.history.git.repository import Revision
from fivefold.history.leaderboard.details import place_of
from fivefold.history.leaderboard.ranking import rank_runs
from fivefold.history.reader import Reader
from fivefold.history.runs import Run, default_tips
from fivefold.registry.model import Model
from fivefold.registry.versions import Version

__all__ = ["write_entry"]

_LABEL = 11


def write_entry(
    reader: Reader,
    head: Revision,
    tag: str,
    model: Model,
    diff: Diff,
    previous: Version | None,
) -> str:
    """Write the entry: the primary metric with its interval, rank, data, gates, commit, files.

    Returns
    -------
    str
        A subject line, an empty line, and a line per fact.
    """
    primary = next((change for change in diff.metrics if change.name == diff.primary), None)
    subject = tag.replace("@", " ")
    if primary is not None:
        subject += f": {primary.name} {value_text(primary.head, digits=4)}"
    lines = [
        f"{label + ':':<{_LABEL}}{text}"
        for label, text in _facts(reader, head, model, diff, primary, previous)
    ]
    return "\n".join([subject, "", *lines, ""])


def _facts(
    reader: Reader,
    head: Revision,
    model: Model,
    diff: Diff,
    primary: MetricChange | None,
    previous: Version | None,
) -> Iterator[tuple[str, str]]:
    if primary is not None:
        yield "metric", _metric(primary)
    yield from _standing(reader, head)
    if previous is not None:
        yield "before", f"{previous.tag}; {diff.verdict}"
    if model.kind:
        yield "model", model.kind
    for path, value in model.data.items():
        yield "fitted to", f"{path} md5 {value}"
    gates = [f"{g.name} {g.state}" for g in diff.gates if g.kind in ("threshold", "guardrail")]
    if gates:
        yield "gates", ", ".join(gates)
    for gate in diff.gates:
        if gate.allowed is not None:
            yield "exception", f"{gate.name}: {gate.allowed}"
    for path, value in model.files.items():
        yield "file", f"{path} md5 {value}"
    run = _run(reader, head)
    yield "commit", f"{run.id} {run.subject}"


def _metric(change: MetricChange) -> str:
    text = f"{change.name} {value_text(change.head)}"
    if change.head_interval is not None:
        low, high = (value_text(end) for end in change.head_interval)
        text += f", 95% interval {low} to {high}"
    if change.goal is not None:
        text += f" ({'higher' if change.goal == 'maximize' else 'lower'} is better)"
    return text


def _standing(reader: Reader, head: Revision) -> Iterator[tuple[str, str]]:
    """Give the rank among the runs of the default branch, and what they were judged on."""
    try:
        board = rank_runs(reader, default_tips(reader.repository), top=None, workspace=False)
    except HistoryError as error:
        # A repository without a plan may have nothing that ranks, and still a model.
        yield "rank", f"none: {error.what}"
        return
    row = place_of(board, _run(reader, head))
    if row is None:
        yield "rank", "none: not a run of its own"
        return
    peers = next((rows for rows in board.elsewhere.values() if row in rows), board.rows)
    if row.rank is None:
        yield "rank", f"none: {'; '.join(row.reasons)}"
    else:
        shared = sum(other.rank == row.rank for other in peers) - 1
        level = f", shared with {shared} that can't be told from it" if shared else ""
        yield "rank", f"{row.rank} of {len(peers)} by {board.board.primary}{level}"
    if row.data:
        yield "judged on", row.data


def _run(reader: Reader, head: Revision) -> Run:
    assert head.commit is not None  # noqa: S101  a release is of a commit
    return Run(reader.repository, head.commit.id.raw)
