# Every target sets up what it needs; only Python 3.11 or later, make and the package registries are expected.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# Tests and demo start hundreds of processes; without byte code each would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

WITHOUT_SLOW := not slow and not exhaustive

.DEFAULT_GOAL := help
.PHONY: help setup demo quick test test-slow test-home-assistant exhaustive torture check format bench audit lock dictionary prefect-yaml docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("wattlog needs Python 3.11 or later, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

setup: $(STAMP) ## Make the virtual environment with exactly the locked versions

demo: $(STAMP) ## Two simulated sites, a year of history, from nothing to a queried warehouse
	$(BIN)/wattlog demo

quick: $(STAMP) ## Run the unit, golden and property tests, these with a fifth of their examples
	$(BIN)/python -m pytest --numprocesses=auto -m "$(WITHOUT_SLOW)" --hypothesis-profile=quick tests/unit tests/golden tests/property

test: $(STAMP) ## Run every test but the slow ones
	$(BIN)/python -m pytest -m "$(WITHOUT_SLOW)"

test-slow: $(STAMP) ## Run the slow tests: Prefect, Dask, a browser, kills, and what takes several seconds
	$(BIN)/python -m pytest -m "slow and not exhaustive"

exhaustive: $(STAMP) ## Run what all of these leave out: more seeds, sites, kills, processes, and five times the examples
	$(BIN)/python -m pytest --timeout=0 -m exhaustive
	$(BIN)/python -m pytest --timeout=0 -m "$(WITHOUT_SLOW)" --hypothesis-profile=exhaustive tests/property

# A program of its own, in an environment of its own. Its last release for Python 3.13, with what it would fetch when it starts.
HOME_ASSISTANT := build/home-assistant
HOME_ASSISTANT_NEEDS := homeassistant==2025.12.5 home-assistant-frontend==20251203.3 SQLAlchemy==2.0.41 \
    fnv-hash-fast==1.6.0 psutil-home-assistant==0.0.1
PYTHON_3_13 ?= python3.13

$(HOME_ASSISTANT)/.installed: Makefile
	$(PYTHON_3_13) -m venv $(HOME_ASSISTANT)
	$(HOME_ASSISTANT)/bin/python -m pip install --quiet --disable-pip-version-check --ignore-requires-python $(HOME_ASSISTANT_NEEDS)
	touch $@

test-home-assistant: $(STAMP) $(HOME_ASSISTANT)/.installed ## Deliver to a real Home Assistant core; its installation takes ten minutes
	$(BIN)/python -m pytest --numprocesses=0 tests/integration/test_home_assistant_core.py

# Not in requirements.lock: there is no wheel for every Python and machine, and then only this part is left out.
build/torture/.tried: Makefile $(STAMP)
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --target build/torture "atheris>=3,<4"
	mkdir -p build/torture
	touch $@

torture: build/torture/.tried ## Half an hour of random nights, payloads and damages; TORTURE="nights files" for some parts, --full for hours
	$(BIN)/python -m tests.torture $(TORTURE)

check: $(STAMP) ## What CI runs: format, lint, types, import contracts, dictionary, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m warehouse.dictionary --check
	$(MAKE) test
	$(MAKE) test-slow

format: $(STAMP) ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Measure speed: a table of ratios and limits, and build/bench.json; BENCH="1 4 fleet" for some of it
	$(BIN)/python -m tests.bench $(BENCH)

prefect-yaml: $(STAMP) ## Write prefect.yaml from the declared deployments
	$(BIN)/python -m flows.orchestration.prefect_yaml > prefect.yaml

dictionary: $(STAMP) ## Write warehouse/DICTIONARY.md from the schema
	$(BIN)/python -m warehouse.dictionary

docs: $(STAMP) ## Build the documentation as a site, in build/site; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -n -q -c docs/site -d build/doctrees -b html . build/site
	@echo "open build/site/index.html"

# Tools of the audit alone: they are in no environment of wattlog's.
AUDIT := build/audit-tools

$(AUDIT)/.installed: Makefile
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check "pip-audit>=2.9,<3" "pip-licenses>=5,<6" "cyclonedx-bom>=7,<8"
	touch $@

# Strict: a package that the database of weaknesses does not have, or cannot be asked for, is a failure.
audit: $(STAMP) $(AUDIT)/.installed ## List licences and parts (SBOM) in build/, and look for known weaknesses in what is locked
	$(AUDIT)/bin/pip-licenses --python $(BIN)/python --from mixed --with-urls --format markdown --output-file build/licenses.md
	$(AUDIT)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-format JSON --output-file build/sbom.cdx.json $(BIN)/python
	$(AUDIT)/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict --progress-spinner off

lock: $(STAMP) ## Resolve the dependencies anew, with hashes and without index addresses
	$(BIN)/python -m pip install --quiet uv
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
	    --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock pyproject.toml

clean: ## Remove the virtual environment and caches, never data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
