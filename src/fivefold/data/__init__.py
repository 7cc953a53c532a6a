"""The data phase: collect, integrate, clean, validate, explore and split one table.

Each stage is a pure function in the module of its name. Sources live in
:mod:`fivefold.data.sources` and cleaning steps in :mod:`fivefold.data.cleaning`; a user's own are
functions anywhere, named by ``_target_`` alike.
"""
