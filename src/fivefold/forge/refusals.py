"""What a forge's answer means that isn't the one asked for: come back later, or never."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Mapping

import requests

__all__ = ["FAULTS", "asked_pause", "explanation", "is_passing"]

FAULTS = frozenset({500, 502, 503, 504})
"""Statuses after which a request may have taken effect all the same."""


def is_passing(response: requests.Response) -> bool:
    """Whether the answer may be another one later: a fault of the forge, or a rate limit."""
    status = response.status_code
    if status in FAULTS or status == 429:
        return True
    # GitHub's limits, the primary and the secondary one, are told from a refusal like this.
    return status == 403 and (
        "Retry-After" in response.headers
        or response.headers.get("X-RateLimit-Remaining") == "0"
        or "rate limit" in explanation(response).lower()
    )


def asked_pause(response: requests.Response) -> float | None:
    """Read for how many seconds the forge wants to be left alone; None where it doesn't say."""
    headers = response.headers
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    if asked:
        until = _moment(asked)
        return max(0.0, until - _now(response)) if until is not None else None
    if headers.get("X-RateLimit-Remaining") == "0" or response.status_code == 429:
        reset = headers.get("X-RateLimit-Reset", headers.get("RateLimit-Reset", "")).strip()
        if reset.isascii() and reset.isdigit():
            return max(0.0, float(reset) - _now(response)) + 1
    return None


def _now(response: requests.Response) -> float:
    """Give the forge's time: a runner's clock may be minutes off."""
    date = _moment(response.headers.get("Date", ""))
    return time.time() if date is None else date


def _moment(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None


def explanation(response: requests.Response) -> str:
    """Give a forge's own words for a refusal, whole: cut, half a token would stand in them."""
    try:
        found = response.json()
    except ValueError:
        return response.reason or ""
    if not isinstance(found, Mapping):
        return response.reason or ""
    parts = [found.get("message", found.get("error", "")), found.get("errors")]
    words = [part if isinstance(part, str) else json.dumps(part) for part in parts if part]
    return "; ".join(words)
