"""Bringing single contents from a DVC remote into the cache, by DVC itself."""

from __future__ import annotations

import logging
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
        Why it failed; None where it didn't, though the remote may lack some of them.
    """
    # Half a second of imports, which nobody pays who asks for no download.
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo

    wanted = [HashInfo(content.algorithm, content.value) for content in contents]
    logger = logging.getLogger("dvc")
    level = logger.level
    # DVC warns of what a remote hasn't; the report says it where it belongs.
    logger.setLevel(logging.ERROR)
    try:
        with Repo(str(root)) as repo:
            repo.cloud.pull(wanted)
    except Exception as error:  # noqa: BLE001
        # A remote's own library raises what it likes; a report says so, and says the rest too.
        return " ".join(str(error).split()) or type(error).__name__
    finally:
        logger.setLevel(level)
    return None
