.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
UV := $(VENV)/bin/uv
# Compiled once: every process of the demo and of the tests starts a second earlier.
export UV_COMPILE_BYTECODE := 1
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install demo test real browser shells test-real experiments faults nemesis deflake lock base sbom
help: ## show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.installed: requirements/tools.lock requirements/dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/tools.lock
	$(UV) pip install -q --require-hashes --constraints requirements/dev.lock --python $(VENV)/bin/python \
	  -r pyproject.toml --extra sandbox --extra tools
	$(UV) pip install -q --python $(VENV)/bin/python --no-deps --no-build-isolation -e .
	@touch $@

install: $(VENV)/.installed ## make .venv from the lock

demo: install ## a whole world on this machine: no AWS account, no cluster
	$(VENV)/bin/python -m sandbox $(ARGS)

test: install ## lint, types, import rules and tests, by tox
	$(VENV)/bin/tox run $(ARGS)

real: install ## build or fetch the real parts: kube-apiserver, etcd, DynamoDB Local, Helm, krew, Jaeger, promtool
	$(VENV)/bin/python -m tests.real.build $(ARGS)
	$(VENV)/bin/python -m tests.real.build --kubernetes 1.34 --only kube-apiserver

browser: ## Chromium and its driver for the tests of the status page: from Debian, unless they are on the PATH
	command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
	  { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium chromium-driver; }

shells: ## zsh and fish for the tests of completion: from Debian, unless they are on the PATH
	command -v zsh >/dev/null && command -v fish >/dev/null || \
	  { apt-get update -qq && apt-get install -qq -y --no-install-recommends zsh fish; }

test-real: real ## tests on the real parts
	$(VENV)/bin/tox run -e real

faults: install ## every case of them at full length and size, every negative control and every crash point
	$(VENV)/bin/tox run -e faults,crowds

nemesis: real ## random troubles on the real parts: MINUTES=10 SEED=any
	$(VENV)/bin/python -m tests.nemesis $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

sbom: install ## what the image contains, with versions and licences: dist/sbom.json (CycloneDX)
	$(UV) venv -q --clear build/run && mkdir -p dist
	$(UV) pip install -q --python build/run/bin/python --require-hashes -r requirements/run.lock
	build/run/bin/python deploy/image/slim.py packages build/run
	$(UV) venv -q --clear build/sbom
	$(UV) pip install -q --python build/sbom/bin/python --require-hashes -r requirements/sbom.lock
	build/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/sbom.json build/run/bin/python

experiments: install ## each fault once, with real processes
	$(VENV)/bin/tox run -e experiments

deflake: install ## the tests ten times in random orders, until one fails
	for n in 1 2 3 4 5 6 7 8 9 10; do $(VENV)/bin/tox run -q -e tests || exit 1; done

base: ## write the digest of the base image, as the registry has it now, into the Dockerfile
	$(PYTHON) deploy/image/pin.py

# Renovate reads these commands at the top of the locks, and runs them in the order of the names. It takes long options
# with `=` only. The one of all packages is first: each version in the others is its.
COMPILE = $(UV) pip compile -q --universal --python-version=3.11 --generate-hashes
lock: install ## resolve the dependencies anew
	$(COMPILE) --all-extras --output-file=requirements/dev.lock pyproject.toml
	$(COMPILE) --constraints=requirements/dev.lock --output-file=requirements/run.lock pyproject.toml
	$(COMPILE) --constraints=requirements/dev.lock --output-file=requirements/sbom.lock requirements/sbom.in
	$(COMPILE) --constraints=requirements/dev.lock --output-file=requirements/tools.lock requirements/tools.in
