"""Writes what a pull request's run has to say, for people and for the job that publishes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fivefold.errors import HistoryError, OutputError
from fivefold.forge.artifact import Artifact, Verdict, write_artifact
from fivefold.forge.environment import find_proposal
from fivefold.history.diff.markdown import write_markdown
from fivefold.history.diff.parts import place_text
from fivefold.history.diff.render import to_dict
from fivefold.history.diff.review import judge
from fivefold.history.diff.sections import ReportSection
from fivefold.history.git.repository import Repository

__all__ = ["MOST_SUMMARY", "report"]

MOST_SUMMARY = 1 << 20
"""Bytes that GitHub shows of a step's summary; of a longer one it shows nothing."""


def report(
    folder: Path,
    environ: Mapping[str, str],
    *,
    base: str | None = None,
    head: str | None = None,
    metric: str | None = None,
    tolerance: Sequence[str] = (),
) -> Artifact:
    """Compare the proposal with what it would be merged into, and write the folder.

    Parameters
    ----------
    folder : Path
        Made where it isn't there.
    environ : dict of str to str
        The CI job's: names the pull request and its base, and the step summary to append to.
    base : str, optional
        By default the commit where the proposal left the branch that it would be merged into.
    head : str, optional
        By default the working tree.
    metric : str, optional
    tolerance : sequence of str
        Both as `fivefold.history.diff.review.judge` takes them.

    Returns
    -------
    Artifact

    Raises
    ------
    HistoryError
        Where there is nothing to compare.
    ForgeError
        Where the environment contradicts itself.
    OutputError
        Where the folder can't be written to.
    """
    proposal = find_proposal(environ)
    review = judge(
        base or _base(environ), head, metric=metric, tolerance=tolerance, place="markdown"
    )
    diff = review.diff
    sections = review.sections()
    facts = to_dict(diff)
    # Integrity alone says nothing of the model.
    says_nothing = diff.passed and all(gate.kind == "integrity" for gate in diff.gates)
    verdict = Verdict(
        diff.outcome,
        None if says_nothing else diff.passed,
        diff.verdict,
        tuple(facts["gates"]),
        facts["base"]["commit"],
        facts["head"]["commit"],
        place_text(diff.place) if diff.place else None,
    )
    artifact = Artifact(verdict, sections, proposal)
    write_artifact(folder, artifact, _markdown(sections, MOST_SUMMARY))
    if environ.get("GITHUB_STEP_SUMMARY"):
        _summarise(Path(environ["GITHUB_STEP_SUMMARY"]), sections)
    return artifact


def _base(environ: Mapping[str, str]) -> str | None:
    """Name the commit to compare with, where the job's environment says what it would go into."""
    if environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        return environ["CI_MERGE_REQUEST_DIFF_BASE_SHA"]
    if not environ.get("GITHUB_BASE_REF"):
        return None
    repository = Repository()
    into = repository.resolve(f"origin/{environ['GITHUB_BASE_REF']}").commit
    head = repository.head().commit
    assert into is not None and head is not None  # noqa: S101, PT018  both name commits
    found = repository.git.merge_base(into.id, head.id)
    if found is None:
        raise HistoryError(
            "the proposal and what it would be merged into have no common commit",
            got=f"HEAD and origin/{environ['GITHUB_BASE_REF']}",
            hint="fetch the whole history: actions/checkout with fetch-depth: 0",
        )
    return str(found)


def _markdown(sections: Sequence[ReportSection], most: int) -> str:
    # A path that isn't UTF-8 can be read, but not written as it is.
    return write_markdown(sections, max_bytes=most).encode("utf-8", "replace").decode()


def _summarise(path: Path, sections: Sequence[ReportSection]) -> None:
    """Append to the step's summary; what an earlier command of the step wrote counts too."""
    try:
        room = MOST_SUMMARY - (path.stat().st_size if path.exists() else 0)
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(_markdown(sections, max(0, room - 1)) if room > 1000 else "")
    except OSError as error:
        raise OutputError(
            "the step's summary can't be written",
            where=f"$GITHUB_STEP_SUMMARY: {path}",
            got=str(error.strerror),
        ) from error
