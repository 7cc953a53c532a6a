"""Which module speaks to which forge."""

from __future__ import annotations

import json
from collections.abc import Callable

from fivefold.forge import github, gitlab
from fivefold.forge.client import Client, Message
from fivefold.forge.environment import Host
from fivefold.forge.protocol import Forge, Words

__all__ = ["connect", "shown", "words"]


def connect(
    host: Host,
    token: str,
    *,
    author: str | None = None,
    patience: float = 120,
    say: Callable[[str], None] | None = None,
) -> Forge:
    """Reach the forge.

    Parameters
    ----------
    host : Host
    token : str
    author : str, optional
        The token's own login, where the forge doesn't tell it.
    patience : float, default=120
        Seconds to spend waiting, in all.
    say : callable, optional
        Takes a line whenever there is something to wait for.

    Raises
    ------
    ForgeError
        Where the API's address is none that a token may be sent to.
    """
    module = github if host.kind == "github" else gitlab
    client = Client(
        host.api,
        token=token,
        header=module.CARRIER,
        headers=module.HEADERS,
        patience=patience,
        say=say,
    )
    if host.kind == "github":
        return github.GitHub(client, host, author)
    return gitlab.GitLab(client, host, author)


def words(host: Host) -> Words:
    """Give the module that words what is sent to this forge."""
    return github if host.kind == "github" else gitlab


def shown(message: Message) -> str:
    """Give a message as one line of JSON, which no runner takes for an order."""
    return json.dumps({"method": message.method, "path": message.path, "body": message.body})
