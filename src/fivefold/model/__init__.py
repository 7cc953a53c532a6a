"""The model phase: candidates compared, one trained, its errors measured.

Any estimator with scikit-learn's interface is a candidate by its ``_target_``; what surrounds it
(the preprocessing from the schema, the folds, the metrics and their intervals) is ours.
"""
