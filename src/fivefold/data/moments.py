"""Moments that are declared as text."""

from __future__ import annotations

from datetime import datetime

from fivefold.errors import ConfigError

__all__ = ["require_moment"]


def require_moment(text: str, where: str) -> None:
    """Refuse a text that is no date and no time.

    Raises
    ------
    ConfigError
        It is not written in ISO 8601.
    """
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            "not a date or a time",
            where=where,
            got=text,
            allowed="ISO 8601, such as 2013-12-31 or 2013-12-31T18:00:00Z",
        ) from None
