"""The baked projects of the pipeline's tests serve here, too."""

from tests.pipeline.conftest import diabetes, diabetes_run, shared

__all__ = ["diabetes", "diabetes_run", "shared"]
