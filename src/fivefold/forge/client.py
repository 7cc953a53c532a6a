"""HTTP to a forge: one secret, bounded patience, pages, and errors that say what to do.

Requests is the library, as DVC brings it anyway and it is kept well. Its own retries (urllib3's)
decide by the status alone, but a forge tells a rate limit from a refusal in the headers of a 403,
and a POST that may have gone through must not be sent again before somebody looks.
"""

from __future__ import annotations

import ipaddress
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from fivefold import __version__
from fivefold.errors import ForgeError, RefusedError
from fivefold.forge.refusals import FAULTS, asked_pause, explanation, is_passing

__all__ = ["Client", "Message"]

_ATTEMPTS = 6
_TIMEOUTS = (10.0, 30.0)
_PAGES = 200
_REDIRECTS = 3
_LONGEST_WORDS = 300
_UNSURE = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to the forge: a method, a path below the API's address, and a JSON body."""

    method: str
    path: str
    body: Mapping[str, Any]


class _Secret(requests.auth.AuthBase):
    """Sets the header with the token; as an ``auth`` it also keeps a ``.netrc`` from replacing it.

    Parameters
    ----------
    header : str
    value : str
    """

    def __init__(self, header: str, value: str) -> None:
        self._header = header
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._header] = self._value
        return request


class Client:
    """One forge's API.

    Parameters
    ----------
    api : str
        Its address.
    token : str
    header : {"Authorization", "PRIVATE-TOKEN"}
        Carries the token.
    headers : dict of str to str
        Sent with every request.
    patience : float, default=120
        Seconds to spend waiting, all requests together.
    say : callable, optional
        Takes a line whenever there is something to wait for.

    Raises
    ------
    ForgeError
        Where the address would carry the token through the net unencrypted.
    """

    def __init__(
        self,
        api: str,
        *,
        token: str,
        header: str,
        headers: Mapping[str, str] | None = None,
        patience: float = 120,
        say: Callable[[str], None] | None = None,
    ) -> None:
        _require_safe(api)
        self._api = api
        self._token = token
        self._patience = patience
        self._waited = 0.0
        self._say = say or (lambda _: None)
        self._session = requests.Session()
        self._session.auth = _Secret(
            header, f"Bearer {token}" if header == "Authorization" else token
        )
        self._session.headers.update({"User-Agent": f"fivefold/{__version__}", **(headers or {})})

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Give what lies at a path.

        Raises
        ------
        RefusedError, ForgeError
        """
        return self._json(self._exchange("GET", self._url(path), params=params))

    def pages(
        self, path: str, params: Mapping[str, str] | None = None, *, key: str | None = None
    ) -> Iterator[Any]:
        """Give a list's values, over all its pages.

        Parameters
        ----------
        path : str
        params : dict of str to str, optional
        key : str, optional
            Where the list lies in each answer; the answer itself by default.

        Raises
        ------
        RefusedError, ForgeError
        """
        url, asked = self._url(path), {"per_page": "100", **(params or {})}
        for _ in range(_PAGES):
            response = self._exchange("GET", url, params=asked)
            found = self._json(response)
            values = found.get(key) if key and isinstance(found, Mapping) else found
            if not isinstance(values, list):
                raise ForgeError("the forge answered without a list", where=self._shown(url))
            yield from values
            following = response.links.get("next", {}).get("url")
            if not following:
                return
            # The next page's address says it all.
            url, asked = self._same_origin(urljoin(url, following)), {}
        raise ForgeError(
            "the list has too many pages", where=self._shown(url), allowed=f"{_PAGES} pages"
        )

    def send(self, message: Message, *, settled: Callable[[], Any] | None = None) -> Any:
        """Send a message and give the answer.

        Parameters
        ----------
        message : Message
        settled : callable, optional
            Called before a message is sent once more whose fate isn't known (the line broke, the
            forge failed while it answered); gives what the message made, or None.

        Raises
        ------
        RefusedError, ForgeError
        """
        url = self._url(message.path)
        response = self._exchange(message.method, url, body=message.body, settled=settled)
        return self._json(response) if isinstance(response, requests.Response) else response

    def _exchange(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        settled: Callable[[], Any] | None = None,
    ) -> Any:
        redirects = 0
        for attempt in range(1, _ATTEMPTS + 1):
            response, why = self._once(method, url, params, body)
            while response is not None and response.is_redirect and redirects < _REDIRECTS:
                # A renamed repository answers so. Followed by hand: the library would take the
                # token to another host, and turn a POST into a GET.
                redirects += 1
                url = self._same_origin(urljoin(url, response.headers["Location"]))
                response, why = self._once(method, url, None, body)
            if response is not None and 200 <= response.status_code < 300:
                return response
            if response is not None and not is_passing(response):
                raise self._refusal(response, method, url)
            unsure = response is None or response.status_code in FAULTS
            pause = asked_pause(response) if response is not None else None
            if pause is None:
                # Spread, so that jobs that failed together do not come back together.
                pause = 2.0 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311
            self._wait(pause, why, method, url, last=attempt == _ATTEMPTS)
            if unsure and settled is not None:
                found = settled()
                if found is not None:
                    return found
        raise AssertionError("the last attempt raises")

    def _once(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> tuple[Any, str]:
        try:
            response = self._session.request(
                method,
                url,
                params=dict(params) if params else None,
                json=dict(body) if body is not None else None,
                timeout=_TIMEOUTS,
                allow_redirects=False,
            )
        except _UNSURE as error:
            return None, f"no answer ({type(error).__name__})"
        except (requests.exceptions.RequestException, UnicodeError) as error:
            raise ForgeError(
                "the request can't be made", where=self._shown(url), got=type(error).__name__
            ) from None
        return response, f"{response.status_code} {response.reason or ''}".strip()

    def _wait(self, pause: float, why: str, method: str, url: str, *, last: bool) -> None:
        where = f"{method} {self._shown(url)}"
        if last:
            raise ForgeError(
                "the forge does not serve",
                where=where,
                got=self._clean(f"{why}, {_ATTEMPTS} times"),
                hint="run it again later; what was sent already is found and updated",
            )
        if self._waited + pause > self._patience:
            raise ForgeError(
                "the forge asks for more patience than there is",
                where=where,
                got=self._clean(f"{why}; wait {pause:.0f} s"),
                allowed=f"{self._patience:.0f} s in all, of which {self._waited:.0f} are spent",
                hint="run it again later, or with --patience SECONDS",
            )
        self._say(self._clean(f"{where}: {why}; again in {pause:.1f} s"))
        time.sleep(pause)
        self._waited += pause

    def _refusal(self, response: requests.Response, method: str, url: str) -> RefusedError:
        status = response.status_code
        hints = {
            401: "the token is not accepted: it may have expired",
            403: "the token may not do this: give the job the right to write, or a token that has",
            404: "there is no such thing, or the token may not see it",
        }
        error = RefusedError(
            "the forge refused the request",
            where=f"{method} {self._shown(url)}",
            got=self._clean(f"{status} {explanation(response)}")[:_LONGEST_WORDS],
            hint=hints.get(status),
        )
        error.status = status
        return error

    def _json(self, response: requests.Response) -> Any:
        try:
            return response.json()
        except ValueError:
            raise ForgeError(
                "the forge answered with something else than JSON",
                where=self._shown(response.url),
                hint="is the API's address right? GITHUB_API_URL, or CI_API_V4_URL",
            ) from None

    def _url(self, path: str) -> str:
        return f"{self._api}/{path.lstrip('/')}"

    def _same_origin(self, url: str) -> str:
        ours, theirs = urlsplit(self._api), urlsplit(url)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise ForgeError(
                "the forge sends the request to another host, which must not see the token",
                where=f"{ours.scheme}://{ours.netloc}",
                got=self._clean(f"{theirs.scheme}://{theirs.netloc}"),
            )
        return url

    def _shown(self, url: str) -> str:
        return self._clean(url.split("?")[0])

    def _clean(self, text: str) -> str:
        """Keep the token out of what is shown, and lines out of it that a runner would obey."""
        shown = text.replace(self._token, "***")
        return " ".join("".join(c if c.isprintable() else " " for c in shown).split())


def _require_safe(api: str) -> None:
    address = urlsplit(api)
    host = address.hostname or ""
    if address.scheme == "https" and host and not address.username:
        return
    if address.scheme == "http" and _is_loopback(host):
        return
    raise ForgeError(
        "the API's address would show the token to the net",
        where="GITHUB_API_URL, or CI_API_V4_URL",
        got=f"{address.scheme}://{host}",
        allowed="https://HOST/...",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
