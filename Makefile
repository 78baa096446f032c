# The front door. `make` shows what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:

# Any Python from 3.8 on; it only fetches uv, which picks a Python 3.11 to 3.13 for the rest.
PYTHON3 ?= python3
BIN := .venv/bin
# Made when .venv is what the lock says.
READY := .venv/.ready

# As they were typed: make would take "$40" in a goal for a variable of its own.
override GOAL := $(value GOAL)
override CATALOGUE := $(value CATALOGUE)
export GOAL CATALOGUE

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY)

$(READY): pyproject.toml uv.lock .ci/flagd-core-1.txt .ci/flagd-core-2.txt
	@command -v $(PYTHON3) > /dev/null || { echo "set-up failed: $(PYTHON3) is not on PATH; name one with PYTHON3=/path/of/python3" >&2; exit 1; }
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 8))' || { echo "set-up failed: $(PYTHON3) is older than 3.8; name a newer one with PYTHON3=/path/of/python3" >&2; exit 1; }
	@$(PYTHON3) -B .ci/setup.py
	@touch $@

.PHONY: demo
demo: $(READY) ## See a goal become a routed, checked plan; GOAL="..." CATALOGUE=tools.json take your own
	@worker="$$($(BIN)/python -B .ci/second_language.py)"; \
	$(BIN)/genesis demo $${GOAL:+--goal "$$GOAL"} $${CATALOGUE:+--catalogue "$$CATALOGUE"} $${worker:+"$$worker"}

.PHONY: serve
serve: $(READY) ## Run a server on 127.0.0.1:50051; settings are GENESIS_* variables
	@exec $(BIN)/genesis serve

.PHONY: test
test: $(READY) ## Run every test and hold branch coverage of server/ at 90 %
	@$(BIN)/python .ci/test.py

.PHONY: check
check: $(READY) ## Format, lint, types, floors, contract, names, house rules
	@$(BIN)/python .ci/check.py

.PHONY: proto
proto: $(READY) ## Write the stubs of the contract again, for every language whose toolchain is there
	@$(BIN)/python protos/contract.py stubs
	@$(BIN)/python protos/clients.py

.PHONY: clients
clients: $(READY) ## Build the clients, run the same scenarios by each against one server, show the table
	@$(BIN)/python tests/conformance/run.py

.PHONY: bench
bench: $(READY) ## Measure speed and size next to a bare server; RECORD=1 keeps the run; BENCH="--only layers" are options
	@$(BIN)/python tests/bench/run.py $(if $(RECORD),--record) $(BENCH)

.PHONY: quality
quality: $(READY) ## Measure plans, routes and verdicts on the data sets of GENESIS_DATA; QUALITY="--only asynchow" are options
	@$(BIN)/python tests/quality/run.py $(QUALITY)

.PHONY: data
data: $(READY) ## Tell where each public data set is from, which are here, and whether their files are as they should be
	@$(BIN)/python tests/quality/data.py

.PHONY: clean
clean: ## Remove everything that make has made
	rm -rf .venv .tools .coverage .coverage.* .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
