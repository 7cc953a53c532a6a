"""``data/source/pins.json``: what each remote source held when it was last looked at.

DVC sees files, and so can't see that a remote changed. This file it sees, for ``data/source`` is a
dep of ``collect``: a source that changed shows in its diff.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fivefold.errors import SourceError
from fivefold.files import replace_text

__all__ = ["PINS", "Pin", "Snapshot", "key_of", "read_pins", "write_pins"]

PINS = "data/source/pins.json"


@dataclass(frozen=True)
class Snapshot:
    """What a remote source held.

    Attributes
    ----------
    sha256 : str
        Of the file's bytes, or of a query's rows.
    marks : dict of str to str
        What the remote itself tells contents apart by: ``etag`` and ``last_modified``,
        ``modified`` and ``size``, ``version``, ``revision`` and ``md5``.
    as_of : str or None
        When the content was made, in UTC, ISO 8601; None where the remote does not say.
    """

    sha256: str
    marks: dict[str, str] = field(default_factory=dict)
    as_of: str | None = None

    def plain(self) -> dict[str, Any]:
        """Give it as JSON keeps it."""
        as_of = {"as_of": self.as_of} if self.as_of else {}
        return {"sha256": self.sha256, **as_of, **dict(sorted(self.marks.items()))}

    @classmethod
    def of(cls, plain: Any) -> Snapshot:
        """Read it back.

        Raises
        ------
        ValueError
            It is not what :meth:`plain` gives.
        """
        if not isinstance(plain, Mapping) or not all(isinstance(v, str) for v in plain.values()):
            raise ValueError("not a mapping of texts")
        rest = dict(plain)
        sha256 = rest.pop("sha256", "")
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError("no SHA-256")
        return cls(sha256, as_of=rest.pop("as_of", None), marks=rest)


@dataclass(frozen=True)
class Pin:
    """A source's snapshot, and what it is of.

    Attributes
    ----------
    source : str
        The source, as it may be shown.
    key : str
        Tells apart what is fetched; see :func:`key_of`.
    snapshot : Snapshot
    """

    source: str
    key: str
    snapshot: Snapshot


def key_of(identity: Mapping[str, Any]) -> str:
    """Give 16 hexadecimal digits for what is fetched: its address, query, revision; no secret.

    Credentials count by the names of their variables: to another account a remote may give other
    rows.
    """
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_pins(root: Path) -> dict[str, Pin]:
    """Read a project's pins by the source's name; none where there is no file.

    Raises
    ------
    SourceError
        The file is not what :func:`write_pins` wrote.
    """
    path = root / PINS
    if not path.is_file():
        return {}
    pins: dict[str, Pin] = {}
    name = ""
    try:
        for name, entry in json.loads(path.read_text(encoding="utf-8")).items():
            rest = dict(entry)
            source, key = rest.pop("source"), rest.pop("key")
            pins[name] = Pin(source, key, Snapshot.of(rest))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            "the pins of the sources can't be read",
            where=f"{PINS}, {name}" if name else PINS,
            got=f"{type(error).__name__}: {error}",
            hint=f"git checkout {PINS}, or remove it and run: fivefold sources update",
        ) from None
    return pins


def write_pins(root: Path, pins: Mapping[str, Pin]) -> bool:
    """Write the pins, sorted by name; True where that changes the file."""
    path = root / PINS
    entries = {
        name: {"source": pin.source, "key": pin.key, **pin.snapshot.plain()}
        for name, pin in sorted(pins.items())
    }
    text = json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    if before == text or (before is None and not entries):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, text)
    return True
