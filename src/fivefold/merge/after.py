"""After a merge or a rebase: mend what no driver could.

An octopus merge and the strategy `resolve` merge files as text, whatever `.gitattributes` says, and
a driver can't compose: `conf/` is merged only when all of Git's work is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fivefold.errors import FivefoldError
from fivefold.files import replace_text
from fivefold.merge.driver import NEXT
from fivefold.merge.git import git, git_bytes, toplevel
from fivefold.merge.lock import keep_known
from fivefold.pipeline.params import is_merged

__all__ = ["after_merge"]


def after_merge(folder: Path) -> Iterator[str]:
    """Hold the locks against the merge's parents, and compose params that Git merged.

    Parameters
    ----------
    folder : Path
        Any folder in the working tree.

    Yields
    ------
    str
        A line for each thing that was done, or could not be.
    """
    root = toplevel(folder)
    tracked = git(root, "ls-files", "-z").split("\0")
    parents = git(root, "rev-parse", "HEAD^@").split()
    for name in tracked:
        path = root / name
        if not path.is_file():
            continue
        try:
            if path.name == "dvc.lock" and len(parents) > 1:
                yield from _drop_unknown(root, name, parents)
            elif path.name == "params.yaml" and is_merged(path.read_text(encoding="utf-8")):
                yield from _compose(path, name)
        except FivefoldError as error:
            yield f"fivefold: {error}"


def _drop_unknown(root: Path, name: str, parents: list[str]) -> Iterator[str]:
    text = (root / name).read_text(encoding="utf-8")
    listed = [git(root, "ls-tree", parent, "--", name).split() for parent in parents]
    known = [git_bytes(root, "cat-file", "blob", words[2]).decode() for words in listed if words]
    merged = keep_known(text, known, name)
    if merged.dropped:
        replace_text(root / name, merged.text)
        yield (
            f"fivefold: {name}: no branch ran {', '.join(merged.dropped)} as the merge has it; "
            f"next: {NEXT}"
        )


def _compose(path: Path, name: str) -> Iterator[str]:
    from fivefold.pipeline.compose import compose

    compose(path.parent)
    yield f"fivefold: {name}: composed from the merged conf/; next: {NEXT}"
