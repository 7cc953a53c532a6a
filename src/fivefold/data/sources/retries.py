"""Trying again: one way for every kind of remote, bounded in attempts and in time.

A kind of source raises :class:`PassingError` for what may be over soon (the line broke, the server
is busy); whatever else it raises ends the attempts at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from fivefold.errors import ConfigError, SourceError

__all__ = ["PassingError", "Patience", "asked_pause", "patiently"]

T = TypeVar("T")

# Seconds.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 120.0


class PassingError(Exception):
    """A failure that may be over soon.

    Parameters
    ----------
    reason : str
        Shown to the user; holds no secret.
    pause : float, optional
        The seconds that the server asks to wait; a growing number, drawn at random, by default.
    """

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


@dataclass(frozen=True)
class Patience:
    """How long to bear with a remote.

    Attributes
    ----------
    attempts : int
        At least 1.
    timeout : float
        Seconds without an answer, or without a further byte, after which an attempt has failed;
        above 0.
    """

    attempts: int = 5
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigError(
                "a source must be asked at least once",
                where="attempts",
                got=self.attempts,
                allowed="1 or more",
            )
        if self.timeout <= 0:
            raise ConfigError(
                "the time to wait for an answer is not positive",
                where="timeout",
                got=self.timeout,
                allowed="seconds, above 0",
            )


def patiently(action: Callable[[], T], shown: str, patience: Patience) -> T:
    """Call until it succeeds, with growing pauses.

    Parameters
    ----------
    action : callable
        Raises :class:`PassingError` for what is worth another attempt.
    shown : str
        How the message calls the source.
    patience : Patience

    Raises
    ------
    SourceError
        It failed as often as there are attempts, or the server asks to wait for too long.
    """
    # Drawn at random, so that jobs that failed together do not come back together.
    growing = wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE)

    def wait(state: RetryCallState) -> float:
        asked = _failure(state).pause
        return growing(state) if asked is None else asked

    def stop(state: RetryCallState) -> bool:
        asked = _failure(state).pause
        too_long = asked is not None and asked > LONGEST_PAUSE
        return too_long or state.attempt_number >= patience.attempts

    def give_up(state: RetryCallState) -> T:
        failure = _failure(state)
        asked = failure.pause
        raise SourceError(
            "the source does not serve",
            where=shown,
            got=f"{failure}, after {state.attempt_number} attempts"
            + (f"; it asks to wait {asked:.0f} s" if asked else ""),
            hint="run it again later; what was received is kept, and taken up where possible",
        )

    return Retrying(
        retry=retry_if_exception_type(PassingError),
        wait=wait,
        stop=stop,
        retry_error_callback=give_up,
    )(action)


def _failure(state: RetryCallState) -> PassingError:
    failure = state.outcome.exception() if state.outcome else None
    assert isinstance(failure, PassingError)  # noqa: S101  nothing else is retried
    return failure


def asked_pause(header: str | None, now: str | None) -> float | None:
    """Give the seconds that ``Retry-After`` asks for: a number, or a date (RFC 9110, 10.2.3).

    Parameters
    ----------
    header : str or None
        The header's value.
    now : str or None
        The response's own ``Date``: the two clocks then are the same one.
    """
    if header is None:
        return None
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(header)
        return max((until - parsedate_to_datetime(now or "")).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None
