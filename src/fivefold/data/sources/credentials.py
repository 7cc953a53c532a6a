"""Secrets: named in ``conf/`` by their environment variable, and shown nowhere.

``params.yaml`` and the reports are committed, so what stands in ``conf/`` is public.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from fivefold.errors import ConfigError, SourceError

__all__ = ["Secrets", "public_url", "refuse_secrets"]

# What holds a secret by its name, as an argument, an option, a header or in a URL's query.
_SECRET = re.compile(
    r"(?:^|[_-])(?:passw(?:or)?d|passphrase|pwd|secret|token|signature|sig|credentials?|cookie"
    r"|authorization|connection_?string"
    r"|(?:api|access|account|secret|private|shared|client)[_-]?key(?:[_-]id)?)$",
    re.IGNORECASE,
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S*", re.IGNORECASE)


def refuse_secrets(declared: Mapping[str, Any], where: str) -> None:
    """Refuse what must not stand in ``conf/``: a password in a URL, a value under a secret's name.

    Parameters
    ----------
    declared : mapping
        A source's function and arguments.
    where : str
        The place in ``conf/``.

    Raises
    ------
    ConfigError
        With the way to do it; the secret itself is not shown.
    """
    for path, key, value in _leaves(declared, where):
        if isinstance(value, str) and _SECRET.search(key) and value:
            option = re.sub(r"\W", "_", key)
            raise ConfigError(
                "a secret must not stand in conf/, which is committed",
                where=path,
                got=f"{key}: ***",
                allowed="the name of an environment variable that holds it",
                hint=f"{option}_env: SOURCE_{option.upper()} (or under options_env:, headers_env: "
                "or params_env:, by what the source takes), and export that variable;\n"
                "where the secret was committed before, it is known: make a new one",
            )
        for url in _URL.findall(value) if isinstance(value, str) else ():
            _refuse_in_url(url, path)


def _leaves(value: Any, path: str, key: str = "") -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            # Below *_env the keys are options' names, and the values variables' names.
            if not str(name).endswith("_env"):
                yield from _leaves(inner, f"{path}.{name}", str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{number}", key)
    else:
        yield path, key, value


def _refuse_in_url(url: str, where: str) -> None:
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None
    except ValueError:
        return  # no URL after all; whoever opens it says so
    if has_password:
        raise ConfigError(
            "a URL with a password must not stand in conf/, which is committed",
            where=where,
            got=public_url(url),
            allowed="the URL without it, and the names of environment variables beside it",
            hint="user_env: SOURCE_USER and password_env: SOURCE_PASSWORD, and export the two;\n"
            "where the password was committed before, it is known: make a new one",
        )
    for name, _ in parse_qsl(parts.query):
        if _SECRET.search(name):
            raise ConfigError(
                "a URL with a secret in its query must not stand in conf/, which is committed",
                where=where,
                got=public_url(url),
                allowed="the URL without it, and the name of an environment variable beside it",
                hint=f"params_env: {{{name}: SOURCE_{name.upper().replace('-', '_')}}}, "
                "and export that variable",
            )


def public_url(url: str) -> str:
    """Give a URL as it may be shown: no user, no password, no secret in its query."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        known = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "a URL that can't be read"
    if not parts.scheme:
        return url
    query = "&".join(f"{name}={'***' if _SECRET.search(name) else value}" for name, value in known)
    # Not urlunsplit: of sqlite:////path it drops two of the slashes.
    return f"{parts.scheme}://{host}{parts.path}" + (f"?{query}" if query else "")


class Secrets:
    """Secrets that were read from the environment, and are kept out of every message."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def read(self, variable: str | None, where: str) -> str | None:
        """Give the value of an environment variable, or None where none is named.

        Raises
        ------
        SourceError
            It is not set.
        """
        if variable is None:
            return None
        value = os.environ.get(variable)
        if not value:
            raise SourceError(
                f"the environment variable {variable} is not set",
                where=where,
                got="empty" if value == "" else "nothing",
                hint=f"export {variable}=...; in a workflow, from the forge's secrets",
            )
        self._values |= {value, quote(value, safe=""), quote_plus(value)}
        return value

    def read_all(self, variables: Mapping[str, str] | None, where: str) -> dict[str, str]:
        """Give the values of environment variables by the names they are to go under."""
        given = {name: self.read(var, f"{where}.{name}") for name, var in (variables or {}).items()}
        return {name: value for name, value in given.items() if value is not None}

    def hidden(self, text: object) -> str:
        """Give a text without the secrets, on one line."""
        shown = " ".join(str(text).split())
        for value in sorted(self._values, key=len, reverse=True):
            shown = shown.replace(value, "***")
        return shown
