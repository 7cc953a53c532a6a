"""Where a model errs: slices, rows, classes, features, and the data's own quality."""
