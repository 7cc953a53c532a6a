"""The client by itself: where the token goes, and where it never does."""

from __future__ import annotations

import email.utils
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fivefold.errors import ForgeError, RefusedError
from fivefold.forge.client import Client, Message
from fivefold.forge.environment import Host, find_host, find_token
from tests.forge.server import TOKEN, Answer, ForgeServer, Request


class Plain(ForgeServer):
    """Gives what a test wants for a path."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Callable[[Request], Answer]] = {}

    def check(self, _: Request) -> Any:
        return None

    def answer(self, request: Request, _: Any) -> Answer:
        return self.answers[request.path](request)

    def client(self, **options: Any) -> Client:
        return Client(self.address, token=TOKEN, header="PRIVATE-TOKEN", **options)


@pytest.fixture
def server() -> Iterator[Plain]:
    found = Plain()
    with found.served():
        yield found


def test_the_token_follows_no_redirect_to_another_host(server: Plain) -> None:
    other = Plain()
    with other.served():
        server.answers["/a"] = lambda _: Answer(307, {}, {"Location": f"{other.address}/a"})
        with pytest.raises(ForgeError, match="another host"):
            server.client().get("/a")
    assert not other.requests


def test_the_token_follows_no_next_page_to_another_host(server: Plain) -> None:
    other = Plain()
    with other.served():
        link = f'<{other.address}/a?page=2>; rel="next"'
        server.answers["/a"] = lambda _: Answer(200, [1], {"Link": link})
        with pytest.raises(ForgeError, match="another host"):
            list(server.client().pages("/a"))
    assert not other.requests


def test_a_renamed_repository_is_followed_with_method_and_body(server: Plain) -> None:
    server.answers["/old"] = lambda _: Answer(307, {}, {"Location": "/new"})
    server.answers["/new"] = lambda request: Answer(201, request.body)
    assert server.client().send(Message("POST", "old", {"a": 1})) == {"a": 1}
    assert server.lines() == ["POST /old", "POST /new"]


def test_redirects_in_a_circle_end(server: Plain) -> None:
    server.answers["/a"] = lambda _: Answer(302, {}, {"Location": "/a"})
    with pytest.raises(RefusedError, match="302"):
        server.client().get("a")
    assert len(server.requests) == 4


def test_a_list_without_end_ends(server: Plain) -> None:
    link = {"Link": f'<{server.address}/a?page=2>; rel="next"'}
    server.answers["/a"] = lambda _: Answer(200, [1], link)
    with pytest.raises(ForgeError, match="too many pages"):
        list(server.client().pages("a"))


def test_what_is_no_json_is_told(server: Plain) -> None:
    server.answers["/a"] = lambda _: Answer(200, b"<html>sign in</html>")
    with pytest.raises(ForgeError, match="something else than JSON"):
        server.client().get("a")


def test_a_forge_that_never_serves_is_given_up(server: Plain) -> None:
    server.answers["/a"] = lambda _: Answer(503, {}, {"Retry-After": "0"})
    with pytest.raises(ForgeError, match="503 Service Unavailable, 6 times"):
        server.client().get("a")
    assert len(server.requests) == 6


def test_a_port_where_nobody_listens_is_told_without_the_token() -> None:
    server = Plain()
    with server.served():
        pass
    with pytest.raises(ForgeError, match="no answer") as caught:
        server.client(patience=0).get("a")
    assert TOKEN not in str(caught.value)


def test_the_token_is_in_no_log_and_no_repr(
    server: Plain, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers["/a"] = lambda _: Answer(400, {"message": f"bad {TOKEN}"})
    client = server.client()
    with pytest.raises(RefusedError) as caught:
        client.get("a", {"q": TOKEN})
    chain = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert all(TOKEN not in f"{error!r} {error}" for error in chain if error)
    assert TOKEN not in f"{client!r} {client._session.auth!r}"
    assert "400 bad ***" in str(caught.value)


def test_words_are_cut_after_the_token_is_taken_out(server: Plain) -> None:
    for before in range(250, 300):
        message = {"message": "x" * before + TOKEN + "y" * 100}
        server.answers["/a"] = lambda _, message=message: Answer(400, message)  # type: ignore[misc]
        with pytest.raises(RefusedError) as caught:
            server.client().get("a")
        assert TOKEN[:4] not in str(caught.value)
        assert len(str(caught.value)) < 500


def test_a_moment_to_come_back_at_is_read_by_the_forges_clock(server: Plain) -> None:
    # A runner whose clock is a day off waits as long as any other.
    there = time.time() - 86_400
    headers = {
        "Retry-After": email.utils.formatdate(there + 3600, usegmt=True),
        "Date": email.utils.formatdate(there, usegmt=True),
    }
    server.answers["/a"] = lambda _: Answer(503, {}, headers)
    with pytest.raises(ForgeError, match="wait 3600 s"):
        server.client(patience=5).get("a")


def test_a_netrc_does_not_replace_the_token(
    server: Plain, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.answers["/a"] = lambda _: Answer(200, {})
    server.client().get("a")
    assert server.requests[0].headers["private-token"] == TOKEN
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "api",
    ["http://github.example/api/v3", "ftp://localhost", "https://ada:secret@github.example", ""],
)
def test_a_token_is_sent_to_no_such_address(api: str) -> None:
    with pytest.raises(ForgeError, match="show the token") as caught:
        Client(api, token=TOKEN, header="Authorization")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "tökén"])
def test_a_token_that_is_none_is_refused_without_being_shown(token: str) -> None:
    host = find_host({"GITHUB_REPOSITORY": "octo/flights"})
    with pytest.raises(ForgeError, match="spaces or unprintable") as caught:
        find_token(host, {"GITHUB_TOKEN": token})
    assert token not in str(caught.value)


def test_no_token_is_told_with_what_to_do() -> None:
    for environ in ({"GITHUB_REPOSITORY": "a/b"}, {"CI_PROJECT_PATH": "a/b"}):
        with pytest.raises(ForgeError, match="there is no token"):
            find_token(find_host(environ), {"FIVEFOLD_GITLAB_TOKEN": "", **environ})


def test_the_forge_is_known_by_its_environment() -> None:
    assert find_host({"GITHUB_REPOSITORY": "a/b"}) == Host(
        "github", "https://api.github.com", "https://github.com", "a/b", "a/b"
    )
    found = find_host(
        {
            "GITLAB_CI": "true",
            "CI_PROJECT_PATH": "a/b/c",
            "CI_PROJECT_ID": "42",
            "CI_API_V4_URL": "https://gitlab.example/api/v4/",
        }
    )
    assert found.kind == "gitlab"
    assert (found.api, found.project) == ("https://gitlab.example/api/v4", "42")
    with pytest.raises(ForgeError, match="no forge"):
        find_host({})
    with pytest.raises(ForgeError, match="not a repository's name"):
        find_host({"GITHUB_REPOSITORY": "a/b?c"})
