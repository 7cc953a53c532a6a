from __future__ import annotations

import pytest

from .model_examples import METRICS, Example, example


@pytest.fixture(params=list(METRICS))
def any_example(request: pytest.FixtureRequest) -> Example:
    return example(request.param)


@pytest.fixture
def binary() -> Example:
    return example("binary")


@pytest.fixture
def regression() -> Example:
    return example("regression")
