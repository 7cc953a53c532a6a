"""What a CI job's environment tells: the forge, the repository, the pull request, the token."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fivefold.errors import ForgeError

__all__ = [
    "Host",
    "Proposal",
    "Trigger",
    "find_host",
    "find_proposal",
    "find_token",
    "find_trigger",
]

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_TOKEN = re.compile(r"[!-~]+")
_TOKENS = {
    "github": ("GITHUB_TOKEN", "GH_TOKEN"),
    # A job's own token may not write notes.
    "gitlab": ("FIVEFOLD_GITLAB_TOKEN", "GITLAB_TOKEN"),
}


@dataclass(frozen=True, slots=True)
class Host:
    """The forge that hosts the repository.

    Attributes
    ----------
    kind : {"github", "gitlab"}
    api, web : str
        Addresses without a slash at the end.
    repository : str
        ``owner/name``; GitLab's may have more parts.
    project : str
        What GitLab's API calls it: a number, or the repository; the same as `repository` on GitHub.
    """

    kind: Literal["github", "gitlab"]
    api: str
    web: str
    repository: str
    project: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request (on GitLab a merge request) as it stood when its run began."""

    forge: Literal["github", "gitlab"]
    repository: str
    number: int
    head_sha: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """What made this job run, as the forge itself says; nothing of it comes from the artifact.

    Attributes
    ----------
    head_sha : str
        The commit that was reported on.
    head_repository, head_branch : str or None
        Where it lies: a fork's name on GitHub, a project's number on GitLab.
    conclusion : str or None
        How the reporting run ended: ``success``, ``failure``.
    url : str or None
        Of the reporting run.
    number : int or None
        Of the pull request, where the forge says it.
    """

    head_sha: str
    head_repository: str | None = None
    head_branch: str | None = None
    conclusion: str | None = None
    url: str | None = None
    number: int | None = None


def find_host(environ: Mapping[str, str]) -> Host:
    """Read which forge this job runs on.

    Raises
    ------
    ForgeError
        Outside GitHub's and GitLab's jobs.
    """
    if environ.get("GITLAB_CI") or ("CI_PROJECT_PATH" in environ):
        path = _named(environ, "CI_PROJECT_PATH")
        return Host(
            "gitlab",
            _address(environ, "CI_API_V4_URL", "https://gitlab.com/api/v4"),
            _address(environ, "CI_SERVER_URL", "https://gitlab.com"),
            path,
            # A merge request belongs to the project that it would be merged into.
            environ.get("CI_MERGE_REQUEST_PROJECT_ID") or environ.get("CI_PROJECT_ID") or path,
        )
    if "GITHUB_REPOSITORY" in environ:
        repository = _named(environ, "GITHUB_REPOSITORY")
        return Host(
            "github",
            _address(environ, "GITHUB_API_URL", "https://api.github.com"),
            _address(environ, "GITHUB_SERVER_URL", "https://github.com"),
            repository,
            repository,
        )
    raise ForgeError(
        "no forge is named",
        where="the environment",
        allowed="GITHUB_REPOSITORY=owner/name, or CI_PROJECT_PATH=group/name for GitLab",
        hint="run it in a job of GitHub Actions or GitLab CI, or set the variable",
    )


def find_token(host: Host, environ: Mapping[str, str]) -> str:
    """Read the token; it comes from the environment only, so that no process list shows it.

    Raises
    ------
    ForgeError
        Where there is none, or it holds what no token does. The message never quotes it.
    """
    for name in _TOKENS[host.kind]:
        token = environ.get(name, "").strip()
        if not token:
            continue
        if not _TOKEN.fullmatch(token):
            raise ForgeError(
                "the token holds spaces or unprintable characters",
                where=f"${name}",
                hint="set the variable to the token alone",
            )
        return token
    names = " or ".join(f"${name}" for name in _TOKENS[host.kind])
    hints = {
        "github": "in the job: env: GITHUB_TOKEN: ${{ github.token }}",
        "gitlab": "make a project access token with the scope api, and a masked variable of it",
    }
    raise ForgeError("there is no token", where=names, hint=hints[host.kind])


def find_proposal(environ: Mapping[str, str]) -> Proposal | None:
    """Read the pull request whose run this is; None where it is of none.

    Raises
    ------
    ForgeError
        Where the event's file can't be read.
    """
    if environ.get("CI_MERGE_REQUEST_IID"):
        project = environ.get("CI_MERGE_REQUEST_PROJECT_PATH") or environ.get("CI_PROJECT_PATH", "")
        number = _number(environ["CI_MERGE_REQUEST_IID"], "$CI_MERGE_REQUEST_IID")
        return Proposal("gitlab", project, number, _gitlab_sha(environ))
    if "GITHUB_REPOSITORY" not in environ:
        return None
    event = _event(environ)
    found = event.get("pull_request")
    if not isinstance(found, Mapping):
        return None
    where = "$GITHUB_EVENT_PATH: pull_request"
    return Proposal(
        "github",
        environ["GITHUB_REPOSITORY"],
        _number(found.get("number"), where),
        _sha(_inner(found, "head").get("sha"), where),
    )


def find_trigger(environ: Mapping[str, str]) -> Trigger:
    """Read what made this job run.

    Raises
    ------
    ForgeError
        Where it was neither a ``workflow_run`` nor a pull request.
    """
    if environ.get("CI_MERGE_REQUEST_IID"):
        return Trigger(
            _gitlab_sha(environ),
            environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"),
            environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
            url=environ.get("CI_PIPELINE_URL"),
            number=_number(environ["CI_MERGE_REQUEST_IID"], "$CI_MERGE_REQUEST_IID"),
        )
    event = _event(environ)
    run = event.get("workflow_run")
    if isinstance(run, Mapping):
        return Trigger(
            _sha(run.get("head_sha"), "$GITHUB_EVENT_PATH: workflow_run"),
            _text(_inner(run, "head_repository").get("full_name")),
            _text(run.get("head_branch")),
            _text(run.get("conclusion")),
            _text(run.get("html_url")),
        )
    found = event.get("pull_request")
    if isinstance(found, Mapping):
        head = _inner(found, "head")
        return Trigger(
            _sha(head.get("sha"), "$GITHUB_EVENT_PATH: pull_request"),
            _text(_inner(head, "repo").get("full_name")),
            _text(head.get("ref")),
            number=_number(found.get("number"), "$GITHUB_EVENT_PATH: pull_request"),
        )
    raise ForgeError(
        "this job was not started by a pull request's run",
        where="$GITHUB_EVENT_PATH, or CI_MERGE_REQUEST_IID on GitLab",
        allowed="the events workflow_run and pull_request; a merge request's pipeline",
    )


def _gitlab_sha(environ: Mapping[str, str]) -> str:
    # A pipeline of the merged result runs on a commit that is on no branch.
    for name in ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA"):
        if environ.get(name):
            return _sha(environ[name], f"${name}")
    raise ForgeError("the commit is not named", where="$CI_COMMIT_SHA")


def _event(environ: Mapping[str, str]) -> Mapping[str, Any]:
    path = environ.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ForgeError(
            "the event can't be read",
            where="$GITHUB_EVENT_PATH",
            got=type(error).__name__,
            allowed="the path of a JSON file, as GitHub Actions sets it",
        ) from None
    return event if isinstance(event, Mapping) else {}


def _inner(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    # The repository of a fork that was deleted is null.
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any, where: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[1-9][0-9]{0,11}", text):
        raise ForgeError("not a pull request's number", where=where, got=repr(value))
    return int(text)


def _sha(value: Any, where: str) -> str:
    if not isinstance(value, str) or not _SHA.fullmatch(value):
        raise ForgeError("not a commit's id", where=where, got=repr(value))
    return value


def _named(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+", value):
        raise ForgeError(
            "not a repository's name", where=f"${name}", got=repr(value), allowed="owner/name"
        )
    return value


def _address(environ: Mapping[str, str], name: str, default: str) -> str:
    return (environ.get(name) or default).rstrip("/")
