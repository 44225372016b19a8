# `make` alone lists what there is. Everything is installed below .venv/ and kept below var/; `make clean` removes the first only.

PYTHON ?= python3
PORT ?= 8000
HTTPS ?=

VENV := .venv
BIN := $(VENV)/bin
# Each is written last, when all that it stands for is installed, and removed before anything is changed.
RUN_STAMP := $(VENV)/installed-run
DEV_STAMP := $(VENV)/installed-dev
# npm writes it last.
NPM_STAMP := node_modules/.package-lock.json
RIVALS := bench/rivals/$(NPM_STAMP)
LIGHTHOUSE := bench/lighthouse/$(NPM_STAMP)
WAGTAIL := bench/rivals/wagtail_site/.venv/installed
LOCK := pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet $(if $(UPGRADE),--upgrade) pyproject.toml
# Three processes, since tests wait more than they work; which runs what says tests/conftest.py.
PYTEST := -m pytest -p tests.environment --numprocesses 3 --dist loadscope --no-loadscope-reorder
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --require-hashes

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run dev admin test test-long test-fast conformance bench bundle lint audit format lock clean python debian catalogues translations

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: catalogues  ## serve the site on this machine; PORT=9000 elsewhere, HTTPS=1 for phones on this network
	@exec $(BIN)/python -m gruveo.local --port "$(PORT)" $(if $(filter 1 yes true on,$(HTTPS)),--https)

dev: export DEBUG = 1
dev: export SITE_ORIGINS = http://localhost:$(PORT),http://127.0.0.1:$(PORT)
dev: catalogues  ## the same for programmers: reloads when a file changes, shows tracebacks
	@$(BIN)/python manage.py migrate --verbosity 0
	@exec $(BIN)/python manage.py runserver "$(PORT)"

admin: $(RUN_STAMP)  ## make an administrator of the site that `make run` serves
	@$(BIN)/python -m gruveo.local --prepare && exec $(BIN)/python manage.py createsuperuser

test: debian $(DEV_STAMP) $(LIGHTHOUSE) catalogues lint  ## everything: lint, Python, JavaScript, the real server, Chromium
	@$(BIN)/python $(PYTEST)

test-long: debian $(DEV_STAMP) catalogues  ## the long tests at their full sizes, in stages; goes on where it was, writes bench/RESULTS.md
	@$(BIN)/python -m tests.long $(STAGE)

test-fast: $(DEV_STAMP) catalogues  ## the tests that need neither a server process nor Chromium
	@$(BIN)/python $(PYTEST) -m "not server and not browser and not slow"

conformance: $(DEV_STAMP) catalogues  ## ask a server whether it keeps docs/protocol.md: URL=wss://host/signaling, or none for one that is started
	@CONFORMANCE_URL="$(URL)" CONFORMANCE_ORIGIN="$(ORIGIN)" $(BIN)/python -m pytest -p tests.environment tests/conformance

bench: debian $(DEV_STAMP) $(RIVALS) $(LIGHTHOUSE) $(WAGTAIL) catalogues  ## measure this server beside other systems, some hours; QUICK=1 roughly, in 10
	@$(BIN)/python -m bench $(if $(filter 1 yes true on,$(QUICK)),--quick)

bundle: $(RUN_STAMP)  ## what Elastic Beanstalk is given, ROLE=web or ROLE=signaling, from what is committed; docs/deploy.md
	@$(BIN)/python -m deploy.bundle "$(ROLE)"

lint: $(DEV_STAMP)  ## ruff, which changes nothing; and whether packages have known holes, if PyPI can be asked
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m tests.audit

audit: $(DEV_STAMP)  ## fail when a package of requirements.txt has a known hole, or nothing could be asked
	@$(BIN)/python -m tests.audit --strict

format: $(DEV_STAMP)  ## ruff, which lays out the code anew
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

translations: $(DEV_STAMP)  ## take what the code says now into locale/, for translators; docs/languages.md
	@$(BIN)/python -m gruveo.catalogues update

lock: $(DEV_STAMP)  ## write requirements*.txt anew after a change of pyproject.toml; UPGRADE=1 takes the newest versions
	@$(BIN)/uv $(LOCK) -o requirements.txt
	@$(BIN)/uv $(LOCK) --extra dev -o requirements-dev.txt
	@$(BIN)/uv $(subst pyproject.toml,bench/rivals/wagtail_site/requirements.in,$(LOCK)) -o bench/rivals/wagtail_site/requirements.txt

clean:  ## remove what was installed; the site's data in var/ stays
	@rm -rf $(VENV) .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +

$(RUN_STAMP): requirements.txt | python
	@rm -f $(RUN_STAMP) $(DEV_STAMP)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the Python packages of requirements.txt into $(VENV)/; this takes a minute, and only now."
	@$(PIP) -r requirements.txt
	@touch $@

# Holds all of requirements.txt, in the same versions.
$(DEV_STAMP): requirements-dev.txt $(RUN_STAMP)
	@rm -f $(RUN_STAMP) $(DEV_STAMP)
	@echo "Installing the Python packages of requirements-dev.txt into $(VENV)/; this takes a minute, and only now."
	@$(PIP) -r requirements-dev.txt
	@touch $(RUN_STAMP) $@

%/$(NPM_STAMP): %/package-lock.json | $(DEV_STAMP)
	@echo "Installing the npm packages of $*/package.json, and only now."
	@$(BIN)/python -m bench.npm $*
	@touch $@

# What the site reads of locale/; a moment, each time.
catalogues: $(RUN_STAMP)
	@$(BIN)/python -m gruveo.catalogues

$(WAGTAIL): bench/rivals/wagtail_site/requirements.txt | $(DEV_STAMP)
	@echo "Installing Wagtail into an environment of its own, and only now."
	@$(BIN)/python -m bench.wagtail
	@touch $@

python:
	@command -v $(PYTHON) >/dev/null || { echo "Gruveo needs Python 3.11 or newer, and there is no $(PYTHON): apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Gruveo needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Name another: make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments yet: apt-get install python3-venv"; exit 1; }

debian: tests/debian.py
	@$(PYTHON) tests/debian.py
