from __future__ import annotations

import copy
from typing import Any

from fivefold.history.diff.exploration_parts import exploration_parts
from fivefold.history.diff.explorations import compare_explorations
from fivefold.history.tables import Table, Text


def report() -> dict[str, Any]:
    return {
        "rows": 1000,
        "target": {"column": "late", "classes": {"0": 800, "1": 200}},
        "columns": {
            "temp": {
                "missing_share": 0.0, "mean": 10.0, "q50": 10.0, "sd": 2.0, "association": 0.2,
                "drift": {"test": {"psi": 0.01}},
            },
            "carrier": {
                "missing_share": 0.0, "distinct": 2,
                "top": {"values": ["UA", "DL"], "rows": [600, 400], "other_rows": 0},
            },
        },
        "associations": {
            "columns": ["temp", "dewp"],
            "spearman": [[1.0, 0.9], [0.9, 1.0]],
        },
        "alarms": [{"kind": "constant", "column": "year", "text": "has one value"}],
    }  # fmt: skip


def test_nothing_is_said_of_what_did_not_change() -> None:
    assert compare_explorations("r", report(), report()) is None
    head = report()
    head["columns"]["temp"] |= {"mean": 10.1, "association": 0.21}
    assert compare_explorations("r", report(), head) is None
    assert compare_explorations("r", {}, report()) is None
    assert compare_explorations("r", {"rows": 3, "columns": 7, "alarms": 5}, {"rows": 3}) is None


def test_a_data_change_is_told() -> None:
    head = copy.deepcopy(report())
    head["rows"] = 1200
    head["target"]["classes"]["1"] = 600
    head["columns"]["temp"] |= {
        "missing_share": 0.2,
        "mean": 13.0,
        "association": 0.4,
        "drift": {"test": {"psi": 0.5}},
    }
    head["columns"]["carrier"] |= {
        "distinct": 3,
        "top": {"values": ["UA", "OO", "DL"], "rows": [600, 300, 300], "other_rows": 0},
    }
    head["associations"]["spearman"][0][1] = head["associations"]["spearman"][1][0] = 0.1
    head["alarms"] = [{"kind": "shifted", "column": "temp", "text": "differs"}]
    found = compare_explorations("reports/explore.json", report(), head)
    assert found is not None
    told = {(change.column, change.figure): (change.base, change.head) for change in found.figures}
    assert told[("temp", "missing")] == (0.0, 0.2)
    assert told[("temp", "mean")] == (10.0, 13.0)
    assert told[("temp", "association with the target")] == (0.2, 0.4)
    assert told[("temp", "PSI in test")] == (0.01, 0.5)
    assert told[("dewp", "Spearman's correlation with temp")] == (0.9, 0.1)
    assert told[("late", "share of 1")] == (0.2, 600 / 1400)
    (categories,) = found.categories
    assert (categories.base, categories.head, categories.added) == (2, 3, ("OO",))
    assert found.raised == ("temp differs",)
    assert found.gone == ("year has one value",)
    parts = exploration_parts(found, everything=False)
    texts = [part.text for part in parts if isinstance(part, Text)]
    assert "rows 1,000 → 1,200 (+20.0%)" in texts
    assert "carrier: 2 → 3 categories; new: OO" in texts
    (table,) = [part for part in parts if isinstance(part, Table)]
    assert ["temp", "missing", "0.0%", "20.0%", "+20.0 points"] in table.rows
