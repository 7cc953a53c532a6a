# The two commands: `make demo` and `make test`. The README gives the plain commands behind them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint types imports pytest root lock clean

demo: $(VENV)/installed
	$(BIN)/python tools/demo.py

test: lint types imports pytest

lint: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed
	$(BIN)/mypy

imports: $(VENV)/installed
	$(BIN)/lint-imports

pytest: $(VENV)/installed
	$(BIN)/pytest -n 2 --dist worksteal

# The root is the template's example, baked and run.
root: $(VENV)/installed
	$(BIN)/python tools/bake_root.py
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro

# Freeze this environment, for the root and for what the template bakes.
lock: $(VENV)/installed
	$(BIN)/fivefold lock
	cp requirements.lock 'template/{{cookiecutter.project_slug}}/requirements.lock'

clean:
	rm -rf $(VENV) demo

$(VENV)/installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Fivefold needs Python 3.11 or newer; got $$($(PYTHON) --version). Next: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	@touch $@
