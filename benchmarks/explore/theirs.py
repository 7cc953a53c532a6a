"""Run ydata-profiling with its defaults; in an environment that has it."""

import sys

import pandas as pd
from ydata_profiling import ProfileReport

table = pd.read_parquet(sys.argv[1])
ProfileReport(table, title="flights", progress_bar=False).to_file(sys.argv[2])
