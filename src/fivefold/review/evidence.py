"""Whether a proposal's results are its own: held against its commit, or made here."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fivefold.errors import FivefoldError, PipelineError
from fivefold.history.git.repository import Repository
from fivefold.history.integrity import check
from fivefold.history.reader import Reader
from fivefold.pipeline.compose import check_project, require_current
from fivefold.pipeline.remote import default_remote, push_results
from fivefold.pipeline.repro.command import bring_up_to_date
from fivefold.pipeline.stages import PROFILE, TIMELINE
from fivefold.policy import ReviewConfig
from fivefold.registry.model import read_policy
from fivefold.review.owners import require_current_owners
from fivefold.review.results import result_paths
from fivefold.review.sample import verify_sample

__all__ = ["Finding", "policy_of", "reproduce", "verify_proposal"]

_WOULD_RUN = re.compile(r"^Running stage '([^']+)'", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    title : str
    problems : tuple of str
        What is wrong; empty where nothing is.
    notes : tuple of str
        What a reader should know though nothing is wrong.
    """

    title: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Word it, as an item of a Markdown list."""
        mark = "**failed**" if self.problems else "ok"
        inner = [text.replace("\n", "\n    ") for text in (*self.problems, *self.notes)]
        return [f"- {self.title}: {mark}", *(f"  - {text}" for text in inner)]


def policy_of(root: Path, base: str | None) -> ReviewConfig:
    """Read how the base wants proposals to be reviewed; without a base, how HEAD does.

    Raises
    ------
    HistoryError
        The base is no revision.
    ConfigError
        Its policy is none.
    """
    repository = Repository(root)
    # A proposal that asks less of itself is judged by what it would be merged into.
    judge = repository.resolve(base) if base else repository.head()
    return read_policy(Reader(repository), repository.snapshot(judge))


def verify_proposal(
    root: Path, base: str | None, policy: ReviewConfig, say: Callable[[str], None] = print
) -> Iterator[Finding]:
    """Hold HEAD's results against HEAD, and run a sample of its stages again.

    Parameters
    ----------
    root : Path
        A project whose working tree is HEAD's.
    base : str or None
        What the proposal is to be merged into: the sample is of what it changed.
    policy : ReviewConfig
    say : callable
        Takes one line of progress.

    Yields
    ------
    Finding
        Each as soon as it is known, the quickest first.
    """
    yield _attempt("conf/, dvc.yaml and the stages agree", lambda: _check(root))
    yield _attempt("params.yaml is what conf/ gives", lambda: require_current(root))
    repository = Repository(root)
    found = check(Reader(repository), repository.snapshot(repository.head()))
    yield Finding(
        "the results are those that dvc.lock vouches for",
        () if found.trusted else tuple(found.reasons[:10]),
    )
    stale = _would_run(root)
    yield Finding(
        "dvc.lock is current",
        tuple(f"stage {name} has not run on what is committed: dvc repro" for name in stale),
    )
    if policy.sample:
        yield _sampled(root, base, policy, say)


def reproduce(root: Path, say: Callable[[str], None] = print) -> Iterator[Finding]:
    """Run here what HEAD's results lack, and push what came out to DVC's default remote, if any.

    Yields
    ------
    Finding
        What failed to run; and the results that the proposal has still to commit.
    """
    yield _attempt("conf/, dvc.yaml and the stages agree", lambda: _check(root))
    remote = default_remote(root) is not None
    say("running what neither the cache nor the remote has")
    yield _attempt("the pipeline runs", lambda: _run_what_is_missing(root))
    if remote:
        refused = _attempt("", lambda: push_results(root)).problems
        # As it does where the proposal is a fork's.
        yield Finding("data, models and the run cache are in the remote", notes=refused)
    yield Finding("the results are committed", tuple(_uncommitted(root, remote)))


def _run_what_is_missing(root: Path) -> None:
    outcome = bring_up_to_date(root, pull=True)
    if outcome.errors:
        raise PipelineError("; ".join(f"{name}: {why}" for name, why in outcome.errors.items()))


def _check(root: Path) -> None:
    require_current_owners(root, check_project(root)["plan"])


def _attempt(title: str, action: Callable[[], object]) -> Finding:
    try:
        action()
    except FivefoldError as error:
        return Finding(title, (str(error),))
    return Finding(title)


def _sampled(
    root: Path, base: str | None, policy: ReviewConfig, say: Callable[[str], None]
) -> Finding:
    title = f"{policy.sample} stage{'s' if policy.sample > 1 else ''}, run again, give the same"
    try:
        found = verify_sample(
            root, count=policy.sample, base=base, tolerance=policy.tolerance, say=say
        )
    except FivefoldError as error:
        return Finding(title, (str(error),))
    title = f"run again, {', '.join(found.drawn)} give{'' if found.drawn[1:] else 's'} the same"
    notes = [f"within the tolerance: {line}" for line in found.close]
    if extra := [name for name in found.ran if name not in found.drawn]:
        notes.append(f"run before, for inputs that were nowhere at hand: {', '.join(extra)}")
    return Finding(title, found.differences, tuple(notes))


def _would_run(root: Path) -> list[str]:
    """Name the stages that ``dvc repro`` would run, though their data need not be here."""
    done = _dvc(root, "repro", "--dry", "--allow-missing")
    if done.returncode:
        return [_last_line(done.stderr)]
    return _WOULD_RUN.findall(done.stdout)


def _uncommitted(root: Path, remote: bool) -> Iterator[str]:
    done = subprocess.run(
        ["git", "-C", str(root), "status", "--porcelain", "--", *result_paths(root)],
        capture_output=True,
        text=True,
        check=True,
    )
    # What a run costs varies, and is no result.
    changed = [
        line[3:] for line in done.stdout.splitlines() if not line.endswith((PROFILE, TIMELINE))
    ]
    if changed:
        shown = ", ".join(changed[:8]) + (f" and {len(changed) - 8} more" if changed[8:] else "")
        how = "fivefold repro --pull gives them to you at once" if remote else "run dvc repro"
        yield f"{how}; then commit: {shown}"


def _dvc(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")
