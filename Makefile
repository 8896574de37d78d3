.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
UV := $(VENV)/bin/uv

.PHONY: help install demo test lock lint deflake
help: ## show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.installed: requirements/sandbox.lock requirements/uv.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q --disable-pip-version-check -r requirements/uv.lock
	$(UV) pip install -q --python $(VENV)/bin/python -r requirements/sandbox.lock
	$(UV) pip install -q --python $(VENV)/bin/python --no-deps -e .
	@touch $@

install: $(VENV)/.installed ## make .venv from the lock

demo: install ## a whole world on this machine: no AWS account, no cluster
	$(VENV)/bin/python -m sandbox $(ARGS)

test: install ## lint, types, import rules and tests, by tox
	$(UV) tool run --from tox==$$(sed -n 's/^tox==//p' requirements/dev.lock) tox run $(ARGS)

lock: install ## resolve the dependencies anew
	$(UV) pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --generate-hashes pyproject.toml -o requirements/run.lock
	$(UV) pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --generate-hashes --extra sandbox pyproject.toml -c requirements/run.lock -o requirements/sandbox.lock
	$(UV) pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --generate-hashes --extra sandbox --extra dev pyproject.toml -c requirements/sandbox.lock -o requirements/dev.lock
