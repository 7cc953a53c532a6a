"""Ask every remote source whether it changed; keep the answer in ``data/source/pins.json``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fivefold.callables import call_of, relocated
from fivefold.data.collect import CollectConfig
from fivefold.data.sources.cache import Cache
from fivefold.data.sources.pinned import Declared, RemoteSource
from fivefold.data.sources.pins import Pin, Snapshot, read_pins, write_pins
from fivefold.errors import ConfigError, FivefoldError, nearest
from fivefold.pipeline.tree import resolved_tree
from fivefold.pipeline.typed import typed

__all__ = ["Found", "source_states", "update_pins"]


@dataclass(frozen=True)
class Found:
    """What was found of a source.

    Attributes
    ----------
    name : str
        In ``collect.sources``.
    state : {"unchanged", "changed", "pinned", "not pinned", "unknown", "failed", "dropped"}
        Against its pin.
    text : str
        More of it, for a person.
    error : FivefoldError or None
        Why it failed.
    """

    name: str
    state: str
    text: str = ""
    error: FivefoldError | None = None


def source_states(root: Path, names: Sequence[str]) -> Iterator[Found]:
    """Ask the remotes whether they hold what is pinned, and fetch and write nothing.

    Raises
    ------
    FivefoldError
        ``conf/`` can't be composed, or names no such source.
    """
    pins = read_pins(root)
    cache = Cache()
    with _in(root):
        declared = _remotes(root, names)
        for name, source in declared.items():
            yield _asked(name, source, pins.get(name), cache)
    if not names:
        yield from _undeclared(pins, declared)


def update_pins(root: Path, names: Sequence[str]) -> Iterator[Found]:
    """Ask the remotes, fetch what changed, and write the pins at the end.

    A source that fails keeps its pin.

    Raises
    ------
    FivefoldError
        ``conf/`` can't be composed, or names no such source.
    """
    pins = read_pins(root)
    after = dict(pins)
    cache = Cache()
    with _in(root):
        declared = _remotes(root, names)
        for name, source in declared.items():
            found, snapshot = _updated(name, source, pins.get(name), cache)
            if snapshot is not None:
                after[name] = Pin(source.remote.shown, source.key, snapshot)
            yield found
    if not names:
        yield from _undeclared(pins, declared)
        after = {name: pin for name, pin in after.items() if name in declared}
    write_pins(root, after)


def _undeclared(pins: dict[str, Pin], declared: dict[str, Declared]) -> Iterator[Found]:
    for name in pins:
        if name not in declared:
            yield Found(name, "dropped", "no remote source of this name is declared any more")


def _asked(name: str, source: Declared, pin: Pin | None, cache: Cache) -> Found:
    if pin is None:
        return Found(name, "not pinned", source.remote.shown)
    if pin.key != source.key:
        return Found(name, "changed", f"conf/ declares another: {source.remote.shown}")
    try:
        changed = source.changed(_latest_of(pin, cache))
    except FivefoldError as error:
        return Found(name, "failed", error=_placed(error, name))
    if changed is None:
        return Found(name, "unknown", "only fetching it would tell: fivefold sources update")
    return Found(name, "changed" if changed else "unchanged", source.remote.shown)


def _updated(
    name: str, source: Declared, pin: Pin | None, cache: Cache
) -> tuple[Found, Snapshot | None]:
    same = pin is not None and pin.key == source.key
    known = _latest_of(pin, cache) if pin is not None and same else cache.recall(source.key)
    try:
        snapshot = source.latest(known, cache)
    except FivefoldError as error:
        return Found(name, "failed", error=_placed(error, name)), None
    if pin is None:
        return Found(name, "pinned", _short(snapshot)), snapshot
    if same and snapshot.sha256 == pin.snapshot.sha256:
        return Found(name, "unchanged", _short(pin.snapshot)), pin.snapshot
    return Found(name, "changed", f"{_short(pin.snapshot)} -> {_short(snapshot)}"), snapshot


def _latest_of(pin: Pin, cache: Cache) -> Snapshot:
    """Give what a pin says, with the newer marks of the same content if it was fetched since.

    A server may give the same bytes another ETag; asked by the pin's, it would send them each time.
    """
    recalled = cache.recall(pin.key)
    same = recalled is not None and recalled.sha256 == pin.snapshot.sha256
    return recalled if recalled is not None and same else pin.snapshot


def _short(snapshot: Snapshot) -> str:
    return snapshot.sha256[:10] + (f" of {snapshot.as_of}" if snapshot.as_of else "")


def _placed(error: FivefoldError, name: str) -> FivefoldError:
    return relocated(error, f"collect.sources.{name}")


def _remotes(root: Path, names: Sequence[str]) -> dict[str, Declared]:
    """Give the remote sources that ``conf/`` declares, or those of them that are named."""
    config: CollectConfig = typed(
        CollectConfig, resolved_tree(root).get("collect") or {}, "collect"
    )
    found: dict[str, Declared] = {}
    for name, source in config.sources.items():
        where = f"collect.sources.{name}.read"
        call = call_of(source.read, where)
        if isinstance(call.function, RemoteSource):
            try:
                found[name] = call.function.declare(**call.arguments)
            except FivefoldError as error:
                raise relocated(error, where) from None
    for name in names:
        if name not in found:
            raise ConfigError(
                "a local source has no pin: DVC itself sees it change"
                if name in config.sources
                else "no source has this name",
                where="collect.sources",
                got=name,
                allowed=list(found) or "there is no remote source",
                hint=nearest(name, found),
            )
    return {name: source for name, source in found.items() if not names or name in names}


@contextlib.contextmanager
def _in(root: Path) -> Iterator[None]:
    """Be where the stage collect runs: paths start there, and its src/ can be imported."""
    own = str(root / "src")
    sys.path.insert(0, own)
    try:
        with contextlib.chdir(root):
            yield
    finally:
        sys.path.remove(own)
