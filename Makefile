# Two commands matter: `make serve` and `make test`. Everything they need is installed into .venv from locked, hashed lists.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help serve test check format lock bench loadtest clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(VENV)/.serve ## install, start the embedded PostgreSQL, migrate, seed on the first run, serve
	@exec $(BIN)/idnode serve

test: $(VENV)/.dev ## all tests, on a real PostgreSQL that the tests start themselves
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/.dev ## format, lint, floors, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

format: $(VENV)/.dev ## write the code the way `make check` wants it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## measure this machine: ratios between runs side by side
	$(BIN)/python -m loadtest.bench

loadtest: $(VENV)/.dev ## users on a node of its own, judged by loadtest/objectives.toml; OPTIONS="--scale 0.5", say
	$(BIN)/python -m loadtest.run $(OPTIONS)

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
		--upgrade pyproject.toml requirements/build.in --output-file requirements/serve.txt
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
		--upgrade --extra dev --constraint requirements/serve.txt pyproject.toml requirements/build.in --output-file requirements/dev.txt

clean: ## remove what was installed; data in .idnode stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "idnode needs Python 3.11 or newer, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)

# The package itself is installed editable: no build isolation, because the build backend is in the locked list.
$(VENV)/.serve: requirements/serve.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --require-hashes --requirement requirements/serve.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.serve
	$(INSTALL) --require-hashes --requirement requirements/dev.txt
	@touch $@
