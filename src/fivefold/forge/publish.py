"""Takes a report's folder to the pull request: one comment, one verdict on the commit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from fivefold.errors import ArtifactError, ForgeError, RefusedError
from fivefold.forge.artifact import Artifact, read_artifact
from fivefold.forge.comment import (
    LIMITS,
    comment_body,
    conclusion,
    fit,
    marker,
    one_line,
)
from fivefold.forge.connection import shown, words
from fivefold.forge.environment import Host, Proposal, Trigger
from fivefold.forge.protocol import Forge, PullRequest, Status

__all__ = ["check_name", "preview", "publish"]

_LONGEST_SUMMARY = 65_535
_LONGEST_TITLE = 200
_NAME = re.compile(r"(?!.*--)[A-Za-z0-9][A-Za-z0-9 .-]{0,59}")


def check_name(name: str) -> None:
    """Refuse a report's name that would end the hidden line which holds it.

    Raises
    ------
    ForgeError
    """
    if not _NAME.fullmatch(name):
        raise ForgeError(
            "not a report's name",
            where="--name",
            got=name,
            allowed="letters, digits, spaces, dots and single dashes; at most 60",
        )


def publish(folder: Path, forge: Forge, host: Host, trigger: Trigger, *, name: str) -> str:
    """Put a report's comment and verdict where they belong; both are updated if they are there.

    Parameters
    ----------
    folder : Path
        As `fivefold.forge.report.report` wrote it, or as a stranger did.
    forge : Forge
    host : Host
    trigger : Trigger
        What made this job run.
    name : str
        The report's: of its comment's marker, and of the verdict.

    Returns
    -------
    str
        The comment's address.

    Raises
    ------
    ArtifactError
        Where the folder is not what a report writes, or claims what the forge denies.
    RefusedError, ForgeError
    """
    artifact, proposal = _checked(folder, host, trigger)
    _require_same(forge.pull_request(proposal.number), trigger)
    url = _comment(forge, artifact, proposal, trigger, name)
    forge.put_status(_status(artifact, trigger, name))
    return url


def preview(folder: Path, host: Host, trigger: Trigger, *, name: str) -> Iterator[str]:
    """Give what `publish` would send, a line of JSON each; the forge is asked nothing.

    Raises
    ------
    ArtifactError
    """
    artifact, proposal = _checked(folder, host, trigger)
    body = comment_body(artifact, trigger, name=name, most=LIMITS[0])
    yield shown(words(host).comment_message(host, proposal.number, body))
    yield shown(words(host).status_message(host, _status(artifact, trigger, name)))


def _checked(folder: Path, host: Host, trigger: Trigger) -> tuple[Artifact, Proposal]:
    """Read the folder, and hold what it claims against what the forge's own event says."""
    artifact = read_artifact(folder)
    proposal = artifact.proposal
    if proposal is None:
        raise ArtifactError("the report is of no pull request", where=str(folder))
    claims = [
        ("forge", proposal.forge, host.kind),
        ("repository", proposal.repository, host.repository),
        ("head_sha", proposal.head_sha, trigger.head_sha),
        ("number", proposal.number, trigger.number or proposal.number),
    ]
    for what, claimed, known in claims:
        if claimed != known:
            raise ArtifactError(
                "the artifact is not of the run that started this job",
                where=f"{folder / 'pull-request.json'}: {what}",
                got=json.dumps(claimed),
                allowed=str(known),
            )
    return artifact, proposal


def _require_same(found: PullRequest, trigger: Trigger) -> None:
    """Refuse a number that leads to somebody else's pull request.

    A commit alone does not tell: whoever pushes another's commit to a branch of their own has two
    pull requests with one head.
    """
    facts = [
        ("commit", found.head_sha, trigger.head_sha),
        ("repository", found.head_repository, trigger.head_repository or found.head_repository),
        ("branch", found.head_branch, trigger.head_branch or found.head_branch),
    ]
    for what, theirs, ours in facts:
        if theirs != ours:
            raise ForgeError(
                f"the pull request's {what} is not the one that was reported on",
                where=found.url,
                got=json.dumps(theirs),
                allowed=json.dumps(ours),
                hint="if it was pushed to since, the run of the newer commit reports"
                if what == "commit"
                else None,
            )


def _comment(
    forge: Forge, artifact: Artifact, proposal: Proposal, trigger: Trigger, name: str
) -> str:
    # A report that is short gives the same body for most limits.
    bodies = dict.fromkeys(comment_body(artifact, trigger, name=name, most=most) for most in LIMITS)
    *_, last = bodies
    for body in bodies:
        try:
            return forge.put_comment(proposal.number, body, marker(name))
        except RefusedError as error:
            if error.status not in forge.size_refusals or body == last:
                raise
    raise AssertionError("the last body is accepted or refused")


def _status(artifact: Artifact, trigger: Trigger, name: str) -> Status:
    return Status(
        name,
        trigger.head_sha,
        conclusion(artifact.verdict, trigger),
        one_line(artifact.verdict.line, _LONGEST_TITLE),
        fit(artifact.sections, _LONGEST_SUMMARY),
        trigger.url,
    )
