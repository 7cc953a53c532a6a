"""What an HTTP response says of the file it gives."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from datetime import UTC

import requests

__all__ = ["as_of", "marks_of", "range_start", "strong_validator"]


def marks_of(response: requests.Response) -> dict[str, str]:
    """Give what the server tells contents apart by: the ETag and the date, where it sends them."""
    found = {
        "etag": response.headers.get("ETag"),
        "last_modified": response.headers.get("Last-Modified"),
    }
    return {name: value for name, value in found.items() if value}


def strong_validator(marks: Mapping[str, str]) -> str | None:
    """Give what a range may be asked for by: a weak ETag does not vouch for bytes (RFC 9110)."""
    etag = marks.get("etag")
    if etag is not None:
        return None if etag.startswith("W/") else etag
    return marks.get("last_modified")


def range_start(response: requests.Response) -> int | None:
    """Give the first byte's place of a partial answer."""
    head = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(head) if head.isdigit() else None


def as_of(date: str | None) -> str | None:
    """Give a header's date in ISO 8601."""
    try:
        found = email.utils.parsedate_to_datetime(date or "")
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
