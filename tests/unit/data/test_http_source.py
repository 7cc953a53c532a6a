"""Files behind HTTP, from a real server that misbehaves as it is told to."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fivefold.data.collect import CollectConfig, Source, collect
from fivefold.data.sources import retries
from fivefold.data.sources.cache import Cache
from fivefold.data.sources.content import Reading
from fivefold.data.sources.credentials import public_url
from fivefold.data.sources.pins import Pin, Snapshot, key_of, read_pins, write_pins
from fivefold.data.sources.remote import http_file
from fivefold.errors import ConfigError, FivefoldError, SourceError
from fivefold.pipeline.sources import _asked, _updated

CSV = b"a,b\n" + b"".join(b"%d,row %d\n" % (n, n) for n in range(300_000))
SHA = hashlib.sha256(CSV).hexdigest()
Fault = Callable[["Handler"], bool]


class Handler(BaseHTTPRequestHandler):
    """Serves one file with ranges and conditions, after the faults that are waiting."""

    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        site = self.site
        site.asked.append(dict(self.headers))
        if site.faults and site.faults.pop(0)(self):
            return
        if self.headers.get("If-None-Match") == site.etag:
            self.answer(304, b"")
            return
        start = 0
        if "Range" in self.headers and self.headers.get("If-Range") in (site.etag, None):
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.answer(206 if start else 200, site.body[start:], start=start)

    def answer(
        self, status: int, body: bytes, start: int = 0, promise: int | None = None, **more: str
    ) -> None:
        self.send_response(status)
        self.send_header("ETag", self.site.etag)
        self.send_header("Last-Modified", "Tue, 14 Jan 2025 10:20:30 GMT")
        if status == 206:
            end = len(self.site.body)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        if status != 304:
            self.send_header("Content-Length", str(len(body) if promise is None else promise))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Site:
    """What the server holds and was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.body = CSV
        self.etag = '"one"'
        self.faults: list[Fault] = []
        self.asked: list[dict[str, str]] = []


def status(code: int, **headers: str) -> Fault:
    def fault(handler: Handler) -> bool:
        handler.answer(code, b"no", **headers)
        return True

    return fault


def broken(after: int, then: Callable[[Site], None] = lambda _: None) -> Fault:
    """The line breaks after so many bytes, and something may happen on the server."""

    def fault(handler: Handler) -> bool:
        body = handler.site.body
        handler.answer(200, body[:after], promise=len(body))
        then(handler.site)
        handler.close_connection = True
        return True

    return fault


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(retries, "FIRST_PAUSE", 0.01)
    return tmp_path


@pytest.fixture
def site() -> Iterator[Site]:
    handler = type("Bound", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.site = Site(f"http://127.0.0.1:{server.server_port}/things.csv")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield handler.site  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def pinned(url: str, sha256: str) -> None:
    write_pins(Path(), {"things": Pin(url, key_of({"url": url}), Snapshot(sha256))})


def test_a_file_is_read_once_and_asked_for_by_its_etag_after_that(site: Site) -> None:
    first = http_file(site.url)
    assert first.rows.count == 300_000
    assert first.sha256 == SHA
    assert first.as_of == "2025-01-14T10:20:30Z"
    assert first.details["pinned"] is False
    assert "fivefold sources update" in first.warnings[0]
    again = http_file(site.url)
    assert again.sha256 == SHA
    assert "If-None-Match" not in site.asked[0]
    assert [asked["If-None-Match"] for asked in site.asked[1:]] == ['"one"']


def test_a_pinned_file_that_is_here_needs_no_server(site: Site) -> None:
    http_file(site.url)
    pinned(site.url, SHA)
    site.asked.clear()
    site.body = b"a,b\n1,2\n"
    report = collect(
        CollectConfig(
            {
                "things": Source(
                    {"_target_": "fivefold.data.sources.remote.http_file", "url": site.url}
                )
            }
        )
    ).report["sources"]["things"]
    assert (report["sha256"], report["pinned"], report["file"]) == (SHA, True, site.url)
    assert "warnings" not in report
    assert not site.asked


def test_a_pinned_file_that_changed_names_the_command(site: Site) -> None:
    pinned(site.url, SHA)
    site.body = b"a,b\n1,2\n"
    with pytest.raises(SourceError, match="fivefold sources update things") as error:
        http_file(site.url)
    assert SHA in str(error.value)


def test_a_content_in_the_cache_that_rotted_is_fetched_anew(site: Site, project: Path) -> None:
    http_file(site.url)
    pinned(site.url, SHA)
    (kept,) = project.glob(f"cache/**/{SHA}/*")
    kept.chmod(0o644)
    kept.write_bytes(b"a,b\n1,2\n")
    assert http_file(site.url).rows.count == 300_000


def test_a_content_in_the_cache_that_can_not_be_read_is_fetched_anew(
    site: Site, project: Path
) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), project / "things.parquet")
    site.body = (project / "things.parquet").read_bytes()
    url = site.url.replace("csv", "parquet")
    http_file(url)
    kept = next((project / "cache").rglob("things.parquet"))
    kept.chmod(0o644)
    kept.write_bytes(site.body[:-20])
    assert http_file(url).rows.to_table()["a"].to_pylist() == [1, 2]


def test_the_same_bytes_under_another_etag_are_sent_once(site: Site) -> None:
    source = http_file.declare(site.url)
    pin = Pin(site.url, source.key, source.latest(None, Cache()))
    site.etag = '"two"'
    for _ in range(2):
        found, snapshot = _updated("things", source, pin, Cache())
        assert (found.state, snapshot) == ("unchanged", pin.snapshot)
    assert site.asked[-1]["If-None-Match"] == '"two"'
    assert _asked("things", source, pin, Cache()).state == "unchanged"


def test_other_credentials_are_another_source(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NORTH_KEY", "north")
    monkeypatch.setenv("SOUTH_KEY", "south")
    north = http_file.declare(site.url, headers_env={"X-Tenant": "NORTH_KEY"})
    south = http_file.declare(site.url, headers_env={"X-Tenant": "SOUTH_KEY"})
    write_pins(Path(), {"north": Pin(site.url, north.key, north.latest(None, Cache()))})
    site.etag, site.body = '"south"', b"a,b\n1,south\n"
    assert south.read(Path()).rows.to_table()["b"].to_pylist() == ["south"]
    assert north.read(Path()).sha256 == SHA


def test_a_netrc_takes_no_part(site: Site, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = project / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password lace\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("TOKEN", "t0ken")
    site.faults = [status(302, Location="/moved.csv")]
    http_file(site.url, token_env="TOKEN")  # noqa: S106
    assert [asked.get("Authorization") for asked in site.asked] == ["Bearer t0ken"] * 2
    site.asked.clear()
    http_file(site.url + "?again")
    assert "Authorization" not in site.asked[0]


def test_a_broken_line_is_taken_up_where_it_broke(site: Site) -> None:
    site.faults = [broken(1_500_000)]
    assert http_file(site.url).sha256 == SHA
    asked = site.asked[1]
    start = int(asked["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 1_000_000 <= start <= 1_500_000
    assert asked["If-Range"] == '"one"'


def test_a_download_is_taken_up_by_the_next_run(site: Site) -> None:
    site.faults = [broken(2_000_000)]
    with pytest.raises(SourceError, match="the line broke after"):
        http_file(site.url, attempts=1)
    assert http_file(site.url).sha256 == SHA
    assert "Range" in site.asked[1]


def test_a_file_that_changes_on_the_way_is_begun_anew(site: Site) -> None:
    new = b"a,b\n" + b"7,new\n" * 400_000

    def change(site: Site) -> None:
        site.body, site.etag = new, '"two"'

    def careless(handler: Handler) -> bool:
        # A server that doesn't know If-Range goes on with what it has now.
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        handler.answer(206, handler.site.body[start:], start=start)
        return True

    site.faults = [broken(1_500_000, change)]
    assert http_file(site.url).sha256 == hashlib.sha256(new).hexdigest()
    site.body, site.etag = CSV, '"one"'
    site.faults = [lambda _: False, broken(1_500_000, change), careless]
    assert http_file(site.url).sha256 == hashlib.sha256(new).hexdigest()


def test_the_server_is_asked_again_when_it_says(site: Site) -> None:
    site.faults = [status(503, Retry_After="0"), status(429, Retry_After="0.01")]
    assert http_file(site.url).rows.count == 300_000
    assert len(site.asked) == 3


def test_a_server_that_stalls_is_left(site: Site) -> None:
    def stall(handler: Handler) -> bool:
        handler.answer(200, b"a,b\n", promise=100)
        handler.wfile.flush()
        time.sleep(0.6)
        return True

    site.faults = [stall]
    assert http_file(site.url, timeout=0.2).sha256 == SHA


BAD = {
    "404": (status(404), {}, ["404", "mend url:"]),
    "401": (status(401), {}, ["401", "token_env:"]),
    "500 for ever": (status(500), {"attempts": 1}, ["500", "after 1 attempts"]),
    "asks to wait for an hour": (
        status(429, Retry_After="3600"), {}, ["429", "wait 3600 s", "after 1 attempts"],
    ),
    "a page to log in at": (
        status(200, Content_Type="text/html; charset=utf-8"), {}, ["web page", "text/html"],
    ),
    "wrong checksum": (lambda _: False, {"sha256": "0" * 64}, [SHA, "0" * 64, "checksum"]),
    "a checksum that is none": (lambda _: False, {"sha256": "abc"}, ["64 hexadecimal digits"]),
    "no such variable": (
        lambda _: False, {"token_env": "NO_SUCH_TOKEN"}, ["NO_SUCH_TOKEN is not set", "export"],
    ),
    "half of the credentials": (lambda _: False, {"user_env": "USER"}, ["password_env"]),
    "unknown option": (lambda _: False, {"delimeter": ";"}, ["did you mean 'delimiter'?"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_goes_wrong_is_said(name: str, site: Site) -> None:
    fault, options, words = BAD[name]
    site.faults = [fault]
    with pytest.raises(FivefoldError) as error:
        http_file(site.url, **options)
    for word in words:
        assert word in str(error.value)


def test_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="no answer"):
        http_file("http://127.0.0.1:9/things.csv", attempts=2, timeout=1.0)


def test_secrets_go_to_the_server_and_nowhere_else(
    site: Site, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    monkeypatch.setenv("THE_TOKEN", "hunter2")
    given: Reading = http_file(
        site.url, token_env="THE_TOKEN", headers_env={"X-Key": "THE_TOKEN"},  # noqa: S106
        params_env={"key": "THE_TOKEN"},
    )  # fmt: skip
    assert site.asked[0]["Authorization"] == "Bearer hunter2"
    assert site.asked[0]["X-Key"] == "hunter2"
    assert "hunter2" not in json.dumps([given.file, given.details, given.warnings])
    kept = [path for path in (project / "cache").rglob("*") if path.suffix == ".json"]
    assert kept
    assert not any("hunter2" in path.read_text() for path in kept)


def test_a_redirect_to_another_host_does_not_carry_the_secrets(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_TOKEN", "hunter2")
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    site.faults = [status(302, Location=elsewhere)]
    http_file(site.url, headers_env={"X-Key": "THE_TOKEN"}, token_env="THE_TOKEN")  # noqa: S106
    assert "X-Key" in site.asked[0]
    assert not {"X-Key", "Authorization"} & set(site.asked[1])


@pytest.mark.parametrize(
    "read",
    [
        {"url": "postgresql://ada:hunter2@db/orders"},
        {"url": "https://host/file.csv?api_key=hunter2"},
        {"storage": {"secret": "hunter2"}},
        {"headers": {"Authorization": "hunter2"}},
    ],
)
def test_a_secret_in_conf_is_refused_and_not_shown(read: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as error:
        CollectConfig({"things": Source({"_target_": "some.source", **read})})
    assert "hunter2" not in str(error.value)
    assert "_env" in str(error.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////srv/shop.db", "sqlite:////srv/shop.db"),
        ("duckdb:///data/shop.db", "duckdb:///data/shop.db"),
        ("postgresql://ada:hunter2@db:5432/shop", "postgresql://db:5432/shop"),
        ("https://host/x.csv?year=2024&token=hunter2", "https://host/x.csv?year=2024&token=***"),
        ("file:///srv/x.csv", "file:///srv/x.csv"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert public_url(url) == shown


def test_pins_that_were_edited_are_refused(project: Path) -> None:
    pinned("https://host/things.csv", SHA)
    path = project / "data/source/pins.json"
    path.write_text(path.read_text().replace(SHA, SHA[:10]))
    with pytest.raises(SourceError, match=r"pins.json, things"):
        read_pins(project)
