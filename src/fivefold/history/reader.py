"""What a revision declares and holds: its pipelines, locks, metrics and params.

A commit is known by the ids of the few files that matter, and every parsed file is kept by its
id, so a history of ten thousand commits costs as many parses as it has different files.
"""

from __future__ import annotations

import posixpath
from functools import cached_property

from fivefold.history.dvc.content import ContentCache
from fivefold.history.dvc.lock import Hash, Lock, LockedStage, locked_stages, tracked_data
from fivefold.history.dvc.pipeline import (
    DEFAULT_PARAMS,
    Declared,
    locate,
    merge_declared,
    read_declaration,
)
from fivefold.history.dvc.templates import is_templated, resolve
from fivefold.history.dvc.values import FileValues, MalformedError, parse
from fivefold.history.git.repository import Repository
from fivefold.history.git.snapshots import BlobId, CommitSnapshot, Snapshot
from fivefold.history.memory import Memory

__all__ = ["Reader"]

_KEPT = 4096


class Reader:
    """Reads revisions of one repository, each object once.

    Parameters
    ----------
    repository : Repository
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.memory = Memory.of(repository.git)
        # Whether a blob is another content than a hash of DVC's says; see `integrity`.
        self.held: dict[tuple[BlobId, str], bool] = {}
        self._files: dict[tuple[BlobId, str], FileValues] = {}
        self._parts: dict[tuple[object, ...], Declared] = {}
        self._reads: dict[tuple[BlobId, str], tuple[str, ...]] = {}
        self._declared: dict[tuple[object, ...], Declared] = {}
        self._by_tree: dict[BlobId, Declared] = {}
        self._locks: dict[tuple[object, ...], Lock] = {}

    @cached_property
    def cache(self) -> ContentCache:
        """DVC's cache; where it is takes reading DVC's settings, which few commands need."""
        return ContentCache.of(self.repository.git, self.repository.root)

    def file(self, snapshot: Snapshot, path: str, blob: BlobId) -> FileValues:
        """Parse a file once, whichever revisions have it."""
        # The suffix decides the format, so equal bytes under two suffixes are two values.
        key = (blob, posixpath.splitext(path)[1])
        found = self._files.get(key)
        if found is None:
            found = self._files[key] = _parsed(snapshot.data(blob), path)
            if len(self._files) > _KEPT:
                # Commits with the same file stand near each other: the oldest is asked for last.
                del self._files[next(iter(self._files))]
        return found

    def declared(self, snapshot: Snapshot) -> Declared:
        """Read what all ``dvc.yaml`` files of a revision declare together."""
        tree = snapshot.tree if isinstance(snapshot, CommitSnapshot) else None
        if tree is not None and tree in self._by_tree:
            return self._by_tree[tree]
        parts = []
        for file in snapshot.pipeline_files():
            if posixpath.basename(file) == "dvc.yaml":
                blob = snapshot.blob(file)
                if blob is not None:
                    parts.append(self._part(snapshot, file, blob))
        default = snapshot.blob(DEFAULT_PARAMS) is not None
        # The parts live as long as the reader, so their addresses name them.
        key = (default, *map(id, parts))
        if key not in self._declared:
            self._declared[key] = merge_declared(parts, default_params=default)
        if tree is not None:
            self._by_tree[tree] = self._declared[key]
        return self._declared[key]

    def _part(self, snapshot: Snapshot, file: str, blob: BlobId) -> Declared:
        # A templated file's result depends on the files it names in `vars` too; which those are
        # follows from the file alone.
        reads = self._reads.get((blob, file), ())
        key = (file, blob, *map(snapshot.blob, reads))
        if key in self._parts:
            return self._parts[key]
        found = self.file(snapshot, file, blob)
        try:
            if found.error:
                raise MalformedError(found.error)
            data = found.raw
            used: dict[str, tuple[str, ...]] = {}
            if isinstance(data, dict) and is_templated(data, snapshot.data(blob)):
                data, reads, used = resolve(data, posixpath.dirname(file), snapshot)
                self._reads[blob, file] = reads
                key = (file, blob, *map(snapshot.blob, reads))
            part = read_declaration(data, file, used)
        except MalformedError as error:
            part = Declared(problems=(str(error),))
        self._parts[key] = part
        return part

    def lock(self, snapshot: Snapshot) -> Lock:
        """Read what all ``dvc.lock`` and ``*.dvc`` files of a revision vouch for."""
        declared = self.declared(snapshot)
        files = self._lock_files(snapshot)
        key = (id(declared), *files)
        if key not in self._locks:
            stages: dict[str, LockedStage] = {}
            data: dict[str, Hash] = {}
            problems = []
            for file, blob in files:
                found = self.file(snapshot, file, blob)
                if found.error:
                    problems.append(found.error)
                elif file.endswith(".dvc"):
                    data.update(tracked_data(found.raw, file))
                else:
                    beside = locate(posixpath.dirname(file), "dvc.yaml")
                    try:
                        stages.update(locked_stages(found.raw, beside, declared.stages))
                    except MalformedError as error:
                        problems.append(str(error))
            self._locks[key] = Lock(stages, data, tuple(problems))
        return self._locks[key]

    def _lock_files(self, snapshot: Snapshot) -> list[tuple[str, BlobId]]:
        files = []
        for file in snapshot.pipeline_files():
            path = file
            if posixpath.basename(file) == "dvc.yaml":
                path = locate(posixpath.dirname(file), "dvc.lock")
            blob = snapshot.blob(path)
            if blob is not None:
                files.append((path, blob))
        return files

    def lock_key(self, snapshot: Snapshot) -> tuple[tuple[str, BlobId], ...]:
        """Give the ids of the lock files: equal where data, code and params as run are equal."""
        return tuple(self._lock_files(snapshot))

    def results_key(
        self, snapshot: Snapshot, *, without: frozenset[str] = frozenset()
    ) -> tuple[tuple[str, object], ...]:
        """Give what tells two revisions' metrics and params apart, without parsing them.

        Parameters
        ----------
        snapshot : Snapshot
        without : frozenset of str
            Paths to leave out: what varies from run to run though nothing changed.
        """
        declared = self.declared(snapshot)
        key: list[tuple[str, object]] = [("", problem) for problem in declared.problems]
        for path in (*declared.metrics, *declared.params):
            if path in without:
                continue
            blob: object = snapshot.blob(path)
            if blob is None and path in declared.metrics:
                content = self.vouched(snapshot, path)
                blob = (
                    content.value
                    if content
                    else tuple((file, snapshot.blob(file)) for file in snapshot.files(path))
                )
            key.append((path, blob or None))
        return tuple(key)

    def metrics(self, snapshot: Snapshot) -> dict[str, FileValues]:
        """Read every metrics file of a revision, by path."""
        found: dict[str, FileValues] = {}
        for path in self.declared(snapshot).metrics:
            blob = snapshot.blob(path)
            if blob is not None:
                found[path] = self.file(snapshot, path, blob)
                continue
            inside = snapshot.files(path)
            for file in inside:
                blob = snapshot.blob(file)
                if blob is not None:
                    found[file] = self.file(snapshot, file, blob)
            if not inside:
                found.update(self._from_cache(snapshot, path))
        return found

    def params(self, snapshot: Snapshot) -> dict[str, FileValues]:
        """Read every params file of a revision, by path, with the values that are tracked."""
        found: dict[str, FileValues] = {}
        for path, names in self.declared(snapshot).params.items():
            blob = snapshot.blob(path)
            if blob is None:
                found[path] = FileValues(error=f"{path} is not there", missing=True)
                continue
            whole = self.file(snapshot, path, blob)
            found[path] = FileValues(whole.raw, whole.error, names=names) if names else whole
        return found

    def vouched(self, snapshot: Snapshot, path: str) -> Hash | None:
        """Find the hash that covers a path: its own, or that of the folder it lies in."""
        outs = self.lock(snapshot).outs()
        while path:
            if path in outs:
                return outs[path]
            path = posixpath.dirname(path)
        return None

    def _from_cache(self, snapshot: Snapshot, path: str) -> dict[str, FileValues]:
        content = self.vouched(snapshot, path)
        if content is None:
            return {path: FileValues(error=f"{path} is not there", missing=True)}
        wanted = {path: content}
        if content.value.endswith(".dir"):
            wanted = {
                file: inner
                for file, inner in self.cache.listing(content).items()
                if file == path or file.startswith(f"{path}/")
            }
        found = {}
        for file, inner in wanted.items():
            data = self.cache.read(inner)
            if data is not None:
                found[file] = _parsed(data, file)
            elif self.cache.is_damaged(inner):
                found[file] = FileValues(
                    error=f"{file} in DVC's cache is not what was hashed: "
                    f"delete {self.cache.path(inner)}, then dvc fetch"
                )
        return found or {
            path: FileValues(error=f"{path} is not in DVC's cache: dvc fetch", missing=True)
        }


def _parsed(data: bytes, path: str) -> FileValues:
    try:
        raw = parse(data, path)
    except MalformedError as error:
        return FileValues(error=str(error))
    return FileValues(raw)
