from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fivefold.errors import DataError, ModelError
from fivefold.onnxmodel import BATCH_ROWS, OnnxModel, reason_to_refuse


def graph(nodes: list[Any], initializers: list[Any] | None = None) -> Any:
    return helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])],
        initializers or [],
    )


def packed(nodes: list[Any], initializers: list[Any] | None = None, domain: str = "") -> bytes:
    model = helper.make_model(
        graph(nodes, initializers),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(domain or "ai.onnx.ml", 1)],
        ir_version=8,
    )
    data: bytes = model.SerializeToString()
    return data


def doubling() -> bytes:
    return packed([helper.make_node("Add", ["x", "x"], ["value"])])


def test_a_plain_model_scores_any_number_of_rows() -> None:
    model = OnnxModel(doubling())
    assert model.inputs == {"x": "number"}
    for rows in (0, 1, BATCH_ROWS + 1):
        column = np.arange(rows, dtype=np.float64)
        assert model.predict({"x": column, "more": column}).tolist() == (2 * column).tolist()
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "decision_function")


def test_missing_stays_missing() -> None:
    assert np.isnan(OnnxModel(doubling()).predict({"x": [np.nan]})).all()


def test_an_absent_feature_is_named_with_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 'xx'"):
        OnnxModel(doubling()).predict({"xx": [1.0]})


def test_a_feature_of_another_type_is_named() -> None:
    with pytest.raises(DataError, match="not of the model's type"):
        OnnxModel(doubling()).predict({"x": ["a"]})


def external(tensor: Any) -> Any:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def test_a_model_that_points_to_another_file_is_refused(tmp_path: Path) -> None:
    tensor = external(numpy_helper.from_array(np.ones((1, 1), np.float32), "w"))
    data = packed([helper.make_node("Add", ["x", "w"], ["value"])], [tensor])
    with pytest.raises(ModelError, match="kept in another file"):
        OnnxModel(data)


def test_external_data_is_found_in_attributes_and_inner_graphs() -> None:
    tensor = external(numpy_helper.from_array(np.ones((1, 1), np.float32), "w"))
    constant = helper.make_node("Constant", [], ["w"], value=tensor)
    inner = helper.make_graph(
        [constant], "then", [], [helper.make_tensor_value_info("w", TensorProto.FLOAT, [1, 1])]
    )
    branch = helper.make_node("If", ["x"], ["value"], then_branch=inner, else_branch=inner)
    for nodes in ([constant], [branch]):
        assert "another file" in str(reason_to_refuse(packed(nodes)))


@pytest.mark.parametrize("domain", ["com.microsoft", "evil"])
def test_an_operator_of_another_domain_is_refused(domain: str) -> None:
    node = helper.make_node("Gelu", ["x"], ["value"], domain=domain)
    with pytest.raises(ModelError, match=domain):
        OnnxModel(packed([node], domain=domain))


def test_a_function_inside_is_refused() -> None:
    model = onnx.load_model_from_string(doubling())
    model.functions.add(name="f", domain="evil")
    assert "functions" in str(reason_to_refuse(model.SerializeToString()))


@pytest.mark.parametrize("data", [b"", b"\x80\x04\x95pickle", b"PK\x03\x04"])
def test_bytes_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="ONNX"):
        OnnxModel(data)


def test_a_graph_that_does_not_hold_together_is_told() -> None:
    with pytest.raises(ModelError, match="onnxruntime can't load"):
        OnnxModel(packed([helper.make_node("Add", ["x", "nowhere"], ["value"])]))
