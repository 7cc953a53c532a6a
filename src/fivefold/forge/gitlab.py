"""GitLab's REST API: merge requests' notes, commit statuses, merge requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fivefold.errors import RefusedError
from fivefold.forge.client import Client, Message
from fivefold.forge.environment import Host
from fivefold.forge.protocol import PullRequest, Status

__all__ = [
    "CARRIER",
    "HEADERS",
    "GitLab",
    "comment_message",
    "open_message",
    "status_message",
]

CARRIER = "PRIVATE-TOKEN"
HEADERS = {"Accept": "application/json"}

# GitLab knows no neutral verdict.
_STATES = {"success": "success", "failure": "failed", "neutral": "skipped"}
_LONGEST_DESCRIPTION = 255


def comment_message(host: Host, number: int, body: str) -> Message:
    """Word a new note."""
    return Message("POST", _path(host, f"merge_requests/{number}/notes"), {"body": body})


def status_message(host: Host, status: Status) -> Message:
    """Word a commit status."""
    body = {
        "state": _STATES[status.conclusion],
        "name": status.name,
        "description": status.title[:_LONGEST_DESCRIPTION],
    }
    if status.url:
        body["target_url"] = status.url
    return Message("POST", _path(host, f"statuses/{status.head_sha}"), body)


def open_message(host: Host, title: str, branch: str, base: str, body: str) -> Message:
    """Word a new merge request."""
    sent = {"title": title, "source_branch": branch, "target_branch": base, "description": body}
    return Message("POST", _path(host, "merge_requests"), sent)


class GitLab:
    """A project on GitLab.

    Parameters
    ----------
    client : Client
    host : Host
    author : str, optional
        The token's own user name; by default GitLab is asked.
    """

    size_refusals = frozenset({400, 413, 422})

    def __init__(self, client: Client, host: Host, author: str | None = None) -> None:
        self._client = client
        self._host = host
        self._author = author

    def pull_request(self, number: int) -> PullRequest:
        """Read a merge request."""
        return _pull_request(self._client.get(self._path(f"merge_requests/{number}")))

    def put_comment(self, number: int, body: str, marker: str) -> str:
        """Create this token's note that begins with the marker, or update it."""
        message = comment_message(self._host, number, body)
        found = self._find_note(number, marker)
        if found is None:
            found = self._client.send(message, settled=lambda: self._find_note(number, marker))
        # One that was found rather than made may be an older report's.
        if (found.get("body") or "").rstrip() != body.rstrip():
            path = self._path(f"merge_requests/{number}/notes/{found['id']}")
            try:
                self._client.send(Message("PUT", path, {"body": body}))
            except RefusedError as error:
                if error.status != 404:
                    raise
                found = self._client.send(message)
        page = f"{self._host.web}/{self._host.repository}/-/merge_requests/{number}"
        return f"{page}#note_{found['id']}"

    def put_status(self, status: Status) -> None:
        """Set the commit status of this name."""
        if not self._stands(status):
            self._client.send(
                status_message(self._host, status), settled=lambda: self._stands(status) or None
            )

    def default_branch(self) -> str:
        """Read the branch that proposals go to."""
        return str(self._client.get(_path(self._host, ""))["default_branch"])

    def put_pull_request(
        self, title: str, branch: str, base: str, body: str
    ) -> tuple[PullRequest, bool]:
        """Open a branch's merge request, or update the one that is open."""
        found = self._find_request(branch, base)
        if found is None:
            message = open_message(self._host, title, branch, base, body)
            made = self._client.send(message, settled=lambda: self._find_request(branch, base))
            return _pull_request(made), True
        path = self._path(f"merge_requests/{found['iid']}")
        update = {"title": title, "description": body}
        return _pull_request(self._client.send(Message("PUT", path, update))), False

    def _find_note(self, number: int, marker: str) -> Mapping[str, Any] | None:
        own = self._username()
        path = self._path(f"merge_requests/{number}/notes")
        for note in self._client.pages(path, {"sort": "asc", "order_by": "created_at"}):
            author = (note.get("author") or {}).get("username")
            if author == own and (note.get("body") or "").startswith(marker):
                return dict(note)
        return None

    def _stands(self, status: Status) -> bool:
        """Tell whether the latest status of this name says the same.

        GitLab refuses to set it again: a status can't go from a state to itself.
        """
        path = self._path(f"repository/commits/{status.head_sha}/statuses")
        asked = status_message(self._host, status).body
        for found in self._client.pages(path, {"name": status.name}):
            return bool(found.get("status") == asked["state"])
        return False

    def _find_request(self, branch: str, base: str) -> Mapping[str, Any] | None:
        asked = {"state": "opened", "source_branch": branch, "target_branch": base}
        for found in self._client.pages(self._path("merge_requests"), asked):
            # A fork may have a branch of the same name.
            if found.get("source_project_id") == found.get("target_project_id"):
                return dict(found)
        return None

    def _username(self) -> str:
        if self._author is None:
            self._author = str(self._client.get("user")["username"])
        return self._author

    def _path(self, rest: str) -> str:
        return _path(self._host, rest)


def _path(host: Host, rest: str) -> str:
    return f"projects/{quote(host.project, safe='')}/{rest}".rstrip("/")


def _pull_request(found: Mapping[str, Any]) -> PullRequest:
    source = found.get("source_project_id")
    return PullRequest(
        int(found["iid"]),
        str(found["web_url"]),
        str(found.get("sha")),
        None if source is None else str(source),
        found.get("source_branch"),
    )
