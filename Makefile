# What one can do here. `make help` lists it.

SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
PACKAGES := accounts market portfolio alerts cryptopulse tests
PYTEST := $(BIN)/pytest -q
# The engine's own tests bring their own database; `test` runs them.
WITHOUT_ENGINE := --ignore=tests/dynamodb

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run run-dynamodb demo-logins test test-fast test-postgres test-dynamodb \
        test-django test-browser test-processes soak bench bench-growth bench-engine bench-pages lint types migrations-check deploy-check \
        format messages ci screenshots clean

help: ## List the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# --- Setting up -----------------------------------------------------------------------------

.venv/.python:
	@test -w . || { echo "This folder is read-only: $$PWD. Copy CryptoPulse to a place where you may write."; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name it: make PYTHON=/path/to/python run"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "CryptoPulse needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1 | cut -d' ' -f2). Name a newer one: make PYTHON=python3.12 run"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python could not make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/.production: requirements.txt | .venv/.python
	@echo "Installing the pinned requirements ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.development: requirements.txt requirements-dev.txt | .venv/.python
	@echo "Installing the requirements of testing ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/.production

node_modules/.installed: package-lock.json
	@if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "npm is not here: pages use the system's font and server-drawn charts."; fi

CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))

# They are in git; this is for whoever edits a .po file.
locale/%.mo: locale/%.po | .venv/.production
	@DEBUG=1 $(MANAGE) translations compile

setup: .venv/.production node_modules/.installed $(CATALOGUES) ## Install what running needs (run does it by itself)

setup-dev: .venv/.development node_modules/.installed ## Install what testing needs (test does it by itself)

# --- Running --------------------------------------------------------------------------------

run: setup ## Run everything in one process; PORT=8000
	@DEBUG=$${DEBUG:-1} exec $(MANAGE) pulse

run-dynamodb: setup ## The same on a DynamoDB of this machine, which keeps its file in LOCAL_DIR
	@DEBUG=$${DEBUG:-1} exec $(BIN)/python -m cryptopulse.dynamodb pulse

demo-logins: setup ## Print the demo log-ins again
	@DEBUG=$${DEBUG:-1} $(MANAGE) demo_logins

# --- Checking -------------------------------------------------------------------------------

test: setup-dev ## The suite on SQLite, from nothing
	$(PYTEST) -n auto --dist loadgroup -m "not browser and not processes"

test-fast: setup-dev ## The same, stopping at the first failure, only what failed last if anything did
	$(PYTEST) -n auto -x --ff -m "not browser and not processes"

test-postgres: setup-dev ## What touches a database, on PostgreSQL (DATABASE_URL, by default the server on this machine)
	DATABASE_URL=$${DATABASE_URL:-postgres://postgres@127.0.0.1:5432/postgres} $(PYTEST) -n 2 --dist loadgroup $(WITHOUT_ENGINE) -m "database and not browser and not processes"

test-dynamodb: setup-dev ## What touches a database, on DynamoDB (DATABASE_URL, by default a server in memory per core)
	DATABASE_URL=$${DATABASE_URL:-dynamodb://us-east-1/cryptopulse} $(PYTEST) -n auto --dist loadgroup $(WITHOUT_ENGINE) -m "database and not browser and not processes"

test-django: setup-dev ## Django's own suite on the engine; APPS="basic lookup", ARGS=--commit|--sqlite|--short
	$(BIN)/python -m tests.django_suite $(ARGS) $(APPS)

test-processes: setup-dev ## The real processes: start, trade, kill, start again; two webs, a worker and a beat
	$(PYTEST) -m processes

test-browser: setup-dev ## Pages in a real Chromium, two at a time; failures leave pictures and traces
	$(PYTEST) -n 2 --dist loadgroup -m browser

soak: setup-dev ## Ten minutes of clients, kills and outages; nothing lost, nothing doubled. SECONDS=600
	$(BIN)/python -m tests.recovery.soak

bench: setup-dev ## Every measurement beside its peer; ONLY="fanout alerts"
	@ONLY="$(ONLY)" $(BIN)/python -m benchmarks

bench-growth: setup-dev ## What grows with coins, people, alerts and history, and the bill of ten million
	$(BIN)/python -m benchmarks.growth

bench-engine: setup-dev ## What the DynamoDB engine costs over plain boto3
	$(BIN)/python -m benchmarks.engine

bench-pages: setup-dev ## What each page costs the server, for each role: time, queries, bytes
	$(BIN)/python -m benchmarks.pages

lint: setup-dev ## Style, import contracts, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint --lint --quiet templates

types: setup-dev ## mypy, strict
	SECRET_KEY=types DEBUG=0 $(BIN)/mypy $(PACKAGES)

messages: setup-dev ## Find our texts, bring locale/ up to date, compile it, say what is not translated
	DEBUG=1 $(MANAGE) translations extract compile check

migrations-check: setup-dev ## Models and migrations agree
	DEBUG=1 $(MANAGE) makemigrations --check --dry-run

PRODUCTION := READ_DOTENV=0 DEBUG=0 ALLOWED_HOSTS=cryptopulse.example SITE_URL=https://cryptopulse.example \
	REDIS_URL=redis://127.0.0.1:6379/0 DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres \
	EMAIL_TRANSPORT=ses DEFAULT_FROM_EMAIL=noreply@cryptopulse.example

deploy-check: setup-dev ## Django's and our own checks are clean with production settings
	@export SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') $(PRODUCTION) && \
	$(MANAGE) collectstatic --noinput --verbosity 0 && $(MANAGE) check --deploy --fail-level WARNING

format: setup-dev ## Let ruff mend what it can
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

ci: setup-dev ## Everything but the benchmarks, side by side where it can be
	$(MAKE) --no-print-directory -j2 --output-sync=target lint types migrations-check deploy-check
	$(MAKE) --no-print-directory test
	$(MAKE) --no-print-directory -j3 --output-sync=target test-processes test-postgres test-django ARGS=--short
	$(MAKE) --no-print-directory -j2 --output-sync=target test-dynamodb test-browser

screenshots: setup-dev ## Draw every page for every role into .local/screenshots
	$(BIN)/python -m tests.browser.screenshots

clean: ## Remove what setup and runs have made; the database in .local stays
	rm -rf .venv node_modules staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
