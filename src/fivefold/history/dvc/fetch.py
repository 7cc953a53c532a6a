"""Bringing single contents from a DVC remote into the cache, by DVC itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fivefold.history.dvc.lock import Hash

__all__ = ["fetch"]


def fetch(root: Path, contents: Sequence[Hash]) -> str | None:
    """Download contents by hash, and nothing else of their revision.

    Parameters
    ----------
    root : Path
        DVC's root.
    contents : sequence of Hash
        Files, no folders.

    Returns
    -------
    str or None
        Why they aren't all there now.
    """
    # Half a second of imports, which nobody pays who asks for no download.
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo

    wanted = [HashInfo(content.algorithm, content.value) for content in contents]
    try:
        with Repo(str(root)) as repo:
            result = repo.cloud.pull(wanted)
    except Exception as error:  # noqa: BLE001
        # A remote's own library raises what it likes; a report says so, and says the rest too.
        return " ".join(str(error).split()) or type(error).__name__
    return "the remote doesn't have it: its author can dvc push" if result.failed else None
