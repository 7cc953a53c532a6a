"""What is asked of a forge; GitHub and GitLab each answer in a module of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from fivefold.forge.client import Message
from fivefold.forge.environment import Host

__all__ = ["Conclusion", "Forge", "PullRequest", "Status", "Words"]

Conclusion = Literal["success", "failure", "neutral"]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as the forge has it now.

    Attributes
    ----------
    number : int
    url : str
    head_sha : str
    head_repository, head_branch : str or None
        Where its commits lie; as in `fivefold.forge.environment.Trigger`.
    """

    number: int
    url: str
    head_sha: str
    head_repository: str | None
    head_branch: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """A verdict on a commit.

    Attributes
    ----------
    name : str
        Under which the forge lists it.
    head_sha : str
    conclusion : {"success", "failure", "neutral"}
    title : str
        Plain text, one line.
    summary : str
        Markdown; GitLab has no place for it.
    url : str or None
        Of the run that reported.
    """

    name: str
    head_sha: str
    conclusion: Conclusion
    title: str
    summary: str
    url: str | None


class Words(Protocol):
    """A forge's module: how it words what is not there yet. Nothing is sent."""

    def comment_message(self, host: Host, number: int, body: str) -> Message:
        """Word a new comment."""

    def status_message(self, host: Host, status: Status) -> Message:
        """Word a new status."""

    def open_message(self, host: Host, title: str, branch: str, base: str, body: str) -> Message:
        """Word a new pull request."""


class Forge(Protocol):
    """A repository on a forge, and the right to write to it.

    Every method raises `fivefold.errors.RefusedError` or `fivefold.errors.ForgeError`.
    """

    @property
    def size_refusals(self) -> frozenset[int]:
        """The statuses by which the forge may refuse a comment for its size."""

    def pull_request(self, number: int) -> PullRequest:
        """Read a pull request."""

    def put_comment(self, number: int, body: str, marker: str) -> str:
        """Create this token's comment that begins with the marker, or update it.

        Returns
        -------
        str
            Its address.
        """

    def put_status(self, status: Status) -> None:
        """Set a commit's status; one of the same name is replaced."""

    def default_branch(self) -> str:
        """Read the branch that proposals go to."""

    def put_pull_request(
        self, title: str, branch: str, base: str, body: str
    ) -> tuple[PullRequest, bool]:
        """Open a branch's pull request, or update the one that is open.

        Returns
        -------
        pull_request : PullRequest
        is_new : bool
        """
