"""Survey exports of LimeSurvey and Qualtrics: short column names, the questions kept beside."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fivefold.data.sources.cache import Cache
from fivefold.data.sources.content import Content, Reading, open_content
from fivefold.data.sources.formats import read_file
from fivefold.data.sources.local import project_files
from fivefold.data.sources.options import FormatOptions
from fivefold.data.sources.text import require_codec
from fivefold.errors import ConfigError, SourceError, nearest

__all__ = ["survey_export"]

KINDS = ("limesurvey", "qualtrics")
# LimeSurvey's codes, with subquestions in brackets; "code. question" where both were exported.
_CODED = re.compile(r"(?P<code>[A-Za-z]\w*(?:\[[^\]]*\])*)(?:\.\s+(?P<text>.+))?", re.DOTALL)


@dataclass(frozen=True)
class _Header:
    """What the first lines of an export say.

    Attributes
    ----------
    names : list of str
        Of the columns.
    details : dict
        For the report.
    lines : int
        How many lines of text it takes.
    """

    names: list[str]
    details: dict[str, Any]
    lines: int


def survey_export(
    path: str,
    kind: str,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    **options: Any,
) -> Reading:
    """Read the answers to a survey, as LimeSurvey or Qualtrics exports them to CSV.

    Of LimeSurvey, export question codes, or codes and texts, as headings: ``G01Q02[SQ001]`` becomes
    the column ``G01Q02_SQ001``. Of Qualtrics, the three header rows are read: names, questions and
    import ids. The questions are in the report, under ``labels``.

    Parameters
    ----------
    path : str
        A file of the project, compressed or not.
    kind : {"limesurvey", "qualtrics"}
        Who wrote it.
    encoding : str, default "utf-8"
        Of the file.
    delimiter : str, optional
        One character; the commoner of comma, semicolon and tab in the first line if not given.
    **options
        How to read it: see :class:`fivefold.data.sources.options.FormatOptions`.

    Raises
    ------
    SourceError
        The file is not such an export.
    """
    if kind not in KINDS:
        raise ConfigError(
            "the kind of survey is unknown",
            where="kind",
            got=kind,
            allowed=KINDS,
            hint=nearest(str(kind), KINDS),
        )
    chosen = replace(FormatOptions.of(options), format="csv")
    files = project_files(path)
    if len(files) != 1:
        raise SourceError(
            "a survey export is one file", where="path", got=f"{len(files)} files: {path}"
        )
    content = open_content(files[0], files[0].as_posix())
    codec = require_codec(encoding)
    codec = "utf-8-sig" if codec == "utf-8" else codec
    text, header, mark = _plain(content, kind, codec, delimiter)
    plain = replace(chosen, delimiter=mark)
    reading = read_file(text, content.shown, plain)
    return replace(
        reading,
        sha256=content.sha256,
        details={"survey": kind, **header.details, **reading.details},
    )


def _plain(content: Content, kind: str, codec: str, delimiter: str | None) -> Any:
    """Write the export with one header, its lines where they were, so that messages find them."""
    cache = Cache()
    key = hashlib.sha256(f"{content.sha256} {kind} {codec} {delimiter}".encode()).hexdigest()
    with cache.fetching(key[:16]) as part:
        part.begin({})
        try:
            with content.opened() as kept, part.path.open("w", encoding="utf-8", newline="") as to:
                lines = iter(io.TextIOWrapper(kept, encoding=codec, newline=""))
                first = next(lines, "")
                mark = delimiter or max(",;\t", key=first.count)
                header = _header(itertools.chain([first], lines), content.shown, kind, mark)
                csv.writer(to, delimiter=mark, lineterminator="").writerow(header.names)
                to.write("\n" * header.lines)
                to.writelines(lines)
        except UnicodeDecodeError as error:
            raise SourceError(
                f"the file is not encoded in {codec}",
                where=content.shown,
                got=str(error.reason),
                hint="set encoding: to what it is in",
            ) from None
        found = part.snapshot({}, None)
        path = cache.adopt(part.path, found.sha256, "answers.csv")
    return path, header, mark


def _header(lines: Iterator[str], shown: str, kind: str, delimiter: str) -> _Header:
    reader = csv.reader(lines, delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        while len(rows) < (3 if kind == "qualtrics" else 1):
            rows.append(next(reader))
    except (StopIteration, csv.Error):
        raise SourceError(
            "the file ends within its header", where=shown, got=f"{len(rows)} header rows"
        ) from None
    parse = _qualtrics if kind == "qualtrics" else _limesurvey
    names, details = parse(rows, shown)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SourceError(
            "two columns of the survey get the same name", where=shown, got=", ".join(repeated[:5])
        )
    return _Header(names, details, reader.line_num)


def _qualtrics(rows: Sequence[Sequence[str]], shown: str) -> tuple[list[str], dict[str, Any]]:
    names, questions, ids = rows
    try:
        imports = {
            name: str(json.loads(text)["ImportId"]) for name, text in zip(names, ids, strict=True)
        }
        labels = dict(zip(names, map(_tidy, questions), strict=True))
    except (ValueError, KeyError, TypeError):
        raise SourceError(
            "not a Qualtrics export: its third row does not hold the import ids",
            where=f"{shown}:3",
            got=", ".join(ids)[:80],
            allowed='{"ImportId":"QID1"} in each column',
            hint="export as CSV with the current format, and leave the header rows in",
        ) from None
    return list(names), {"labels": labels, "import_ids": imports}


def _limesurvey(rows: Sequence[Sequence[str]], shown: str) -> tuple[list[str], dict[str, Any]]:
    labels: dict[str, str] = {}
    names = []
    for heading in rows[0]:
        found = _CODED.fullmatch(heading.strip())
        if found is None:
            raise SourceError(
                "a heading of the LimeSurvey export holds no question code",
                where=f"{shown}:1",
                got=heading[:80],
                hint="export with the headings: question code, or question code & question text",
            )
        name = re.sub(r"\W+", "_", found["code"]).strip("_")
        names.append(name)
        if found["text"]:
            labels[name] = _tidy(found["text"])
    return names, {"labels": labels} if labels else {}


def _tidy(text: str) -> str:
    return " ".join(text.split())
