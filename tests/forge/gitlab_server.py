"""GitLab on loopback: strict about what its REST documentation declares.

GitLab publishes no description on a package registry. What is asked of a request here is taken
from the pages on notes, commits' statuses, merge requests, projects and users.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from tests.forge.server import Answer, ForgeServer, Request

PROJECT = "42"
PATH = "octo/models/flights"
BOT = "project_42_bot_1"
HEAD = "6dcb09b5b57875f334f61aebed695e2e4193db5e"

_PAGES = {"page", "per_page"}
_STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
_REQUEST = {"title": str, "description": str, "target_branch": str}

# Method and path; the query's keys; the body's keys with their types; those that must be there.
_OPERATIONS: list[tuple[str, str, set[str], dict[str, Any], set[str]]] = [
    ("GET", r"/user", set(), {}, set()),
    ("GET", r"/projects/(42)", {"statistics", "license"}, {}, set()),
    ("GET", r"/projects/42/merge_requests/(\d+)", set(), {}, set()),
    (
        "GET",
        r"/projects/42/merge_requests/(\d+)/notes",
        {"sort", "order_by", "activity_filter", *_PAGES},
        {},
        set(),
    ),
    (
        "POST",
        r"/projects/42/merge_requests/(\d+)/notes",
        set(),
        {"body": str, "internal": bool, "created_at": str},
        {"body"},
    ),
    ("PUT", r"/projects/42/merge_requests/\d+/notes/(\d+)", set(), {"body": str}, {"body"}),
    (
        "GET",
        r"/projects/42/repository/commits/([0-9a-f]{40})/statuses",
        {"ref", "stage", "name", "all", "pipeline_id", "order_by", "sort", *_PAGES},
        {},
        set(),
    ),
    (
        "POST",
        r"/projects/42/statuses/([0-9a-f]{40})",
        set(),
        {
            "state": _STATES,
            "ref": str,
            "name": str,
            "context": str,
            "target_url": str,
            "description": str,
            "coverage": float,
            "pipeline_id": int,
        },
        {"state"},
    ),
    (
        "GET",
        r"/projects/42/merge_requests",
        {"state", "source_branch", "target_branch", "order_by", "sort", *_PAGES},
        {},
        set(),
    ),
    (
        "POST",
        r"/projects/42/merge_requests",
        set(),
        {**_REQUEST, "source_branch": str, "remove_source_branch": bool, "labels": str},
        {"title", "source_branch", "target_branch"},
    ),
    ("PUT", r"/projects/42/merge_requests/(\d+)", set(), _REQUEST, set()),
]


class GitLabServer(ForgeServer):
    """A project with one merge request, number 7."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_body = 1_000_000
        self.notes: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.merge_requests: dict[int, dict[str, Any]] = {}
        self.add_request(7)

    @property
    def api(self) -> str:
        return f"{self.address}/api/v4"

    def add_request(self, number: int, *, sha: str = HEAD, branch: str = "forest") -> None:
        self.merge_requests[number] = {
            "iid": number,
            "state": "opened",
            "sha": sha,
            "source_branch": branch,
            "target_branch": "main",
            "source_project_id": 42,
            "target_project_id": 42,
            "web_url": f"https://gitlab.example/{PATH}/-/merge_requests/{number}",
        }

    def add_note(self, body: str, username: str = BOT) -> int:
        number = len(self.notes) + 1
        self.notes.append(
            {"id": number, "body": body, "author": {"username": username}, "system": False}
        )
        return number

    def check(self, request: Request) -> Any:
        for method, form, query, body, needed in _OPERATIONS:
            found = re.fullmatch(f"/api/v4{form}", unquote(request.path))
            if method != request.method or not found:
                continue
            assert set(request.query) <= query, f"the query has {set(request.query) - query}"
            sent = request.body or {}
            assert needed <= set(sent) <= set(body), f"the body has {set(sent)}"
            for key, value in sent.items():
                allowed = body[key]
                fits = value in allowed if isinstance(allowed, tuple) else type(value) is allowed
                assert fits, f"{key} is {value!r}"
            assert len(sent.get("description") or "") <= 255 or "state" not in sent, "description"
            assert int(request.query.get("per_page", 20)) <= 100, "a page holds 100"
            return found[1] if found.groups() else None
        raise AssertionError("no such operation")

    def answer(self, request: Request, example: Any) -> Answer:
        kind = request.path.rstrip("/0123456789abcdef").rsplit("/", maxsplit=1)[-1]
        body = request.body or {}
        match request.method, kind:
            case "GET", "user":
                return Answer(200, {"id": 9, "username": BOT})
            case "GET", "projects":
                return Answer(200, {"id": 42, "default_branch": "main"})
            case "GET", "notes":
                return self._listed(request, self.notes)
            case "POST" | "PUT", "notes":
                return self._write_note(request, example)
            case "GET", "statuses":
                named = [s for s in self.statuses if s["name"] == request.query["name"]]
                return self._listed(request, named[-1:])
            case "POST", "statuses":
                if self.statuses and self.statuses[-1]["status"] == body["state"]:
                    text = f"Cannot transition status via :{body['state']} from :{body['state']}"
                    return Answer(400, {"message": text})
                self.statuses.append({**body, "status": body["state"], "sha": example})
                return Answer(201, self.statuses[-1])
            case "GET", "merge_requests" if example is None:
                asked = request.query
                found = [
                    item
                    for item in self.merge_requests.values()
                    if all(item[key] == asked[key] for key in asked if key not in _PAGES)
                ]
                return self._listed(request, found)
            case "POST", "merge_requests":
                number = max(self.merge_requests) + 1
                self.add_request(number, branch=body["source_branch"])
                self.merge_requests[number].update(body)
                return Answer(201, self.merge_requests[number])
            case "GET" | "PUT", "merge_requests":
                if int(example) not in self.merge_requests:
                    return Answer(404, {"message": "404 Not found"})
                self.merge_requests[int(example)].update(body)
                return Answer(200, self.merge_requests[int(example)])
        raise AssertionError(request.line)

    def _write_note(self, request: Request, number: str) -> Answer:
        body = request.body["body"]
        if len(body) > self.longest_body:
            return Answer(400, {"message": {"note": ["is too long (maximum is 1000000)"]}})
        if request.method == "POST":
            return Answer(201, self.notes[self.add_note(body) - 1])
        if int(number) > len(self.notes):
            return Answer(404, {"message": "404 Not found"})
        self.notes[int(number) - 1]["body"] = body
        return Answer(200, self.notes[int(number) - 1])

    def _listed(self, request: Request, values: list[dict[str, Any]]) -> Answer:
        part, headers = self.page(request, values)
        return Answer(200, part, headers)
