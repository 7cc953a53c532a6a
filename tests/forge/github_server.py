"""GitHub on loopback: every request goes to the mock server that knows GitHub's description."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import requests

from tests.forge.description import declared_query
from tests.forge.server import Answer, ForgeServer, Request

REPOSITORY = "octo/flights"
ACTIONS = "github-actions[bot]"
HEAD = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


class GitHubServer(ForgeServer):
    """Answers with the description's own examples, and what a test has put in their place.

    Parameters
    ----------
    mock : str
        The mock server's address.
    document : dict
        The description that it serves.
    prefix : str
        Before every path; ``/api/v3`` on GitHub Enterprise.
    """

    def __init__(self, mock: str, document: dict[str, Any], prefix: str = "") -> None:
        super().__init__()
        self.mock, self.document, self.prefix = mock, document, prefix
        self.login: str | None = None
        self.longest_body = 10**9
        self.comments: list[dict[str, Any]] = []
        self.checks: list[dict[str, Any]] = []
        self.pulls: dict[int, dict[str, Any]] = {}
        self.foreign_checks: set[int] = set()
        self.add_pull(7)

    @property
    def api(self) -> str:
        return f"{self.address}{self.prefix}"

    def add_pull(
        self,
        number: int,
        *,
        sha: str = HEAD,
        branch: str = "forest",
        fork: str = REPOSITORY,
        **more: Any,
    ) -> None:
        self.pulls[number] = {
            "number": number,
            "state": "open",
            "html_url": f"https://github.com/{REPOSITORY}/pull/{number}",
            "head": {"sha": sha, "ref": branch, "repo": {"full_name": fork}},
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
            **more,
        }

    def add_comment(self, body: str, login: str = ACTIONS) -> int:
        number = len(self.comments) + 1
        self.comments.append(
            {
                "id": number,
                "body": body,
                "user": {"login": login},
                "html_url": f"https://github.com/{REPOSITORY}/pull/7#issuecomment-{number}",
            }
        )
        return number

    def check(self, request: Request) -> Any:
        assert request.path.startswith(self.prefix), "another API"
        path = request.path.removeprefix(self.prefix)
        declared = declared_query(self.document, request.method, path)
        assert declared is not None, "no such operation"
        assert set(request.query) <= declared, f"the query has {set(request.query) - declared}"
        assert request.headers["accept"] == "application/vnd.github+json"
        assert request.headers["x-github-api-version"] == "2022-11-28"
        assert request.headers["user-agent"].startswith("fivefold/")
        url = f"{self.mock}{path}" + (f"?{urlencode(request.query)}" if request.query else "")
        sent = {"Content-Type": "application/json"} if request.body is not None else {}
        found = requests.request(
            request.method,
            url,
            data=None if request.body is None else json.dumps(request.body),
            headers={"Accept": "application/json", **sent},
            timeout=30,
        )
        violations = found.headers.get("sl-violations", "[]")
        errors = [item for item in json.loads(violations) if item["location"][0] == "request"]
        assert not errors, errors
        assert found.ok, f"{found.status_code} {found.text}"
        return found.json()

    def answer(self, request: Request, example: Any) -> Answer:
        match [request.method, *request.path.removeprefix(self.prefix).strip("/").split("/")]:
            case ["GET", "user"]:
                if self.login is None:
                    return Answer(403, {"message": "Resource not accessible by integration"})
                return Answer(200, {**example, "login": self.login})
            case ["GET", "repos", _, _]:
                return Answer(200, {**example, "default_branch": "main"})
            case ["GET", "repos", _, _, "issues", _, "comments"]:
                part, headers = self.page(request, self.comments)
                return Answer(200, [_merged(example[0], item) for item in part], headers)
            case ["POST", "repos", _, _, "issues", _, "comments"]:
                if len(request.body["body"].encode()) > self.longest_body:
                    return _TOO_LONG
                number = self.add_comment(request.body["body"], self.login or ACTIONS)
                return Answer(201, _merged(example, self.comments[number - 1]))
            case ["PATCH", "repos", _, _, "issues", "comments", number]:
                found = next((c for c in self.comments if c["id"] == int(number)), None)
                if found is None:
                    return Answer(404, {"message": "Not Found"})
                if len(request.body["body"].encode()) > self.longest_body:
                    return _TOO_LONG
                found["body"] = request.body["body"]
                return Answer(200, _merged(example, found))
            case ["GET", "repos", _, _, "commits", _, "check-runs"]:
                runs = [c for c in self.checks if c["name"] == request.query["check_name"]]
                template = example["check_runs"][0]
                found = [_merged(template, run) for run in runs[-1:]]
                return Answer(200, {"total_count": len(found), "check_runs": found})
            case ["POST", "repos", _, _, "check-runs"]:
                self.checks.append({"id": len(self.checks) + 1, **request.body})
                return Answer(201, _merged(example, self.checks[-1]))
            case ["PATCH", "repos", _, _, "check-runs", number]:
                if int(number) in self.foreign_checks:
                    return Answer(403, {"message": "Invalid app_id `1` - check run can only..."})
                self.checks[int(number) - 1].update(request.body)
                return Answer(200, _merged(example, self.checks[int(number) - 1]))
            case ["GET", "repos", _, _, "pulls"]:
                part, headers = self.page(request, self._asked(request.query))
                return Answer(200, [_merged(example[0], item) for item in part], headers)
            case ["POST", "repos", _, _, "pulls"]:
                number = max(self.pulls) + 1
                self.add_pull(number, branch=request.body["head"])
                self._update(number, request.body)
                return Answer(201, _merged(example, self.pulls[number]))
            case ["GET", "repos", _, _, "pulls", number]:
                if int(number) not in self.pulls:
                    return Answer(404, {"message": "Not Found"})
                return Answer(200, _merged(example, self.pulls[int(number)]))
            case ["PATCH", "repos", _, _, "pulls", number]:
                self._update(int(number), request.body)
                return Answer(200, _merged(example, self.pulls[int(number)]))
        raise AssertionError(request.line)

    def _update(self, number: int, body: dict[str, Any]) -> None:
        self.pulls[number].update({k: body[k] for k in ("title", "body") if k in body})

    def _asked(self, query: dict[str, str]) -> list[dict[str, Any]]:
        owner, branch = query["head"].split(":")
        return [
            pull
            for pull in self.pulls.values()
            if pull["state"] == query["state"]
            and pull["base"]["ref"] == query["base"]
            and pull["head"]["ref"] == branch
            and pull["head"]["repo"]["full_name"].startswith(f"{owner}/")
        ]


_TOO_LONG = Answer(
    422,
    {
        "message": "Validation Failed",
        "errors": [{"resource": "IssueComment", "code": "unprocessable", "field": "data"}],
    },
)


def _merged(example: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Lay values over an example, so that the answer has the shape that GitHub gives it."""
    found = dict(example)
    for key, value in values.items():
        nested = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _merged(found[key], value) if nested else value
    return found
