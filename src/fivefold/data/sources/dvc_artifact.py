"""A file or a named artifact of another DVC repository, at a revision."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from fivefold.data.sources.credentials import public_url
from fivefold.data.sources.download import Download
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.pinned import Declared, RemoteSource
from fivefold.data.sources.pins import Snapshot
from fivefold.data.sources.retries import PassingError, Patience
from fivefold.errors import ConfigError, FivefoldError, SourceError, nearest
from fivefold.table.progress import Say

__all__ = ["DvcArtifact", "dvc_artifact"]

_CHUNK = 1 << 20


@dataclass(frozen=True)
class DvcArtifact:
    """What another repository keeps; a :class:`~fivefold.data.sources.pinned.Remote`.

    Attributes
    ----------
    repo : str
        A Git URL, or the path of a clone.
    path, artifact : str or None
        One of them.
    rev : str or None
        A commit, branch or tag; of an artifact, its version. The newest by default.
    patience : Patience
    """

    repo: str
    path: str | None
    artifact: str | None
    rev: str | None
    patience: Patience

    of_bytes = True

    def __post_init__(self) -> None:
        if (self.path is None) == (self.artifact is None):
            raise ConfigError(
                "what is taken from a repository is a path or an artifact",
                where="path",
                got="both" if self.path else "neither",
                allowed="path: data/table.csv, or artifact: NAME",
            )

    @property
    def shown(self) -> str:
        """The repository and what is taken from it."""
        repo = public_url(self.repo) if "://" in self.repo else self.repo
        return f"{repo}, {self.path or self.artifact}" + (f" at {self.rev}" if self.rev else "")

    @property
    def name(self) -> str:
        """The file's name; an artifact's is in its repository, so its format is declared."""
        return PurePosixPath(self.path or str(self.artifact)).name

    def identity(self) -> dict[str, Any]:
        """Give what tells apart what is fetched."""
        return {"repo": self.repo, "path": self.path, "artifact": self.artifact, "rev": self.rev}

    def at(self, snapshot: Snapshot, /) -> DvcArtifact:
        """Give the same at the commit of a snapshot: Git keeps it."""
        revision, path = snapshot.marks.get("revision"), snapshot.marks.get("path", self.path)
        return replace(self, path=path, artifact=None, rev=revision) if revision else self

    def changed(self, known: Snapshot) -> bool | None:
        """Ask whether the content at the revision is another; another commit alone is no change."""
        before = known.marks.get("md5")
        with self._opened() as (repo, path):
            if repo.get_rev() == known.marks.get("revision"):
                return False
            now = _md5(repo, path)
        return now != before if now and before else None

    def fetch(self, part: Download, say: Say, /) -> Snapshot:
        """Receive the file, from the repository's own remote if it is not in Git."""
        with self._opened() as (repo, path):
            marks = {"revision": repo.get_rev(), "path": path}
            if md5 := _md5(repo, path):
                marks["md5"] = md5
            part.begin({})
            size, at = repo.dvcfs.info(f"/{path}").get("size"), 0
            with repo.dvcfs.open(f"/{path}", "rb") as kept, part.path.open("ab") as stream:
                while chunk := kept.read(_CHUNK):
                    stream.write(chunk)
                    at += len(chunk)
                    say(at, size)
            commit = repo.scm.resolve_commit(marks["revision"])
        as_of = datetime.fromtimestamp(commit.commit_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return part.snapshot(marks, as_of)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, str]]:
        """Open the repository at the revision, with the path of the file in it."""
        # Imported here: a second that only this source should pay.
        from dvc.api import artifacts_show
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
        from dvc.scm import CloneError, SCMError

        rev, path = self.rev, self.path
        # Of a clone the commit, not the working folder, which has no revision.
        local = os.path.isdir(self.repo)
        try:
            if self.artifact is not None:
                found = artifacts_show(self.artifact, version=self.rev, repo=self.repo)
                rev, path = found["rev"], PurePosixPath(found["path"]).as_posix()
            named = rev or ("HEAD" if local else None)
            with Repo.open(self.repo, rev=named, subrepos=True, uninitialized=True) as repo:
                kept = os.path.normpath(str(path)).lstrip("/")
                self._require_file(repo, kept)
                yield repo, kept
        except FivefoldError:
            raise
        except CloneError as error:
            raise PassingError(f"the repository can't be cloned: {_first(error)}") from None
        except (DvcException, SCMError, OSError) as error:
            raise SourceError(
                "the repository does not give it",
                where=self.shown,
                got=f"{type(error).__name__}: {_first(error)}",
                hint="are the revision and the name right, and may you read its DVC remote?",
            ) from None

    def _require_file(self, repo: Any, path: str) -> None:
        system = repo.dvcfs
        if system.isfile(f"/{path}"):
            return
        parent = f"/{PurePosixPath(path).parent}".removesuffix(".")
        near = []
        if system.isdir(parent):
            near = [str(item).strip("/") for item in system.ls(parent, detail=False)]
        is_folder = system.isdir(f"/{path}")
        raise SourceError(
            "the path is of a folder" if is_folder else "the repository has no such file then",
            where=self.shown,
            got=path,
            hint="name a file in it" if is_folder else nearest(path, near) or "mend path: in conf/",
        )


def _md5(repo: Any, path: str) -> str | None:
    """Give the MD5 that DVC keeps a file by; None for what Git itself keeps."""
    info = repo.dvcfs.info(f"/{path}")
    known = (info.get("dvc_info") or {}).get("md5") or info.get("md5")
    return str(known) if known else None


def _first(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return (
        " ".join(public_url(word) if "://" in word else word for word in said[0].split())
        if (said)
        else type(error).__name__
    )


@RemoteSource
def dvc_artifact(
    repo: str,
    path: str | None = None,
    artifact: str | None = None,
    rev: str | None = None,
    sha256: str | None = None,
    attempts: int = 3,
    **options: Any,
) -> Declared:
    """Read a file of another DVC repository, of any format that ``local_file`` reads.

    Parameters
    ----------
    repo : str
        Its Git URL, or the path of a clone. Git's own credentials are used, and those that the
        repository's DVC remote is configured for.
    path : str, optional
        A file in it, tracked by DVC or by Git.
    artifact : str, optional
        Instead of a path, the name of an artifact in its ``dvc.yaml``; format: is needed then.
    rev : str, optional
        A commit, branch or tag; of an artifact, its version. The newest by default.
    sha256 : str, optional
        What the file must be.
    attempts : int, default 3
        How often to try to clone.
    **options
        How to read it: see :class:`fivefold.data.sources.options.FormatOptions`.

    Raises
    ------
    SourceError
        The repository, the revision or the file is not there, or its remote does not give it.
    """
    chosen = FormatOptions.of(options)
    if artifact is not None and chosen.format is None:
        raise ConfigError(
            "the format of an artifact must be declared", where="format", hint="format: csv, say"
        )
    remote = DvcArtifact(repo, path, artifact, rev, Patience(attempts))
    return Declared(remote, chosen, sha256)
