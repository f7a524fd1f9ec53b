# Every target explains itself: make help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ARGS ?=
export PYTHONUNBUFFERED := 1
export DJANGO_SETTINGS_MODULE ?= loyalty_saas.settings.base

.DEFAULT_GOAL := help
.PHONY: help install demo test torture run worker format lint types check project schema bench docs migrate lock

help:  ## Show this list
	@awk 'BEGIN {FS = ":.*##"} /^[a-z]+:.*##/ {printf "  make %-9s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Create .venv and install the locked dependencies (other targets do it by themselves)

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) \
		|| { echo "Python's venv module is incomplete; on Debian: apt-get install python3-venv" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements.lock
	@touch $@

demo: $(INSTALLED)  ## Start everything with demonstration data on http://127.0.0.1:8000 (ARGS="--once --port N --reset")
	@$(BIN)/python -m loyalty_saas.demo $(ARGS)

test: $(INSTALLED)  ## Run the test suite on its own PostgreSQL, or on TEST_DATABASE_URL (ARGS="-k name")
	@DJANGO_SETTINGS_MODULE=loyalty_saas.settings.test \
		$(BIN)/python -m loyalty_saas.embedded.run --directory var/test -- $(BIN)/python -m pytest -q -n 3 --dist loadgroup $(ARGS)

torture: $(INSTALLED)  ## The ledger's state machine, the races and the kill tests in their long form (EXAMPLES=2000 KILLS=1000 OPENAPI=50)
	@LEDGER_MACHINE_EXAMPLES=$(or $(EXAMPLES),2000) LEDGER_MACHINE_STEPS=50 RACE_ATTEMPTS=$(or $(ATTEMPTS),20000) \
		RACE_CODES=1000 RACE_TWINS=50 HOT_ATTEMPTS=10000 KILLS=$(or $(KILLS),1000) OPENAPI_EXAMPLES=$(or $(OPENAPI),50) \
		DJANGO_SETTINGS_MODULE=loyalty_saas.settings.test \
		$(BIN)/python -m loyalty_saas.embedded.run --directory var/test -- $(BIN)/python -m pytest -q \
		tests/torture tests/rewards/test_ledger_machine.py tests/races tests/loyalty_saas/test_worker.py \
		tests/loyalty_saas/test_beat.py tests/loyalty_saas/embedded \
		tests/crm/services/imports tests/rewards/services/test_balance_imports.py \
		-k "torture or machine or model or races or test_worker or test_beat or kill" $(ARGS)

run: $(INSTALLED)  ## Serve HTTP on your own DATABASE_URL and REDIS_URL (PORT=8000)
	@$(BIN)/gunicorn --config python:loyalty_saas.gunicorn --bind 127.0.0.1:$(or $(PORT),8000)

worker: $(INSTALLED)  ## Work off every queue on your own DATABASE_URL and REDIS_URL
	@$(BIN)/python -m loyalty_saas.worker $(ARGS)

migrate: $(INSTALLED)  ## Bring the database of DATABASE_OWNER_URL to the current schema
	@$(BIN)/python manage.py migrate --database owner $(ARGS)

format: $(INSTALLED)  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

lint: $(INSTALLED)  ## Find mistakes and forbidden imports
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports

types: $(INSTALLED)  ## Check types
	@$(BIN)/mypy tenants crm rewards recommendations loyalty_saas

check: $(INSTALLED)  ## Everything that must hold before a merge, apart from the tests
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory --jobs 2 --output-sync types project lint

project: $(INSTALLED)  ## Hold a migrated database and the API's description against the code
	@$(BIN)/python -m loyalty_saas.embedded.run --product --directory var/check -- .ci/check-project

schema: $(INSTALLED)  ## Write docs/openapi.yaml again after a change of the API
	@$(BIN)/python manage.py spectacular --file docs/openapi.yaml

bench: $(INSTALLED)  ## Measure and print one JSON line per measure (NAME=demo, ingest, ledger, segments, ...)
	@test -n "$(NAME)" -a -x "bench/$(NAME)" \
		|| { echo "Usage: make bench NAME=..., one of:" $$(cd bench; for each in *; do test -x $$each -a -f $$each && echo $$each; done) >&2; exit 2; }
	@$(BIN)/python bench/$(NAME) $(ARGS)

docs: $(INSTALLED)  ## Check that the links inside the documentation lead somewhere
	@$(BIN)/python docs/check_links.py

lock: $(INSTALLED)  ## Resolve pyproject.toml into requirements.lock again
	@$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--python-version 3.11 --all-extras --quiet pyproject.toml -o requirements.lock
