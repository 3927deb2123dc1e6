# Everything a person needs to run, test and change Hansa. `make help` lists it.
# Needs Python 3.11 or newer, make and git; all else goes into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 \
	&& $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
CITY ?= coquimbo
PORT ?= 1356
FOLDER ?= node
SUITE ?=
ADVISORIES ?=
ARGS ?=
PYTEST_ARGS ?= -n 2 --dist loadgroup

.PHONY: help install demo serve test check lint format docs docs-pages bench conformance clients oidc oracles fuzz faults kills bill audit clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: $(VENV)/.installed ## Make .venv with what the demonstration needs

demo: install ## Build a real city and serve it (CITY=helsinki for the other one, PORT, ARGS for more)
	@exec $(BIN)/hansa demo --city $(CITY) $(if $(filter file,$(origin PORT)),,--port $(PORT)) $(ARGS)

serve: install ## Serve the node in FOLDER (default: node) on PORT
	@test -d "$(FOLDER)" || $(BIN)/hansa init "$(FOLDER)"
	@exec $(BIN)/hansa serve --folder "$(FOLDER)" --port $(PORT) $(ARGS)

test: $(VENV)/.tested ## Linters, types, bill of materials and all tests, with what they need
	@scripts/test-prerequisites
	@$(MAKE) --no-print-directory lint bill
	$(BIN)/python -m pytest $(PYTEST_ARGS) -m "not browser" $(ARGS)
	@# Playwright keeps an event loop running, so its tests have a process of their own.
	$(BIN)/python -m pytest -m browser $(ARGS)

lint: $(VENV)/.tested ## Format, lint and types, without changing anything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.tested ## Bring the code into the house's form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.documented docs-pages ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-pages: install ## Write the generated reference pages again
	$(BIN)/python -m scripts.reference
	$(BIN)/python conformance/asvs/page.py > docs/validation/security.md

bench: $(VENV)/.tested ## Measure, and say on what machine
	$(BIN)/python -m benchmarks.store
	$(BIN)/python -m benchmarks.history
	$(BIN)/python -m benchmarks.http $(ARGS)

conformance: $(VENV)/.tested ## Run the NGSI-LD conformance suite in SUITE (a checkout of it)
	@test -d "$(SUITE)/TP/NGSI-LD" || { echo "Say where the suite is: make conformance SUITE=/path (see conformance/ngsi-ld/README.md)" >&2; exit 1; }
	@test -x $(VENV)/conformance/bin/robot || { $(BIN)/python -m venv $(VENV)/conformance \
		&& cd "$(SUITE)" && "$(CURDIR)/$(VENV)/conformance/bin/pip" install --disable-pip-version-check --quiet -r requirements.txt; }
	$(BIN)/python conformance/ngsi-ld/run.py "$(SUITE)" --robot "$(CURDIR)/$(VENV)/conformance/bin/robot" $(ARGS)

clients: $(VENV)/.tested ## Let other people's client libraries and payloads drive a node
	@for name in ngsildclient filip pysmartdatamodels; do \
		test -x "$(VENV)/clients/$$name/bin/pip" || $(BIN)/python -m venv "$(VENV)/clients/$$name"; done
	@# Of the last one only the list of models is read, not its code: so without what that needs.
	@for name in ngsildclient filip "--no-deps pysmartdatamodels"; do \
		"$(VENV)/clients/$${name##* }/bin/pip" install --disable-pip-version-check --quiet $$name; done
	$(BIN)/python -m pytest -s tests/clients $(ARGS)

oidc: $(VENV)/.tested ## Log in at a real OpenID provider on this machine, in a browser too
	$(BIN)/python -m pytest -s tests/oidc tests/web/browser/test_login_in_browser.py $(ARGS)

oracles: $(VENV)/.tested ## Compare with independent programs, each in an environment of its own
	@test -x "$(VENV)/oracles/bin/pip" || $(BIN)/python -m venv "$(VENV)/oracles"
	@$(VENV)/oracles/bin/pip install --disable-pip-version-check --quiet "pymerkle==7.0.0" "pycanon==1.3.6"
	$(BIN)/python -m pytest -s tests/oracles $(ARGS)

fuzz: $(VENV)/.tested ## Throw 100,000 hostile requests at nodes, and more (ARGS="--requests N --seed S --book FILE")
	$(BIN)/python -m benchmarks.fuzz --requests 100000 $(ARGS)

faults: $(VENV)/.tested ## Put three federated nodes under random faults for an hour (ARGS="--seconds N --seed S")
	$(BIN)/python -m benchmarks.faults $(ARGS)

bill: $(VENV)/.tested ## Write what a node is made of: bill of materials (CycloneDX) and licences, into build/
	$(BIN)/python -m scripts.bill build

audit: $(VENV)/.tested bill ## Ask the advisory database about every package of the bill (ADVISORIES=all.zip: its export, without the internet)
ifeq ($(ADVISORIES),)
	@test -x $(VENV)/audit/bin/pip-audit || { $(BIN)/python -m venv $(VENV)/audit \
		&& $(VENV)/audit/bin/pip install --disable-pip-version-check --quiet pip-audit; } \
		|| { echo "NOT AUDITED: pip-audit cannot be installed here. Bring the export of the advisories: make audit ADVISORIES=all.zip" >&2; exit 2; }
	$(BIN)/python -m scripts.audit build --tool $(VENV)/audit/bin/pip-audit $(ARGS)
else
	$(BIN)/python -m scripts.audit build --advisories "$(ADVISORIES)" $(ARGS)
endif

kills: $(VENV)/.tested ## kill -9 in the middle of writes, notifications and compaction, 50 times each (ARGS="--kills N")
	$(BIN)/python -m benchmarks.kills $(ARGS)

clean: ## Remove everything that was built (not your nodes)
	rm -rf $(VENV) site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis test-artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- environments: one folder, three depths; each is made once and again when pyproject.toml changes

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Hansa needs Python 3.11 or newer; none was found. Install it, or say where it is: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python could not make an environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@$(BIN)/python scripts/install.py demo
	@touch $@

$(VENV)/.tested: pyproject.toml $(VENV)/.installed
	@$(BIN)/python scripts/install.py demo test
	@touch $@

$(VENV)/.documented: pyproject.toml $(VENV)/.installed
	@$(BIN)/python scripts/install.py demo docs
	@touch $@
