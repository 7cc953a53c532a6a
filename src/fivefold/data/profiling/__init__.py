"""The figures of a table, and the page that draws them.

`summarise` goes over the columns once. A table of some million rows is read a few columns at a
time; of a longer one the engine gives aggregates only (`engine_columns`). Both hand on the same
values (`columns.Measured`), so all that follows is written once. What compares columns with one
another is computed of a sample of rows that depends on the rows' keys alone (`sampling`).
"""
