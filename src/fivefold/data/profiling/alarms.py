"""What a modeller should look at before anything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fivefold.data.profiling.shift import shifts

__all__ = ["alarms_of"]

_ORDER = (
    "leak", "gaps_tell", "imbalance", "copy", "near_copy", "shifted", "infinite", "constant",
    "nearly_constant", "identifier_like", "missing", "many_categories", "skewed", "blank",
)  # fmt: skip


def alarms_of(
    summary: Mapping[str, Any], features: Sequence[str], alarm: float
) -> list[dict[str, Any]]:
    """Point out what is odd, the worst first.

    Parameters
    ----------
    summary : mapping
        All that was measured.
    features : sequence of str
    alarm : float
        The association with the target from which a feature may know the answer.

    Returns
    -------
    list of dict
        ``kind``, ``column`` and ``text``.
    """
    columns, rows = summary["columns"], summary["rows"]
    found = list(_target(summary["target"]))
    for name in features:
        found += _feature(name, columns[name], rows, alarm)
    for group in summary["copies"]:
        others = ", ".join(group[1:4]) + (", ..." if len(group) > 4 else "")
        found.append(("copy", group[0], f"tells the same rows apart as {others}"))
    for pair in summary["near_copies"]:
        first, second = pair["columns"]
        measure = "Spearman" if pair["measure"] == "spearman" else "Cramér's V"
        text = f"is all but a copy of {second} ({measure} {pair['value']:.3f})"
        found.append(("near_copy", first, text))
    watched = {n: columns[n] for n in (*features, summary["target"]["column"])}
    for name in shifts(watched):
        part, told = max(watched[name]["drift"].items(), key=lambda item: item[1]["psi"])
        text = f"differs between train and {part} (PSI {told['psi']:.2f})"
        found.append(("shifted", name, text))
    ordered = sorted(enumerate(found), key=lambda item: (_ORDER.index(item[1][0]), item[0]))
    return [{"kind": kind, "column": name, "text": text} for _, (kind, name, text) in ordered]


def _target(target: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    classes = target.get("classes")
    if not classes:
        return
    total, least = sum(classes.values()), min(classes.values())
    name = min(classes, key=lambda label: (classes[label], label))
    if len(classes) > 1 and least / total < 0.01:
        text = f"has the class {name} in {least:,} of {total:,} rows"
        yield "imbalance", target["column"], text


def _feature(
    name: str, known: Mapping[str, Any], rows: int, alarm: float
) -> Iterator[tuple[str, str, str]]:
    strength = known.get("association")
    if strength is not None and strength >= alarm:
        yield "leak", name, f"association {strength:.2f} with the target"
    gaps = known.get("gaps_association")
    if gaps is not None and gaps >= 0.5:
        yield "gaps_tell", name, f"is missing where the target says so (Cramér's V {gaps:.2f})"
    if known["distinct"] <= 1:
        yield "constant", name, "has one value" if known["distinct"] else "has no value"
    elif known.get("top_share") is not None and known["top_share"] >= 0.995:
        yield "nearly_constant", name, f"has one value in {known['top_share']:.1%} of its rows"
    if known.get("infinite"):
        yield "infinite", name, f"is infinite in {known['infinite']:,} rows"
    if (known["missing_share"] or 0) >= 0.5:
        yield "missing", name, f"misses {known['missing_share']:.0%} of its values"
    if known["dtype"] == "string":
        present = rows - known["missing"]
        if known["distinct"] > 20 and known["distinct"] >= 0.95 * present:
            yield "identifier_like", name, "has another value in nearly every row"
        elif known["distinct"] > 500:
            yield "many_categories", name, f"has {known['distinct']:,} categories"
        if known.get("blank"):
            yield "blank", name, f"is blank, and not missing, in {known['blank']:,} rows"
    skewness = known.get("skewness")
    if skewness is not None and abs(skewness) > 20:
        yield "skewed", name, f"has a skewness of {skewness:.0f}"
