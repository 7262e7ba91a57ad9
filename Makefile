# Every target works from a clean clone: it builds the virtual environment first if it is missing or stale.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test test-crash test-stateful test-mutants test-fleet test-stripe lint bench lock clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(INSTALLED) ## Make the virtual environment with the pinned dependencies

# Bytecode is compiled once here, which takes more than two seconds off every later start.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "payouts needs Python 3.11 or later; '$(PYTHON)' is older. Say: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up .venv (once; takes a minute or two) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib payouts_pipeline >/dev/null || true
	@touch $@

demo: $(INSTALLED) ## Run the main job: yesterday's matches, settled, on embedded parts
	@$(BIN)/payouts demo

dev: $(INSTALLED) ## The same parts with the Dagster UI and the schedule
	@$(BIN)/payouts dev

test: $(INSTALLED) ## Run the tests, in three processes, each with real parts of its own
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

test-crash: $(INSTALLED) ## Run pairs of faults (CRASH_PAIRS=900 CRASH_SEED=1 CRASH_LANES=4)
	@$(BIN)/pytest -q -m crash payouts_tests/crash

test-stateful: $(INSTALLED) ## Run random histories of leagues and failures (STATEFUL_EXAMPLES=300 STATEFUL_SEED=1)
	@PAYOUTS_STATEFUL_EXAMPLES=$(or $(STATEFUL_EXAMPLES),300) PAYOUTS_STATEFUL_SEED=$(STATEFUL_SEED) \
	  $(BIN)/pytest -q -s --timeout=0 payouts_tests/stateful

test-mutants: $(INSTALLED) ## Take guards out of the code one by one and see that tests notice
	@$(BIN)/python -m payouts_tests.mutants

test-fleet: $(INSTALLED) ## Let a fleet settle a day while everything fails (FLEET_INSTRUCTIONS=20000 FLEET_SEED=1)
	@$(BIN)/python -m payouts_tests.fleet

test-stripe: $(INSTALLED) ## Compare the emulator, and with STRIPE_TEST_KEY=sk_test_... Stripe's test mode, with what Stripe documents
	@$(BIN)/pytest -q -rs --tb=short -m '' payouts_tests/contract

# An instance of its own for `dg`: that of `dagster.yaml` needs a database, and one without a file sends usage figures.
lint: $(INSTALLED) ## Check style, formatting, types, the layers of the rooms, and that Dagster loads the definitions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@mkdir -p .payouts/lint && printf 'telemetry:\n  enabled: false\n' >.payouts/lint/dagster.yaml
	@DAGSTER_HOME=$(CURDIR)/.payouts/lint $(BIN)/dg check defs

bench: $(INSTALLED) ## Print the measured ratios
	@$(BIN)/python -m payouts_tests.bench

lock: $(INSTALLED) ## Resolve the dependencies anew into requirements.lock (needs uv)
	@uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --no-strip-extras --quiet --output-file requirements.lock

clean: ## Remove the virtual environment and all local state
	@rm -rf $(VENV) .payouts
