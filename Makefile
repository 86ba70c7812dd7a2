# Every target sets up what it needs; only Python 3.11 or later, make and the package registries are expected.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# Tests and demo start hundreds of processes; without byte code each would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo test exhaustive check format bench lock dictionary clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("wattlog needs Python 3.11 or later, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

setup: $(STAMP) ## Make the virtual environment with exactly the locked versions

demo: $(STAMP) ## Two simulated sites, a year of history, from nothing to a queried warehouse
	$(BIN)/wattlog demo

test: $(STAMP) ## Run every test
	$(BIN)/python -m pytest

exhaustive: $(STAMP) ## Run the tests that `make test` leaves out: more seeds, sites, kills, processes
	$(BIN)/python -m pytest -m exhaustive

check: $(STAMP) ## What CI runs: format, lint, types, import contracts, dictionary, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m warehouse.dictionary --check
	$(BIN)/python -m pytest

format: $(STAMP) ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Measure speed as ratios within one run; BENCH="models fleet" for some of it
	$(BIN)/python -m tests.bench $(BENCH)

dictionary: $(STAMP) ## Write warehouse/DICTIONARY.md from the schema
	$(BIN)/python -m warehouse.dictionary

lock: $(STAMP) ## Resolve the dependencies anew, with hashes and without index addresses
	$(BIN)/python -m pip install --quiet uv
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
	    --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock pyproject.toml

clean: ## Remove the virtual environment and caches, never data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
