"""GitHub's REST API, also GitHub Enterprise's: comments, check runs, pull requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fivefold.errors import RefusedError
from fivefold.forge.client import Client, Message
from fivefold.forge.environment import Host
from fivefold.forge.protocol import PullRequest, Status

__all__ = [
    "CARRIER",
    "HEADERS",
    "GitHub",
    "comment_message",
    "open_message",
    "status_message",
]

CARRIER = "Authorization"
HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
}

_ACTIONS = "github-actions[bot]"
_GONE = (403, 404)


def comment_message(host: Host, number: int, body: str) -> Message:
    """Word a new comment."""
    return Message("POST", f"repos/{host.repository}/issues/{number}/comments", {"body": body})


def status_message(host: Host, status: Status) -> Message:
    """Word a new check run."""
    body: dict[str, Any] = {
        "name": status.name,
        "head_sha": status.head_sha,
        # By it a later run knows that the check run is ours.
        "external_id": _external_id(status),
        "status": "completed",
        "conclusion": status.conclusion,
        "output": {"title": status.title, "summary": status.summary},
    }
    if status.url:
        body["details_url"] = status.url
    return Message("POST", f"repos/{host.repository}/check-runs", body)


def open_message(host: Host, title: str, branch: str, base: str, body: str) -> Message:
    """Word a new pull request."""
    sent = {"title": title, "head": branch, "base": base, "body": body}
    return Message("POST", f"repos/{host.repository}/pulls", sent)


class GitHub:
    """A repository on GitHub.

    Parameters
    ----------
    client : Client
    host : Host
    author : str, optional
        The token's own login. By default GitHub is asked; it doesn't tell an app's token, which in
        a job is taken for that of GitHub Actions.
    """

    size_refusals = frozenset({413, 422})

    def __init__(self, client: Client, host: Host, author: str | None = None) -> None:
        self._client = client
        self._host = host
        self._author = author

    def pull_request(self, number: int) -> PullRequest:
        """Read a pull request."""
        return _pull_request(self._client.get(self._path(f"pulls/{number}")))

    def put_comment(self, number: int, body: str, marker: str) -> str:
        """Create this token's comment that begins with the marker, or update it."""
        message = comment_message(self._host, number, body)
        found = self._find_comment(number, marker)
        if found is None:
            found = self._client.send(message, settled=lambda: self._find_comment(number, marker))
            # Found rather than made, it may be an older report's.
            if (found.get("body") or "").rstrip() == body.rstrip():
                return str(found["html_url"])
        update = Message("PATCH", self._path(f"issues/comments/{found['id']}"), {"body": body})
        try:
            return str(self._client.send(update)["html_url"])
        except RefusedError as error:
            # Somebody deleted it since it was listed.
            if error.status != 404:
                raise
            return str(self._client.send(message)["html_url"])

    def put_status(self, status: Status) -> None:
        """Set the check run of this name."""
        message = status_message(self._host, status)
        found = self._find_check(status)
        if found is not None:
            body = {key: value for key, value in message.body.items() if key != "head_sha"}
            try:
                self._client.send(
                    Message("PATCH", self._path(f"check-runs/{found['id']}"), body),
                )
            except RefusedError as error:
                # Only the app that made it may update it; the newest of a name is what counts.
                if error.status not in _GONE:
                    raise
            else:
                return
        self._client.send(message, settled=lambda: self._find_check(status))

    def default_branch(self) -> str:
        """Read the branch that proposals go to."""
        return str(self._client.get(f"repos/{self._host.repository}")["default_branch"])

    def put_pull_request(
        self, title: str, branch: str, base: str, body: str
    ) -> tuple[PullRequest, bool]:
        """Open a branch's pull request, or update the one that is open."""
        found = self._find_pull(branch, base)
        if found is None:
            message = open_message(self._host, title, branch, base, body)
            made = self._client.send(message, settled=lambda: self._find_pull(branch, base))
            return _pull_request(made), True
        update = {"title": title, "body": body}
        path = self._path(f"pulls/{found['number']}")
        return _pull_request(self._client.send(Message("PATCH", path, update))), False

    def _find_comment(self, number: int, marker: str) -> Mapping[str, Any] | None:
        own = self._login()
        for comment in self._client.pages(self._path(f"issues/{number}/comments")):
            # Anybody may write the marker into a comment; theirs are left alone.
            author = (comment.get("user") or {}).get("login")
            if author == own and (comment.get("body") or "").startswith(marker):
                return dict(comment)
        return None

    def _find_check(self, status: Status) -> Mapping[str, Any] | None:
        path = self._path(f"commits/{status.head_sha}/check-runs")
        asked = {"check_name": status.name, "filter": "latest"}
        for run in self._client.pages(path, asked, key="check_runs"):
            if run.get("external_id") == _external_id(status):
                return dict(run)
        return None

    def _find_pull(self, branch: str, base: str) -> Mapping[str, Any] | None:
        owner = self._host.repository.split("/", maxsplit=1)[0]
        asked = {"state": "open", "head": f"{owner}:{branch}", "base": base}
        for found in self._client.pages(self._path("pulls"), asked):
            # A filter that GitHub doesn't understand it leaves out, and gives every pull request.
            head, into = found.get("head") or {}, found.get("base") or {}
            sides = (head.get("ref"), into.get("ref"), _full_name(head))
            if sides == (branch, base, _full_name(into)):
                return dict(found)
        return None

    def _login(self) -> str:
        if self._author is None:
            try:
                self._author = str(self._client.get("user")["login"])
            except RefusedError as error:
                if error.status not in _GONE:
                    raise
                self._author = _ACTIONS
        return self._author

    def _path(self, rest: str) -> str:
        return f"repos/{self._host.repository}/{rest}"


def _external_id(status: Status) -> str:
    return f"fivefold:{status.name}"


def _pull_request(found: Mapping[str, Any]) -> PullRequest:
    head = found.get("head") or {}
    return PullRequest(
        int(found["number"]),
        str(found["html_url"]),
        str(head.get("sha")),
        _full_name(head),
        head.get("ref"),
    )


def _full_name(side: Mapping[str, Any]) -> str | None:
    # The repository of a fork that was deleted is null.
    name = (side.get("repo") or {}).get("full_name")
    return None if name is None else str(name)
