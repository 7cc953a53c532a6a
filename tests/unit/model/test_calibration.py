from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from fivefold.decided import Decided
from fivefold.deploy.export import ExportConfig, export
from fivefold.errors import ConfigError
from fivefold.estimator import read_estimator, write_estimator
from fivefold.features import feature_frame
from fivefold.model.calibrating import Calibration, calibrate, curves_of
from fivefold.model.holdout import Seen

from .model_examples import BOOSTING, Example, example, trained


class TestCalibration:
    def overconfident(self, rows: int, useful: bool = True) -> tuple[Decided, Seen]:
        rng = np.random.default_rng(3)
        odds = rng.normal(size=rows)
        truth = rng.random(rows) < 1 / (1 + np.exp(-(odds if useful else 0 * odds)))
        given = 1 / (1 + np.exp(-3 * odds))
        model = LogisticRegression().fit([[0], [1]], [False, True])
        return Decided(model), Seen(np.column_stack([1 - given, given]), truth)

    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_brings_probabilities_nearer_to_rates(self, method: str) -> None:
        decided, seen = self.overconfident(4000)
        after, told = calibrate(decided, seen, method, seed=0)
        assert told["brier_after"] < told["brier_before"] - 0.02
        assert told["log_loss_after"] < told["log_loss_before"]
        assert not told["few"]
        far = [abs(item["predicted"] - item["observed"]) for item in told["after"]]
        assert max(far) < 0.06
        assert after.shape == (4000, 2)
        if method == "sigmoid":
            # The odds were trebled, and so a third is right.
            assert decided.curves is not None
            assert decided.curves[0] == pytest.approx([1 / 3, 0], abs=0.05)

    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_promises_nothing_of_noise(self, method: str) -> None:
        # Judged on the rows it was fitted on, an isotonic curve would seem to know them.
        decided, seen = self.overconfident(300, useful=False)
        _, told = calibrate(decided, seen, method, seed=0)
        assert told["brier_after"] > seen.y.mean() * (1 - seen.y.mean()) - 0.002
        assert told["few"] == (method == "isotonic")

    def test_weights_move_the_curve(self) -> None:
        decided, seen = self.overconfident(2000)
        weights = np.where(seen.y, 3.0, 1.0)
        calibrate(decided, Seen(seen.scores, seen.y, weights), "sigmoid", seed=0)
        assert decided.curves is not None
        assert decided.curves[0][1] == pytest.approx(np.log(3), abs=0.15)

    def test_decision_values_become_probabilities(self, tmp_path: Path) -> None:
        for given in (example("binary"), example("multiclass")):
            for method in ("sigmoid", "isotonic"):
                classifier = {"_target_": "sklearn.svm.LinearSVC"}
                result = trained(
                    given, classifier=classifier, scale=True, calibration=Calibration(method)
                )
                assert result.report["calibration"]["brier_before"] is None
                assert result.report["output"]["scores"] == "probabilities"
                write_estimator(result.estimator, tmp_path / "model.skops")
                again = read_estimator(tmp_path / "model.skops")
                exported = export(again, given.test, given.schema, given.objective, ExportConfig())
                assert exported.metrics["rows_beyond_tolerance"] == 0
                assert exported.metrics["label_disagreements"] == 0

    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_is_kept_and_exported(self, method: str, tmp_path: Path) -> None:
        for given in (example("binary"), example("multiclass")):
            result = trained(given, classifier=BOOSTING, calibration=Calibration(method))
            write_estimator(result.estimator, tmp_path / "model.skops")
            again = read_estimator(tmp_path / "model.skops")
            features = feature_frame(given.test, given.schema)
            expected = result.estimator.predict_proba(features)
            assert np.array_equal(again.predict_proba(features), expected)
            assert np.allclose(expected.sum(axis=1), 1)
            exported = export(again, given.test, given.schema, given.objective, ExportConfig())
            assert exported.metrics["max_difference"] < 1e-5
            assert exported.metrics["label_disagreements"] == 0

    def test_a_regression_has_nothing_to_calibrate(self, regression: Example) -> None:
        with pytest.raises(ConfigError, match="no probabilities to calibrate"):
            trained(regression, calibration=Calibration())

    def test_of_nothing_but_labels_is_refused(self, binary: Example) -> None:
        classifier = {"_target_": f"{__package__}.test_bad_estimators.OnlyLabels"}
        with pytest.raises(ConfigError, match="OnlyLabels gives neither probabilities nor"):
            trained(binary, classifier=classifier, calibration=Calibration())

    def test_an_unknown_method_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="did you mean 'isotonic'"):
            Calibration("isotonik")

    def test_steep_steps_stay_gentle_and_rising(self) -> None:
        rng = np.random.default_rng(0)
        score = np.sort(rng.random(400)) ** 4
        truth = (rng.random(400) < np.round(score * 4) / 4).astype(bool)
        both = np.column_stack([1 - score, score])
        (curve,) = curves_of(Seen(both, truth), np.array([False, True]), "isotonic")
        across, up = np.diff(curve)
        assert (across >= 0).all()
        assert (up >= 0).all()
        assert (up <= 3.001 / np.maximum(curve[0][:-1], 0.05) * across).all()
        # It says about the same as scikit-learn's own, on which nothing was put off.
        own = IsotonicRegression(out_of_bounds="clip").fit(score, truth).predict(score)
        assert np.abs(np.interp(score, *curve) - own).mean() < 0.01
