"""Opens the pull request of a branch, once."""

from __future__ import annotations

from pathlib import Path

from fivefold.errors import ForgeError
from fivefold.forge.connection import shown, words
from fivefold.forge.environment import Host
from fivefold.forge.protocol import Forge, PullRequest

__all__ = ["preview", "propose", "read_body"]

_MOST_BYTES = 1 << 20


def propose(
    forge: Forge, *, title: str, branch: str, base: str | None, body: str
) -> tuple[PullRequest, bool]:
    """Open a branch's pull request; where one is open, give it the title and the body.

    Parameters
    ----------
    forge : Forge
    title : str
    branch : str
        In the same repository, and pushed.
    base : str or None
        What it would be merged into; by default the repository's default branch.
    body : str
        Markdown; sent as it is.

    Returns
    -------
    pull_request : PullRequest
    is_new : bool

    Raises
    ------
    ForgeError, RefusedError
    """
    into = base or forge.default_branch()
    if into == branch:
        raise ForgeError("a branch can't be merged into itself", where="--branch", got=branch)
    return forge.put_pull_request(title, branch, into, body)


def preview(host: Host, *, title: str, branch: str, base: str | None, body: str) -> str:
    """Give what `propose` would send for a new pull request, as a line of JSON."""
    into = base or "(the default branch)"
    return shown(words(host).open_message(host, title, branch, into, body))


def read_body(path: Path) -> str:
    """Read a body from a file.

    Raises
    ------
    ForgeError
        Where it is no text in UTF-8, or longer than any forge takes.
    """
    content = path.read_bytes()
    if len(content) > _MOST_BYTES:
        raise ForgeError("the body is too long", where=str(path), allowed=f"{_MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ForgeError("the body is not UTF-8", where=str(path)) from None
