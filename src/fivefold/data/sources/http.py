"""A file behind HTTP or HTTPS: asked for only when it changed, taken up where the line broke."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from fivefold import __version__
from fivefold.data.sources.credentials import Secrets, public_url
from fivefold.data.sources.download import Download
from fivefold.data.sources.http_headers import (
    as_of,
    marks_of,
    range_start,
    strong_validator,
)
from fivefold.data.sources.pins import Snapshot
from fivefold.data.sources.retries import PassingError, Patience, asked_pause
from fivefold.errors import ConfigError, SourceError
from fivefold.table.progress import Say

__all__ = ["Http", "HttpFile"]

_CONNECT = 20.0
_CHUNK = 1 << 20
# Timeouts, too early, too many requests, and what a server or the proxy before it says in passing.
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_HINTS = {
    401: "name the variables that hold the credentials: token_env:, or user_env: and password_env:",
    403: "may these credentials read it? token_env:, user_env: and password_env: name them",
    404: "mend url: in conf/; some servers answer so where the credentials are missing",
    410: "it was removed for good; mend url: in conf/",
}


class _Basic(requests.auth.HTTPBasicAuth):
    """HTTP Basic in UTF-8 (RFC 7617), where the library would take Latin-1."""

    def __init__(self, user: str, password: str) -> None:
        super().__init__(user.encode(), password.encode())


def _as_declared(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave a request alone: without any auth the library takes what ~/.netrc has for the host."""
    return request


class _Session(requests.Session):
    """Sends credentials to the host they are for only, and to no other that it redirects to."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._own = CaseInsensitiveDict(headers)

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Drop the headers with secrets where a redirect leads to another host; add none."""
        if self.should_strip_auth(response.request.url, prepared_request.url):
            for name in ("Authorization", *self._own):
                prepared_request.headers.pop(name, None)


@dataclass(frozen=True)
class Http:
    """How to ask a server; see :func:`fivefold.data.sources.remote.http_file`."""

    token_env: str | None = None
    user_env: str | None = None
    password_env: str | None = None
    headers_env: Mapping[str, str] = field(default_factory=dict)
    params_env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.user_env is None) != (self.password_env is None):
            raise ConfigError(
                "a user and a password go together",
                where="password_env" if self.user_env else "user_env",
                got="nothing",
                hint="name the environment variables of both",
            )
        if self.token_env and self.user_env:
            raise ConfigError(
                "a server takes a token, or a user and a password",
                where="token_env",
                got=f"token_env: {self.token_env}, user_env: {self.user_env}",
            )

    @property
    def variables(self) -> dict[str, Any]:
        """The variables whose values may decide what the server gives, by their options."""
        given = {
            "token_env": self.token_env,
            "user_env": self.user_env,
            "headers_env": dict(self.headers_env),
            "params_env": dict(self.params_env),
        }
        return {option: named for option, named in given.items() if named}


@dataclass(frozen=True)
class HttpFile:
    """A file behind HTTP; a :class:`~fivefold.data.sources.pinned.Remote`.

    Attributes
    ----------
    url : str
        Without secrets.
    http : Http
    patience : Patience
    """

    url: str
    http: Http
    patience: Patience
    _secrets: Secrets = field(default_factory=Secrets, compare=False)

    of_bytes = True

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                "not the address of a file behind HTTP",
                where="url",
                got=public_url(self.url),
                allowed="https://HOST/PATH",
            )
        if parts.scheme == "http" and self.http.variables and not _is_loopback(parts.hostname):
            raise ConfigError(
                "the credentials would go through the net unencrypted",
                where="url",
                got=public_url(self.url),
                allowed="https://HOST/PATH",
            )

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return public_url(self.url)

    @property
    def name(self) -> str:
        """The file's name, which tells its format."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name

    def identity(self) -> dict[str, Any]:
        """Give what tells apart what is fetched."""
        return {"url": self.url, **self.http.variables}

    def at(self, _snapshot: Snapshot, /) -> HttpFile:
        """Give itself: a server has one version only."""
        return replace(self)

    def changed(self, known: Snapshot) -> bool | None:
        """Ask whether the file is another; None where the server can't tell."""
        headers = {}
        if etag := known.marks.get("etag"):
            headers["If-None-Match"] = etag
        elif modified := known.marks.get("last_modified"):
            headers["If-Modified-Since"] = modified
        else:
            return None
        with self._asked(headers) as response:
            if response.status_code == 304:
                return False
            now = marks_of(response)
            same = [now[name] == known.marks[name] for name in now if name in known.marks]
            # A server that leaves the condition alone still says what it has.
            return not all(same) if same else None

    def fetch(self, part: Download, say: Say) -> Snapshot:
        """Receive the file, from where an earlier attempt ended if it is still the same."""
        marks, at = part.marks(), part.size
        validator = strong_validator(marks)
        headers = {}
        if at and validator:
            headers = {"Range": f"bytes={at}-", "If-Range": validator}
        with self._asked(headers) as response:
            now = marks_of(response)
            if response.status_code == 206:
                if range_start(response) != at or strong_validator(now) not in (validator, None):
                    part.begin({})
                    raise PassingError("the file changed while it was fetched", pause=0.0)
            elif response.status_code == 416:
                # More is here than the server has: it is another file.
                part.begin({})
                raise PassingError("the file became shorter while it was fetched", pause=0.0)
            else:
                self._require_data(response)
                part.begin(now)
                marks, at = now, 0
            self._receive(response, part, at, say)
        return part.snapshot(marks, as_of(marks.get("last_modified")))

    def _receive(self, response: requests.Response, part: Download, at: int, say: Say) -> None:
        length = response.headers.get("Content-Length", "")
        encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        total = at + int(length) if length.isdigit() and not encoded else None
        say(at, total)
        with part.path.open("ab") as stream:
            chunks = response.iter_content(_CHUNK)
            while True:
                try:
                    chunk = next(chunks, b"")
                except requests.RequestException as error:
                    stream.flush()
                    if encoded:
                        # What is here is decoded, and so no part of what the server counts.
                        part.begin({})
                    raise PassingError(
                        f"the line broke after {at:,} bytes ({type(error).__name__})"
                    ) from None
                if not chunk:
                    break
                stream.write(chunk)
                at += len(chunk)
                say(at, total)
        if total is not None and at != total:
            raise PassingError(f"the line broke after {at:,} of {total:,} bytes")

    def _asked(self, headers: Mapping[str, str]) -> requests.Response:
        http, secrets = self.http, self._secrets
        own = secrets.read_all(http.headers_env, "headers_env")
        if token := secrets.read(http.token_env, "token_env"):
            own["Authorization"] = f"Bearer {token}"
        user = secrets.read(http.user_env, "user_env")
        password = secrets.read(http.password_env, "password_env")
        session = _Session(own)
        sent = {
            "User-Agent": f"fivefold/{__version__}",
            # The bytes as they are kept: only those can be counted and taken up again.
            "Accept-Encoding": "identity",
            **own,
            **headers,
        }
        try:
            response = session.get(
                self.url,
                headers=sent,
                params=secrets.read_all(http.params_env, "params_env"),
                auth=_Basic(user, password) if user and password else _as_declared,
                timeout=(min(_CONNECT, self.patience.timeout), self.patience.timeout),
                stream=True,
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise PassingError(f"no answer ({type(error).__name__})") from None
        except (requests.RequestException, UnicodeError) as error:
            # Its words hold the address with what was added to it.
            raise SourceError(
                f"the server can't be asked ({type(error).__name__})", where=self.shown
            ) from None
        return self._served(response)

    def _served(self, response: requests.Response) -> requests.Response:
        status = response.status_code
        if status in (200, 206, 304, 416):
            return response
        response.close()
        said = f"{status} {response.reason or ''}".strip()
        if status in _PASSING:
            pause = asked_pause(response.headers.get("Retry-After"), response.headers.get("Date"))
            raise PassingError(self._secrets.hidden(said), pause)
        raise SourceError(
            "the server does not give the file",
            where=self.shown,
            got=self._secrets.hidden(said),
            hint=_HINTS.get(status, "mend url: in conf/"),
        )

    def _require_data(self, response: requests.Response) -> None:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml"):
            raise SourceError(
                "the server answers with a web page instead of data",
                where=self.shown,
                got=kind,
                hint="is it a page to log in at, or one that links to the file? url: must be the "
                "file's own address",
            )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
