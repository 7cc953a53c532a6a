"""Intervals of fairness metrics: ours against fairlearn's."""
