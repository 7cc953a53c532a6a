"""A file that fsspec can open: S3, Google Cloud Storage, Azure, SFTP and what else has a driver."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from fivefold.data.sources.credentials import Secrets, public_url
from fivefold.data.sources.download import Download
from fivefold.data.sources.pins import Snapshot
from fivefold.data.sources.retries import PassingError, Patience
from fivefold.errors import ConfigError, SourceError, nearest
from fivefold.table.progress import Say

__all__ = ["ObjectFile"]

_CHUNK = 1 << 20
_EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "adl": "azure",
    "ssh": "ssh",
    "sftp": "ssh",
}
# What stores tell versions of a file apart by, in the order of their worth.
_MARKS = ("VersionId", "version_id", "generation", "ETag", "etag", "md5Hash", "content_md5")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
# Failures that no further attempt mends.
_FINAL = (PermissionError, NotADirectoryError, ValueError, TypeError, NotImplementedError)


@dataclass(frozen=True)
class ObjectFile:
    """A file behind an fsspec URL; a :class:`~fivefold.data.sources.pinned.Remote`.

    Attributes
    ----------
    url : str
        Without secrets.
    options : mapping
        For the file system, as its driver names them.
    options_env : mapping of str to str
        More of them, by the environment variables that hold their values.
    patience : Patience
    """

    url: str
    options: Mapping[str, Any]
    options_env: Mapping[str, str]
    patience: Patience
    _secrets: Secrets = field(default_factory=Secrets, compare=False)

    of_bytes = True

    def __post_init__(self) -> None:
        import fsspec  # type: ignore[import-untyped]

        scheme = urlsplit(self.url).scheme
        known = sorted(fsspec.available_protocols())
        if scheme in ("http", "https"):
            raise ConfigError(
                "a file behind HTTP has a source of its own",
                where="url",
                got=public_url(self.url),
                hint="_target_: fivefold.data.sources.remote.http_file",
            )
        if scheme not in known:
            raise ConfigError(
                "no kind of storage has this scheme",
                where="url",
                got=public_url(self.url),
                allowed="s3://, gs://, az://, sftp://, file://, or another that fsspec knows",
                hint=nearest(scheme, known),
            )

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return public_url(self.url)

    @property
    def name(self) -> str:
        """The file's name, which tells its format."""
        return PurePosixPath(urlsplit(self.url).path or self.url).name

    def identity(self) -> dict[str, Any]:
        """Give what tells apart what is fetched."""
        variables = {"options_env": dict(self.options_env)} if self.options_env else {}
        return {"url": self.url, "options": dict(self.options), **variables}

    def at(self, _snapshot: Snapshot, /) -> ObjectFile:
        """Give itself: only some stores keep former versions, each in its own way."""
        return replace(self)

    def changed(self, known: Snapshot) -> bool | None:
        """Ask whether the store tells the file's version otherwise than it was."""
        now = _marks(self._known(*self._opened()))
        if not now or not known.marks:
            return None
        return now != known.marks

    def fetch(self, part: Download, say: Say) -> Snapshot:
        """Receive the file, from where an earlier attempt ended if it is still the same."""
        system, path = self._opened()
        before = self._known(system, path)
        marks, size = _marks(before), before.get("size")
        if not marks or part.marks() != marks:
            part.begin(marks)
        self._receive(system, path, part, size, say)
        after = self._known(system, path)
        if _marks(after) != marks or (size is not None and part.size != size):
            part.begin({})
            raise PassingError("the file changed while it was fetched")
        return part.snapshot(marks, _time(after))

    def _receive(self, system: Any, path: str, part: Download, size: int | None, say: Say) -> None:
        at = part.size
        say(at, size)
        with self._asking():
            remote = system.open(path, "rb")
        with remote, part.path.open("ab") as stream:
            if at:
                with self._asking():
                    remote.seek(at)
            while True:
                with self._asking():
                    chunk = remote.read(_CHUNK)
                if not chunk:
                    break
                stream.write(chunk)
                at += len(chunk)
                say(at, size)

    def _opened(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]

        scheme = urlsplit(self.url).scheme
        # OpenSSH's own list of hosts says which server is the right one; the driver would take any.
        ssh = {"known_hosts": (), "connect_timeout": self.patience.timeout}
        options: dict[str, Any] = dict(ssh) if scheme in ("ssh", "sftp") else {}
        options |= dict(self.options) | self._secrets.read_all(self.options_env, "options_env")
        try:
            with self._asking():
                system, path = url_to_fs(self.url, skip_instance_cache=True, **options)
        except ImportError:
            extra = _EXTRAS.get(scheme)
            raise SourceError(
                f"the driver for {scheme}:// is not installed",
                where=self.shown,
                hint=f"pip install 'fivefold[{extra}]', then: fivefold lock"
                if extra
                else "pip install the package that fsspec's documentation names for it",
            ) from None
        # A listing that was remembered tells nothing of now.
        system.invalidate_cache()
        return system, path

    def _known(self, system: Any, path: str) -> dict[str, Any]:
        try:
            with self._asking():
                found = dict(system.info(path))
        except FileNotFoundError:
            raise self._absent(system, path) from None
        if found.get("type") == "directory":
            raise SourceError(
                "the address is of a folder", where=self.shown, hint="name a file in it"
            )
        return found

    def _absent(self, system: Any, path: str) -> SourceError:
        parent, _, name = path.rpartition("/")
        names: list[str] = []
        with contextlib.suppress(FileNotFoundError), self._asking():
            names = [str(item).rpartition("/")[2] for item in system.ls(parent, detail=False)]
        return SourceError(
            "there is no such file",
            where=self.shown,
            got=name,
            hint=nearest(name, names) or "mend url: in conf/",
        )

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, ImportError):
            raise
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> Exception:
        """Word a driver's error: each has its own kinds."""
        said = self._secrets.hidden(f"{type(error).__name__}: {error}")[:300].rstrip(": ")
        names = {cls.__name__ for cls in type(error).__mro__}
        unknown = names & {"HostKeyNotVerifiable"}
        refused = names & {"NoCredentialsError", "ClientAuthenticationError", "PermissionDenied"}
        if isinstance(error, _FINAL) or refused or unknown:
            return SourceError(
                "the file can't be fetched",
                where=self.shown,
                got=said,
                hint="add the server to ~/.ssh/known_hosts: ssh-keyscan, after checking its key"
                if unknown
                else "credentials: the driver's own environment variables and files, or "
                "options_env: {option: VARIABLE}",
            )
        return PassingError(said)


def _marks(known: Mapping[str, Any]) -> dict[str, str]:
    """Give what tells versions of the file apart; a size and a time where the store has no more."""
    version = next((str(known[name]) for name in _MARKS if known.get(name)), None)
    if version is not None:
        return {"version": version.strip('"')}
    moment = _time(known, exact=True)
    return {"modified": moment, "size": str(known.get("size"))} if moment else {}


def _time(known: Mapping[str, Any], *, exact: bool = False) -> str | None:
    value = next((known[name] for name in _TIMES if known.get(name)), None)
    if isinstance(value, int | float):
        value = datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return moment.isoformat() if exact else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
