"""What DVC keeps in files: dvc.yaml, dvc.lock, metrics and params, and its cache."""
