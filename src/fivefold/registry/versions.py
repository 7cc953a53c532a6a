"""The versions that a repository's tags register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

import pygit2
from gto.constants import Action, fullname_re
from gto.tag import name_tag, parse_name
from gto.versions import SemVer

from fivefold.errors import HistoryError

__all__ = ["BUMPS", "Bump", "Version", "next_version", "read_versions", "tag_of"]

Bump = Literal["major", "minor", "patch"]
BUMPS: tuple[Bump, ...] = ("major", "minor", "patch")

_FIRST = "v1.0.0"


@dataclass(frozen=True)
class Version:
    """One version of an artifact.

    Attributes
    ----------
    artifact, version : str
        Such as ``late-flights`` and ``v1.2.0``.
    tag : str
        The tag that registered it last.
    commit : pygit2.Commit
        What it registered.
    time : datetime
        The tagger's clock, in the tagger's time zone: what orders versions.
    message : str
    active : bool
        False where a later tag ended in ``!`` took it back.
    """

    artifact: str
    version: str
    tag: str
    commit: pygit2.Commit
    time: datetime
    message: str
    active: bool


def read_versions(git: pygit2.Repository, artifact: str) -> tuple[Version, ...]:
    """Read an artifact's versions, the oldest first by the tagger's clock.

    Only annotated tags register. A version that was deregistered is given too, as not active: its
    number is taken.

    Parameters
    ----------
    git : pygit2.Repository
    artifact : str
        As ``dvc.yaml`` names it; in a tag its ``:`` is a ``=``.
    """
    registered: dict[str, Version] = {}
    ended: dict[str, int] = {}
    for name, found in _events(git, artifact):
        commit, tag = found
        version = name["version"]
        when = tag.tagger.time if tag.tagger else 0
        if name["action"] is Action.DEREGISTER:
            ended[version] = max(when, ended.get(version, when))
        elif version not in registered or when >= registered[version].time.timestamp():
            zone = timezone(timedelta(minutes=tag.tagger.offset if tag.tagger else 0))
            registered[version] = Version(
                artifact,
                version,
                str(tag.name),
                commit,
                datetime.fromtimestamp(when, UTC).astimezone(zone),
                str(tag.message).strip(),
                active=True,
            )
    versions = [
        Version(**{**vars(item), "active": item.time.timestamp() > ended.get(name, -1)})
        for name, item in registered.items()
    ]
    return tuple(sorted(versions, key=lambda item: (item.time.timestamp(), SemVer(item.version))))


def _events(
    git: pygit2.Repository, artifact: str
) -> list[tuple[Mapping[str, Any], tuple[pygit2.Commit, pygit2.Tag]]]:
    found = []
    for reference in git.references:
        if not reference.startswith("refs/tags/"):
            continue
        name = parse_name(reference.removeprefix("refs/tags/"), raise_on_fail=False)
        if name.get("name") != artifact or "version" not in name:
            continue
        target = git[git.references[reference].target]
        if isinstance(target, pygit2.Tag):
            found.append((name, (target.peel(pygit2.Commit), target)))
    return found


def next_version(versions: tuple[Version, ...], bump: Bump) -> str:
    """Give the number after the highest that was ever registered; ``v1.0.0`` is the first.

    Examples
    --------
    >>> next_version((), "patch")
    'v1.0.0'
    """
    if not versions:
        return _FIRST
    highest = max(SemVer(item.version) for item in versions)
    raised = {
        "major": highest.bump_major,
        "minor": highest.bump_minor,
        "patch": highest.bump_patch,
    }[bump]
    bumped = raised()  # type: ignore[no-untyped-call]
    return str(bumped.version)


def tag_of(artifact: str, version: str) -> str:
    """Name the tag that registers a version.

    Raises
    ------
    HistoryError
        The artifact's name is none that GTO reads.
    """
    if not fullname_re.search(artifact):
        raise HistoryError(
            "the artifact's name can't be a tag's",
            where="dvc.yaml: artifacts",
            got=artifact,
            allowed="letters, digits, - _ and /, with a letter or digit at both ends",
        )
    return str(name_tag(Action.REGISTER, artifact, version=version, simple=True))
