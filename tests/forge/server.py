"""A forge on loopback: records every request, serves faults that a test asks for, keeps state."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"  # noqa: S105  of GitHub's documentation
AUTHORIZATION = {"authorization": f"Bearer {TOKEN}", "private-token": TOKEN}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """An answer given instead of the right one, so many times, to requests of a line.

    `late`: the request takes effect all the same, as where a forge fails after its work is done;
    `silent`: the connection breaks without an answer.
    """

    line: str
    answer: Answer
    times: int = 1
    late: bool = False
    silent: bool = False


class ForgeServer:
    """What the stand-ins for GitHub and GitLab share; `answer` is theirs."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.lock = threading.Lock()
        self.address = ""

    def check(self, request: Request) -> Any:
        """Hold a request against the API's description; give what that has for an example."""
        raise NotImplementedError

    def answer(self, request: Request, example: Any) -> Answer:
        raise NotImplementedError

    def lines(self, *methods: str) -> list[str]:
        """Give the requests' first lines, of these methods or all."""
        return [item.line for item in self.requests if not methods or item.method in methods]

    def sent(self, line: str) -> list[Any]:
        """Give the bodies of the requests of a line."""
        return [item.body for item in self.requests if item.line == line]

    def handle(self, request: Request) -> tuple[Answer, bool]:
        with self.lock:
            self.requests.append(request)
            try:
                example = self.check(request)
            except AssertionError as error:
                self.violations.append(f"{request.line}: {error}")
                return Answer(418, {"message": f"violation: {error}"}), False
            if not any(request.headers.get(k) == v for k, v in AUTHORIZATION.items()):
                return Answer(401, {"message": "Bad credentials"}), False
            fault = next((f for f in self.faults if f.times and f.line == request.line), None)
            if fault is None:
                return self.answer(request, example), False
            fault.times -= 1
            if fault.late:
                self.answer(request, example)
            return fault.answer, fault.silent

    def page(self, request: Request, values: list[Any]) -> tuple[list[Any], dict[str, str]]:
        """Cut a list as the query asks, with the Link header that leads on."""
        size, number = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        part = values[(number - 1) * size : number * size]
        headers = {}
        if number * size < len(values):
            following = urlencode({**request.query, "page": number + 1})
            url = f"{self.address}{request.path}?{following}"
            headers["Link"] = f'<{url}>; rel="next", <{self.address}{request.path}>; rel="first"'
        return part, headers

    @contextmanager
    def served(self) -> Iterator[ForgeServer]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.handle))
        server.daemon_threads = True
        self.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(
    handle: Callable[[Request], tuple[Answer, bool]],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            url = urlsplit(self.path)
            request = Request(
                self.command,
                url.path,
                dict(parse_qsl(url.query, keep_blank_values=True)),
                {key.lower(): value for key, value in self.headers.items()},
                json.loads(content) if content else None,
            )
            answer, silent = handle(request)
            if silent:
                self.close_connection = True
                return
            body = (
                answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            )
            headers = {
                "Date": self.date_time_string(),
                "Content-Type": "application/json",
                **answer.headers,
            }
            self.send_response_only(answer.status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve  # noqa: N815

        def log_message(self, *arguments: Any) -> None:
            """Say nothing: the tests look at what was recorded."""

    return Handler
