# Chores by name. `make help` lists them; each target sets up what it needs, once.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
UV ?= $(shell command -v uv)
BIN := $(VENV)/bin
REPORTS ?= reports
ARGS ?=

# The first interpreter that is new enough: the user's own choice before the newest.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# --- use -------------------------------------------------------------------------------------------------------------

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: review
review: $(VENV)/.runtime ## Render the example teams into reports/ (REPORTS=DIR for another folder)
	$(BIN)/meshlab review --out $(REPORTS) $(ARGS)

.PHONY: lab
lab: $(VENV)/.lab ## Open the workbooks in JupyterLab
	$(BIN)/meshlab lab $(ARGS)

# --- development -----------------------------------------------------------------------------------------------------

.PHONY: setup
setup: $(VENV)/.dev ## Install everything that development needs

.PHONY: data
data: $(VENV)/.dev ## Fit the coefficients to the evidence again; fails where a baseline predicts better
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m fitting

.PHONY: test
test: $(VENV)/.test $(VENV)/.site $(VENV)/.wheelhouse ## Run all tests (ARGS="-k units" for some)
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

.PHONY: soak
soak: $(VENV)/.test ## Run the tests that take minutes
	$(BIN)/python -m pytest -m soak $(ARGS)

.PHONY: bench
bench: $(VENV)/.bench ## Measure everything against its reference into docs/benchmarks.json (ARGS="sweep dask" for some)
	$(BIN)/python tests/benches/suite.py $(ARGS)

.PHONY: bench-compare
bench-compare: $(VENV)/.bench ## Say what the last run of the benchmarks changed
	$(BIN)/python tests/benches/suite.py --compare

.PHONY: bench-render
bench-render: $(VENV)/.bench ## Time 100 reviews against papermill and nbconvert in a loop
	$(BIN)/python tests/benches/render.py $(ARGS)

.PHONY: docs
docs: $(VENV)/.runtime ## Fill the blocks of README and docs with the figures of today
	$(BIN)/meshlab embed README.md docs/*.md $(ARGS)

.PHONY: bench-live
bench-live: $(VENV)/.bench ## Time a slider in JupyterLab against one slider and one bar (needs Chromium)
	$(BIN)/python tests/benches/live.py $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## Check style, types, spelling and that workbooks are stripped
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/typos
	git ls-files -z '*.ipynb' | xargs -0 -r $(BIN)/nbstripout --keep-id --verify

.PHONY: format
format: $(VENV)/.dev ## Format code and workbooks, and fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	git ls-files -z '*.ipynb' | xargs -0 -r $(BIN)/nbstripout --keep-id

.PHONY: hooks
hooks: $(VENV)/.dev ## Run the same checks at every commit
	$(BIN)/pre-commit install

.PHONY: audit
audit: $(VENV)/.runtime ## Look for known vulnerabilities and licences of what is pinned (needs the network)
	$(BIN)/python .ci/supply_chain.py audit

.PHONY: wheel
wheel: $(VENV)/.runtime ## Build the wheel into dist/
	$(BIN)/python -m hatchling build -t wheel

.PHONY: site
site: $(VENV)/.site ## Build the pages into build/site, to be read offline (ARGS=--quick leaves charts and reports out)
	$(BIN)/python .ci/site/build.py $(ARGS)

.PHONY: release
release: $(VENV)/.dev ## Build wheel and source distribution twice, compare and check them, and write the notes
	$(BIN)/python .ci/release.py dist

.PHONY: clean
clean: ## Remove what set-up, tests and builds made; reports stay
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .benchmarks
	find meshlab fitting tests -type d -name __pycache__ -prune -exec rm -rf {} +

# --- set-up ----------------------------------------------------------------------------------------------------------
# A stamp per set of pins: installed once, and again when the pins change. The sets contain one another
# (runtime < lab < test < bench, dev, site) and agree on every version, so they can be installed in any order.

PIN_SETS := runtime lab test bench dev site

$(PIN_SETS:%=$(VENV)/.%): $(VENV)/.%: requirements/%.txt pyproject.toml | $(BIN)/python
	@echo "Installing what '$*' needs …"
ifneq ($(UV),)
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --require-hashes -r $<
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --no-deps --no-build-isolation -e .
else
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@touch $@

# Wheels of what a user installs, for tests that install into an empty environment and reach nothing.
$(VENV)/.wheelhouse: requirements/lab.txt | $(VENV)/.test
	@echo "Downloading the wheels that tests install …"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@rm -rf $(VENV)/wheelhouse
	@$(BIN)/python -m pip download -qq --disable-pip-version-check --require-hashes --only-binary :all: \
		--dest $(VENV)/wheelhouse -r $<
	@touch $@

$(BIN)/python:
ifneq ($(UV),)
	@$(UV) venv --quiet --python '>=3.11' $(VENV)
else
	@test -n "$(PYTHON)" || { echo "meshlab needs Python 3.11 or later; name one with 'make PYTHON=/path/to/python3'" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "no virtual environment: install the venv module of $(PYTHON)" >&2; rm -rf $(VENV); exit 2; }
endif

# --- pins ------------------------------------------------------------------------------------------------------------

# Pins hold for every platform and every Python from 3.11, carry hashes and name no package index.
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--annotation-style line --custom-compile-command 'make pins' pyproject.toml

.PHONY: pins
pins: ## Compile requirements/*.txt from pyproject.toml (needs uv; ARGS=--upgrade for newer releases)
	@test -n "$(UV)" || { echo "make pins needs uv: https://docs.astral.sh/uv" >&2; exit 2; }
	$(COMPILE) $(ARGS) --all-extras --group build --group test --group bench --group dev -o requirements/dev.txt
	$(COMPILE) -c requirements/dev.txt --extra pdf --group build -o requirements/runtime.txt
	$(COMPILE) -c requirements/dev.txt --extra lab --extra app --extra pdf --group build -o requirements/lab.txt
	$(COMPILE) -c requirements/dev.txt --all-extras --group build --group test -o requirements/test.txt
	$(COMPILE) -c requirements/dev.txt --all-extras --group build --group test --group bench -o requirements/bench.txt
	$(COMPILE) -c requirements/dev.txt --all-extras --group build --group test --group site -o requirements/site.txt
	$(BIN)/python .ci/supply_chain.py materials requirements/runtime.cdx.json
