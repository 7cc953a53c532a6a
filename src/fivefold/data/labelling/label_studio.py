"""Label Studio's files: annotations out of an export, tasks for an import.

The formats are those of its documentation: "Label Studio JSON format of annotated tasks"
(https://labelstud.io/guide/task_format), "JSON_MIN" (https://labelstud.io/guide/export) and
"Import pre-annotated data" (https://labelstud.io/guide/predictions).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any
from xml.sax.saxutils import quoteattr

import pyarrow as pa

from fivefold.data.labelling.vocabulary import word
from fivefold.errors import SourceError, nearest

__all__ = ["annotations_of", "interface", "label_studio_export", "task"]

_KINDS = ("choices", "rating", "number")


def label_studio_export(path: str, data: Sequence[str], from_name: str | None = None) -> pa.Table:
    """Read an export as a source: an annotation a row.

    Parameters
    ----------
    path : str
        Of an export as JSON or as JSON-MIN, in the project's folder.
    data : sequence of str
        The fields of a task's ``data`` to keep as columns: those that name the row, and ``was`` for
        corrections.
    from_name : str, optional
        The control tag whose answers are the labels; needed where there are several.

    Returns
    -------
    pyarrow.Table
        The columns asked for, ``annotator``, ``label``, ``ground_truth`` and ``task``. Annotations
        that were skipped have no label.

    Raises
    ------
    SourceError
        The file is missing or malformed, a field is absent, or an item has several choices.
    """
    inside = os.path.normpath(path)
    if PurePath(path).is_absolute() or PurePath(inside).parts[:1] == ("..",):
        raise SourceError(
            "the file is outside the project, so DVC could not see it change",
            where="path",
            got=path,
            hint="copy it to data/source/, which dvc.yaml lists under the deps of collect",
        )
    shown = PurePath(inside).as_posix()
    try:
        text = Path(inside).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceError("there is no such file", where="path", got=shown) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"the file can't be read: {error}", where=shown) from None
    try:
        tasks = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"not JSON: {error}",
            where=shown,
            allowed="an export of Label Studio as JSON or JSON-MIN",
        ) from None
    return annotations_of(tasks, list(data), from_name, shown)


def annotations_of(
    tasks: Any, data: Sequence[str], from_name: str | None = None, where: str = "the export"
) -> pa.Table:
    """Give the annotations of tasks as they were parsed; see :func:`label_studio_export`."""
    if not isinstance(tasks, list) or not all(isinstance(item, dict) for item in tasks):
        raise SourceError(
            "not a list of tasks",
            where=where,
            got=type(tasks).__name__,
            allowed="an export of Label Studio as JSON or JSON-MIN",
        )
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(tasks):
        place = f"{where}, task {item.get('id', number)}"
        full = "annotations" in item or "data" in item
        rows += (
            _of_task(item, data, from_name, place)
            if full
            else _of_min(item, data, from_name, place)
        )
    if not rows:
        raise SourceError("the export has no annotation", where=where, got=f"{len(tasks)} tasks")
    columns = {name: _column([row["data"][name] for row in rows]) for name in data}
    clash = {"annotator", "label", "ground_truth", "task"} & set(columns)
    if clash:
        raise SourceError(
            "a field of the task has the name of a column that the export gives",
            where=where,
            got=", ".join(sorted(clash)),
        )
    return pa.table(
        {
            **columns,
            "annotator": _column([row["annotator"] for row in rows]),
            "label": _column([row["label"] for row in rows]),
            "ground_truth": pa.array([row["ground_truth"] for row in rows], pa.bool_()),
            "task": _column([row["task"] for row in rows]),
        }
    )


def _of_task(
    item: Mapping[str, Any], data: Sequence[str], from_name: str | None, where: str
) -> list[dict[str, Any]]:
    fields = item.get("data")
    annotations = item.get("annotations", [])
    if not isinstance(fields, dict) or not isinstance(annotations, list):
        raise SourceError(
            "not a task",
            where=where,
            got=", ".join(sorted(item)),
            allowed="`data`, a mapping, and `annotations`, a list",
        )
    kept = _fields(fields, data, where)
    rows = []
    for annotation in annotations:
        if not isinstance(annotation, dict) or not isinstance(annotation.get("result", []), list):
            raise SourceError("not an annotation", where=where, got=type(annotation).__name__)
        skipped = annotation.get("was_cancelled", False)
        rows.append(
            {
                "data": kept,
                "annotator": _person(annotation.get("completed_by")),
                "label": None if skipped else _answer(annotation, from_name, where),
                "ground_truth": bool(annotation.get("ground_truth", False)),
                "task": item.get("id"),
            }
        )
    return rows


def _of_min(
    item: Mapping[str, Any], data: Sequence[str], from_name: str | None, where: str
) -> list[dict[str, Any]]:
    kept = _fields(item, data, where)
    if from_name is None:
        raise SourceError(
            "an export as JSON-MIN does not say which field is the label",
            where=where,
            got=", ".join(sorted(item)),
            hint="declare from_name, the name of the control tag, or export as JSON",
        )
    given = item.get(from_name)
    if isinstance(given, dict):
        given = next((given[kind] for kind in _KINDS if kind in given), given)
    label = _single(given, where)
    person = _person(item.get("annotator", item.get("completed_by")))
    return [
        {
            "data": kept,
            "annotator": person,
            "label": label,
            "ground_truth": False,
            "task": item.get("id"),
        }
    ]


def _fields(fields: Mapping[str, Any], data: Sequence[str], where: str) -> dict[str, Any]:
    for name in data:
        if name not in fields:
            have = [str(field) for field in fields]
            raise SourceError(
                f"the task has no field {name!r}",
                where=where,
                got=name,
                allowed=have,
                hint=nearest(name, have),
            )
        if isinstance(fields[name], dict | list):
            raise SourceError(f"the field {name!r} is no single value", where=where, got=name)
    return {name: fields[name] for name in data}


def _person(given: Any) -> str | None:
    """Name an annotator: by number, as far as there is one, since addresses are personal data."""
    if isinstance(given, dict):
        given = given.get("id", given.get("email"))
    return None if given is None else str(given)


def _answer(annotation: Mapping[str, Any], from_name: str | None, where: str) -> Any:
    found: dict[str, list[Any]] = {}
    for result in annotation.get("result", []):
        if not isinstance(result, dict):
            raise SourceError("not a result", where=where, got=type(result).__name__)
        kind, value = result.get("type"), result.get("value")
        if kind not in _KINDS or from_name not in (None, result.get("from_name")):
            continue
        if not isinstance(value, dict) or kind not in value:
            raise SourceError(
                "a result without its value", where=where, got=f"{kind}: {value!r}", allowed=_KINDS
            )
        found.setdefault(str(result.get("from_name")), []).append(value[kind])
    if len(found) > 1:
        raise SourceError(
            "more than one control tag was answered",
            where=where,
            got=", ".join(sorted(found)),
            hint="declare from_name, the one whose answers are the labels",
        )
    answers = next(iter(found.values()), [])
    if len(answers) > 1:
        raise SourceError("an annotation has more than one answer", where=where, got=answers)
    return _single(answers[0], where) if answers else None


def _single(given: Any, where: str) -> Any:
    if isinstance(given, list):
        if len(given) > 1:
            raise SourceError(
                "an item has more than one choice",
                where=where,
                got=", ".join(map(str, given)),
                allowed='one: choice="single" in the labelling interface',
            )
        given = given[0] if given else None
    if isinstance(given, dict):
        raise SourceError("the answer is no single value", where=where, got=", ".join(given))
    return given


def _column(values: list[Any]) -> pa.Array:
    """Give values of one type as they are, and of several as texts."""
    types = {type(value) for value in values if value is not None}
    if len(types) > 1 and types != {int, float}:
        values = [None if value is None else word(value) for value in values]
    elif types == {int, float}:
        values = [None if value is None else float(value) for value in values]
    array = pa.array(values)
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array


def task(
    number: int,
    key: Mapping[str, Any],
    shown: Mapping[str, Any],
    extra: Mapping[str, Any],
    label: Any,
    score: float | None,
    from_name: str,
    to_name: str,
) -> dict[str, Any]:
    """Write a task for import, with a prediction if there is a label to propose.

    Parameters
    ----------
    number : int
        Tells the task's result from the others'.
    key, shown, extra : mapping
        What ``data`` holds: the key, by which the answer finds its row; what the annotator sees;
        and more to keep. All of ``key`` and ``shown`` stands also under ``to_name``, for a
        ``<Table>``.
    label : object
        The label proposed; none if None.
    score : float or None
        How sure the model is, in [0, 1].
    from_name, to_name : str
        The control tag and the object tag.
    """
    seen = {**key, **shown}
    data = {**seen, **extra, to_name: seen}
    if label is None:
        return {"data": data}
    result = {
        "id": f"proposed-{number}",
        "type": "choices",
        "from_name": from_name,
        "to_name": to_name,
        "value": {"choices": [word(label)]},
    }
    prediction = {"model_version": "fivefold", "score": score, "result": [result]}
    return {"data": data, "predictions": [prediction]}


def interface(labels: Iterable[Any], from_name: str, to_name: str) -> str:
    """Write the labelling interface that the tasks fit, for a project's settings."""
    choices = "".join(f"\n    <Choice value={quoteattr(word(label))}/>" for label in labels)
    return (
        f"<View>\n  <Table name={quoteattr(to_name)} value={quoteattr('$' + to_name)}/>\n"
        f"  <Choices name={quoteattr(from_name)} toName={quoteattr(to_name)} "
        f'choice="single">{choices}\n  </Choices>\n</View>'
    )
