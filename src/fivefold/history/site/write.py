"""The site as a folder, written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fivefold.errors import OutputError
from fivefold.history.site import pages
from fivefold.history.site.gather import Site
from fivefold.history.site.records import data_script
from fivefold.history.site.runpage import reports_of
from fivefold.report.bundle import javascript
from fivefold.report.html import asset

__all__ = ["MARKER", "Written", "write"]

MARKER = ".fivefold-site"
_ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    runs, pages : int
        Runs on the site, and those with a page of their own.
    reports : int
        Committed HTML reports, each distinct one once.
    size : int
        Bytes of all files.
    """

    runs: int
    pages: int
    reports: int
    size: int


def write(site: Site, out: Path, *, reports: bool = True) -> Written:
    """Write a site into a folder.

    Parameters
    ----------
    site : Site
    out : Path
        A folder that doesn't exist, is empty, or holds a site already.
    reports : bool, default=True
        Whether to write the HTML reports that were committed.

    Raises
    ------
    OutputError
        Where the folder holds something else, or can't be written.
    """
    out = out.absolute()
    require_ours(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    except OSError as error:
        raise OutputError("the site can't be written", where=str(out), got=str(error)) from error
    try:
        known = 0
        size = 0
        for path, content in _files(site, reports=reports):
            target = beside / path
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
            size += len(content)
            known += path.startswith("reports/")
        # mkdtemp makes a folder that only its owner may read, which no page host could serve.
        beside.chmod(0o755)
        _replace(beside, out)
    except OSError as error:
        raise OutputError("the site can't be written", where=str(out), got=str(error)) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Written(len(site.entries), len(site.pages), known, size)


def require_ours(out: Path) -> None:
    """Refuse a folder that holds something that isn't a site of ours.

    Raises
    ------
    OutputError
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise OutputError("this is no folder", where=str(out), hint="name a new folder")
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise OutputError(
            "the folder has something in it that isn't a site",
            where=str(out),
            allowed="a new or empty folder, or one that this command wrote",
            hint="name another folder, or empty this one",
        )


def _replace(beside: Path, out: Path) -> None:
    """Put the new folder in the place of the old one, which is kept until the new one stands."""
    if not out.exists():
        beside.rename(out)
        return
    old = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-old-"))
    out.rename(old / "site")
    try:
        beside.rename(out)
    except OSError:
        (old / "site").rename(out)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _files(site: Site, *, reports: bool) -> Iterator[tuple[str, bytes]]:
    yield MARKER, f"made by fivefold site of commit {site.commit}\n".encode()
    # Page hosts that build with Jekyll would leave files out.
    yield ".nojekyll", b""
    yield "assets/site.css", (asset("page.css") + _asset("site.css")).encode()
    yield "assets/charts.js", _wrapped(asset("page.js"))
    yield "assets/vega.js", _wrapped(javascript())
    for name in ("runs.js", "board.js", "hyper.js", "history.js", "compare.js", "report.js"):
        yield f"assets/{name}", _asset(name).encode()
    yield "data/runs.js", data_script(site).encode()
    yield "index.html", _encoded(pages.index_page(site))
    for standing in site.boards:
        yield pages.board_file(site, standing.name), _encoded(pages.board_page(site, standing))
    yield "history.html", _encoded(pages.history_page(site))
    yield "compare.html", _encoded(pages.compare_page(site))
    yield "report.html", _encoded(pages.report_page(site))
    written: set[bytes] = set()
    for entry in site.entries:
        if entry.id not in site.pages:
            continue
        yield f"runs/{entry.id}.html", _encoded(pages.run_page(site, entry, reports=reports))
        for blob in reports_of(entry).values() if reports else ():
            if blob not in written:
                written.add(blob)
                yield f"reports/{blob.hex()}.html", entry.run.snapshot.data(blob)


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _wrapped(script: str) -> bytes:
    """Keep a module's names to itself: from a file it can only be loaded as a plain script."""
    return f"(() => {{\n{script}\n}})();\n".encode()


def _encoded(text: str) -> bytes:
    # A path or a name that isn't UTF-8 can be read, but not written as it is.
    return text.encode("utf-8", "replace")
