# Every target does its own set-up: Python 3.11 or newer, make and git are all that must be there.
#   PYTHON=python3.12   the Python to make the virtual environment with
#   ARGS="-k upload"    what else to tell pytest
#   JOBS=0              how many processes run tests; 0: all in one, which a debugger needs
#   PORT=8001           where `make serve` listens
#   EXAMPLES=1000       how many random requests `make fuzz` makes for each operation; FUZZ_SEED=7 repeats a run
#   UPGRADE=--upgrade   lets `make lock` take newer versions
#   APT=no              never install Debian packages
PYTHON ?= python3
PORT ?= 8000
EXAMPLES ?= 300
JOBS ?= 2
BIN := .venv/bin
SETUP := $(PYTHON) tools/setup.py
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.11 \
	--custom-compile-command "make lock" $(UPGRADE)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo serve test fuzz check bench soak lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

demo: ## store a real backup, get it back, compare every file
	@$(SETUP) serve
	@$(BIN)/python tools/demo.py

serve: ## leave a server running on ./var
	@$(SETUP) serve
	@exec $(BIN)/python tools/serve.py --port $(PORT)

test: ## run all tests
	@$(SETUP) test
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

fuzz: ## send random requests to a real server, other ones each time
	@$(SETUP) test
	@FUZZ_EXAMPLES=$(EXAMPLES) FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} $(BIN)/python -m pytest -n 0 $(ARGS) server/tests/api/test_fuzz.py

check: ## lint, format, types, import rows
	@$(SETUP) dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/mypy client/tests
	@$(BIN)/lint-imports --no-logo

bench: ## measure everything, with peers beside it; ARGS=--quick with little data
	@$(SETUP) test
	@PYTHONPATH=server/tests:tools $(BIN)/python -m bench.run $(ARGS)

soak: ## 30 GB up and down through both NGINX; needs 31 GB of room, removes everything
	@$(SETUP) test
	@PYTHONPATH=server/tests:tools $(BIN)/python -m bench.soak $(ARGS)

lock: ## write requirements/*.txt from requirements/*.in
	@$(SETUP) dev
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) -c requirements/dev.txt requirements/server.in -o requirements/server.txt
	$(COMPILE) -c requirements/dev.txt requirements/client.in -o requirements/client.txt
	$(COMPILE) -c requirements/dev.txt requirements/build.in -o requirements/build.txt

clean: ## remove the virtual environment and caches; ./var stays
	rm -rf .venv .coverage htmlcov .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
