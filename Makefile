# Two commands do everything on a fresh machine: `make demo` shows the product, `make test` proves it.
# Targets call one program each; logic lives where it has tests.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
BASE ?= postgres:17

.DEFAULT_GOAL := help
.PHONY: help setup system demo test check unit lint drift pgtap leak bench bench-postgres bench-migrate bench-pgtap \
        bench-rls bench-landlord bench-queue bench-queue-own bench-audit bench-limits bench-retention bench-leak \
        bench-leak-scaling bench-lint fuzz-lint leak-mutate readiness docs baselines docker-image clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/installed ## Install dbkit and what the demo needs into .venv

$(VENV)/installed: pyproject.toml scripts/setup.sh
	@PYTHON=$(PYTHON) scripts/setup.sh $(VENV)
	@touch $@

system: ## As root on Debian: install pgTAP, pg_cron, PgBouncer and a Docker engine for the tests
	@scripts/system-packages.sh

demo: setup ## From nothing to proven isolation on a disposable server
	@$(BIN)/dbkit demo

test: setup system check drift pgtap leak unit ## Install what the tests need and run everything

check: setup ## Check the code: ruff, mypy, and dbkit lint on our own SQL
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/dbkit lint

unit: setup ## Run the Python tests
	$(BIN)/pytest -n 2 --dist loadgroup

lint: setup ## Lint our own SQL
	$(BIN)/dbkit lint

drift: setup ## Prove that declared SQL and migrations agree
	$(BIN)/dbkit drift

pgtap: setup ## Run the pgTAP tests
	$(BIN)/dbkit test

leak: setup ## Prove that no tenant reaches another
	$(BIN)/dbkit leak

readiness: setup ## Measure what the landlord platform promises, criterion by criterion
	$(BIN)/dbkit readiness landlord

leak-mutate: setup ## Break one guard at a time and expect the proof to find it
	$(BIN)/dbkit leak --mutate

bench: bench-postgres bench-migrate bench-pgtap bench-rls bench-landlord bench-queue bench-queue-own bench-audit bench-limits bench-retention bench-leak bench-leak-scaling bench-lint ## Run all benchmarks

bench-postgres: setup ## Cold server and fresh database against the floor
	$(BIN)/python bench/postgres.py

bench-migrate: setup ## Migration runner against psql and peers
	$(BIN)/python bench/migrate.py

bench-pgtap: setup ## dbkit test against pg_prove
	$(BIN)/python bench/tap.py

bench-rls: setup ## Policies against hand-written filters
	$(BIN)/python bench/rls.py

bench-landlord: setup ## The landlord platform at its design size: screens, role look-ups, an import
	$(BIN)/python bench/landlord.py

bench-queue: setup ## The job queue against its peers and a bare table
	$(BIN)/python bench/jobqueue.py

bench-queue-own: setup ## The queue's design: cost, old snapshots, fairness, backlogs (PARTS="cost fair")
	$(BIN)/python bench/queue_own.py $(PARTS)

bench-audit: setup ## Audited tables against unaudited ones
	$(BIN)/python bench/audit.py

bench-limits: setup ## Limiter, idempotency keys and cache against the cheapest statements
	$(BIN)/python bench/limits.py

bench-retention: setup ## A year of retention, night by night
	$(BIN)/python bench/retention.py

bench-leak-scaling: setup ## dbkit leak over 10 to 80 tables
	$(BIN)/python bench/leak_scaling.py

bench-leak: setup ## dbkit leak against schemas with known leaks (CORPUS=DIR JOBS=N)
	$(BIN)/python bench/leak.py $(CORPUS) $(if $(JOBS),--jobs $(JOBS))

bench-lint: setup ## dbkit lint against a corpus of defects and other linters' speed (CORPUS=DIR)
	$(BIN)/python bench/lint.py $(CORPUS)

fuzz-lint: setup ## Feed the linter damaged SQL for a while (MINUTES=10)
	DBKIT_FUZZ_MINUTES=$(or $(MINUTES),10) $(BIN)/pytest -q tests/lint_fuzz

docs: setup ## Regenerate docs/reference
	$(BIN)/dbkit docs --tool

baselines: setup ## Before a release: write the first migration of each module anew
	$(BIN)/python scripts/baselines.py

docker-image: ## Build the disposable image (BASE=postgres:17)
	docker/build.sh $(BASE)

clean: ## Remove the virtual environment and caches of this checkout
	rm -rf $(VENV) .dbkit .mypy_cache .ruff_cache .pytest_cache
