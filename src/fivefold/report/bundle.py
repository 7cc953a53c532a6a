"""Vega, Vega-Lite and vega-embed as one script, built once per machine.

vl-convert carries the sources and bundles them in an embedded V8: 1.5 s and more of every process
that asks. The bundle is a pure function of vl-convert's version, so it is kept in the user's cache
folder, and reading it back takes a millisecond.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
from pathlib import Path

__all__ = ["javascript"]


def _cache_file() -> Path:
    # Imported here: a page without a chart needs no bundle.
    from importlib.metadata import version

    import platformdirs

    name = f"vega-{version('vl-convert-python')}.js"
    return Path(platformdirs.user_cache_dir("fivefold", appauthor=False)) / name


@functools.cache
def javascript() -> str:
    """Give the script: an ES module that sets ``window.vegaEmbed``.

    The cached copy carries its own SHA-256 and is built again when it doesn't match. Where the
    cache can't be written, the page is made all the same.
    """
    path = _cache_file()
    kept = _read(path)
    if kept is not None:
        return kept
    # Imported here: it loads 0.1 GB of V8.
    import vl_convert

    # vega is on the window for who opens the console; the page itself calls vegaEmbed only.
    built = str(vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;window.vega=vega;"))
    # The bundle stands in a <script> element, which this would end.
    built = built.replace("</script", "<\\/script")
    _write(path, built)
    return built


def _read(path: Path) -> str | None:
    try:
        head, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return body.decode() if head == _digest_line(body) else None


def _digest_line(body: bytes) -> bytes:
    return b"// sha256 " + hashlib.sha256(body).hexdigest().encode()


def _write(path: Path, script: str) -> None:
    body = script.encode()
    # A cache that can't be written (read-only home, full disk) costs time, not the page.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(_digest_line(body) + b"\n" + body)
            Path(beside).replace(path)
        except OSError:
            Path(beside).unlink(missing_ok=True)
            raise
