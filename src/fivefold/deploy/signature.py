"""What an exported model takes, gives and holds: as plain values and as a page."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from fivefold.deploy.conversion import ML_OPSET
from fivefold.onnxmodel import OnnxModel
from fivefold.report import charts
from fivefold.report import format as form
from fivefold.report.page import Alert, Block, Column, Fact, Facts, Page, Section, Table, Text

if TYPE_CHECKING:
    from fivefold.deploy.parity import Parity
    from fivefold.objective import Objective

__all__ = ["page", "report"]

# Differences are counted per power of ten; below the first lies the rounding of 32 bits.
_EXPONENTS = np.arange(-9, 1)

_TYPES = {"number": "float32", "string": "string"}


def report(
    data: bytes, model: OnnxModel, parity: Parity, tolerance: float, opset: int
) -> dict[str, Any]:
    """Describe the model and the proof.

    Returns
    -------
    dict
        ``bytes``, ``sha256``, ``opset``, ``inputs`` and ``outputs`` (name, type, shape),
        ``classes``, ``operators`` (how many of each), ``tolerance``, ``differences``: counts per
        bin of the power of ten, ``low`` and ``high`` being exponents; the first bin holds zeros.
    """
    proto = onnx.load_model_from_string(data)
    operators = Counter(node.op_type for node in proto.graph.node)
    known = np.maximum(parity.differences, 10.0 ** _EXPONENTS[0])
    places = np.clip(np.floor(np.log10(known)), _EXPONENTS[0], _EXPONENTS[-1] - 1).astype(int)
    return {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "opset": {"ai.onnx": opset, "ai.onnx.ml": ML_OPSET},
        "producer": f"{proto.producer_name} {proto.producer_version}",
        "inputs": [
            {"name": name, "type": _TYPES[kind], "shape": ["rows", 1]}
            for name, kind in model.inputs.items()
        ],
        "outputs": [_output(item) for item in proto.graph.output],
        "classes": None if model.classes_ is None else model.classes_.tolist(),
        "metadata": dict(sorted(model.metadata.items())),
        "operators": dict(sorted(operators.items())),
        "tolerance": tolerance,
        "differences": [
            {
                "low": int(low),
                "high": int(low) + 1,
                "rows": int((places == low).sum()),
            }
            for low in _EXPONENTS[:-1]
        ],
    }


def _output(item: Any) -> dict[str, Any]:
    tensor = item.type.tensor_type
    kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    shape = [part.dim_value or "rows" for part in tensor.shape.dim]
    return {
        "name": item.name,
        "type": "string" if kind.kind == "O" else str(kind),
        "shape": shape,
    }


def page(
    written: dict[str, Any], metrics: dict[str, Any], objective: Objective, tolerance: float
) -> Page:
    """Draw the proof and the model's signature."""
    beyond = metrics["rows_beyond_tolerance"]
    largest = metrics["max_difference"]
    rows = form.plural(metrics["rows"], "row")
    verdict = (
        f"The ONNX model predicts what the pipeline predicts on {rows}"
        if not beyond
        else f"The ONNX model differs from the pipeline in {form.integer(beyond)} of {rows}, "
        "as many as are allowed"
    )
    return Page(
        title="Export",
        lead=f"{verdict}; the largest difference is {form.number(largest)}.",
        kicker=f"{objective.name} · deploy",
        sections=[
            Section("Proof", _proof(written, metrics, objective, tolerance)),
            Section("Signature", _signature(written)),
        ],
    )


def _proof(
    written: dict[str, Any], metrics: dict[str, Any], objective: Objective, tolerance: float
) -> list[Block]:
    beyond, split = metrics["rows_beyond_tolerance"], metrics["label_disagreements"]
    facts = [
        Fact("rows compared", metrics["rows"]),
        Fact(
            "largest difference",
            metrics["max_difference"],
            note=f"tolerance {form.number(tolerance, 1)}",
            status="warn" if beyond else "good",
        ),
        Fact("rows beyond tolerance", beyond, status="warn" if beyond else "good"),
        Fact("size", form.size(written["bytes"])),
    ]
    if objective.is_classification:
        facts.insert(3, Fact("other class predicted", split, status="warn" if split else "good"))
    bins = written["differences"]
    edges = [bins[0]["low"], *(item["high"] for item in bins)]
    blocks: list[Block] = [
        Facts(facts),
        charts.histogram(
            edges,
            [item["rows"] for item in bins],
            x="power of ten of the difference",
            title="How far the two are apart",
            caption="The first bar holds every difference below "
            f"{form.number(10.0 ** edges[1])}, none included; the tolerance lies at "
            f"{form.number(float(np.log10(tolerance)))}.",
            width="full",
        ),
    ]
    if split and not beyond:
        blocks.append(
            Alert(
                "info",
                "Where another class is predicted, the classes' probabilities are equal within "
                "the tolerance.",
            )
        )
    return blocks


def _signature(written: dict[str, Any]) -> list[Block]:
    heads: list[str | Column] = [Column("name", "code"), "type", "shape"]

    def rows(items: list[dict[str, Any]]) -> list[tuple[object, ...]]:
        return [(item["name"], item["type"], " x ".join(map(str, item["shape"]))) for item in items]

    blocks: list[Block] = [
        Table(heads, rows(written["inputs"]), caption="Inputs, one per feature"),
        Table(heads, rows(written["outputs"]), caption="Outputs"),
    ]
    if written["classes"] is not None:
        shown = ", ".join(form.verbatim(item) for item in written["classes"][:50])
        blocks.append(Text(f"Classes, in the order of the columns: {shown}."))
    blocks.append(
        Table(
            ["operator", Column("nodes", "integer")],
            list(written["operators"].items()),
            caption=f"Operators of opset {written['opset']['ai.onnx']}",
        )
    )
    blocks.append(
        Text(
            "A missing number is NaN, a missing category the empty text; an unknown one is allowed."
        )
    )
    return blocks
