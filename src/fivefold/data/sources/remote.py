"""Files elsewhere: ``http_file`` for HTTP, ``remote_file`` for every other kind of storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.data.sources.http import Http, HttpFile
from fivefold.data.sources.objects import ObjectFile
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.pinned import Declared, RemoteSource
from fivefold.data.sources.retries import Patience

__all__ = ["http_file", "remote_file"]


@RemoteSource
def http_file(
    url: str,
    sha256: str | None = None,
    token_env: str | None = None,
    user_env: str | None = None,
    password_env: str | None = None,
    headers_env: Mapping[str, str] | None = None,
    params_env: Mapping[str, str] | None = None,
    attempts: int = 5,
    timeout: float = 60.0,
    **options: Any,
) -> Declared:
    """Read a file behind HTTP or HTTPS, of any format that ``local_file`` reads.

    Parameters
    ----------
    url : str
        The file's own address, without secrets.
    sha256 : str, optional
        What it must be.
    token_env : str, optional
        The environment variable with a token, sent as ``Authorization: Bearer``.
    user_env, password_env : str, optional
        The environment variables with a user and a password (HTTP Basic).
    headers_env, params_env : mapping of str to str, optional
        The environment variables with values of further headers, or of the query's parameters.
    attempts : int, default 5
        How often to ask, with growing pauses, or as long as the server asks for.
    timeout : float, default 60
        Seconds without a byte after which an attempt has failed.
    **options
        How to read it: see :class:`fivefold.data.sources.options.FormatOptions`.

    Raises
    ------
    SourceError
        The server does not give it, or gives another file than is pinned or declared.
    """
    http = Http(token_env, user_env, password_env, headers_env or {}, params_env or {})
    remote = HttpFile(url, http, Patience(attempts, timeout))
    return Declared(remote, FormatOptions.of(options), sha256)


@RemoteSource
def remote_file(
    url: str,
    sha256: str | None = None,
    storage: Mapping[str, Any] | None = None,
    options_env: Mapping[str, str] | None = None,
    attempts: int = 5,
    timeout: float = 60.0,
    **options: Any,
) -> Declared:
    """Read a file that fsspec can open, of any format that ``local_file`` reads.

    Parameters
    ----------
    url : str
        ``s3://``, ``gs://``, ``az://``, ``sftp://``, ``file://`` and what else fsspec has a driver
        for; without secrets.
    sha256 : str, optional
        What it must be.
    storage : mapping, optional
        Options of the driver, such as ``{anon: true}`` or an endpoint.
    options_env : mapping of str to str, optional
        More of them, by the environment variables with their values. Where none is given, drivers
        look where their store's own tools do.
    attempts : int, default 5
        How often to ask, with growing pauses.
    timeout : float, default 60
        Seconds for the connection to a server by SSH; other drivers have their own.
    **options
        How to read it: see :class:`fivefold.data.sources.options.FormatOptions`.

    Raises
    ------
    SourceError
        The store does not give it, or gives another file than is pinned or declared.
    """
    remote = ObjectFile(url, storage or {}, options_env or {}, Patience(attempts, timeout))
    return Declared(remote, FormatOptions.of(options), sha256)
