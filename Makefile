# Turnout. `make help` lists the targets; they need Python 3.11+ and nothing else installed beforehand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LITELLM := 1.108.7
PORTKEY := 1.15.2
QUICK := tests/unit tests/property tests/contract
.DEFAULT_GOAL := help
# Tests start hundreds of processes: without kept bytecode each of them compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Turnout needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@PYTHON=$(PYTHON) tests/setup venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: install demo test unit integration machine chaos chaos-kills check format schemas lock bench bench-budget bench-cost bench-duplicates clean help
install: $(STAMP) ## Set everything up in .venv

demo: $(STAMP) ## The whole job in under a minute: broker, provider, workers, an outage, and the bill against the invoice
	$(BIN)/turnout demo

test: machine $(STAMP) bench-instructions ## All tests, on a real Apache Kafka (or on TURNOUT_TEST_BROKER=HOST:PORT where one will do)
	$(BIN)/pytest -n auto

unit: $(if $(TURNOUT_TEST_PYTHONS),,$(STAMP)) ## What needs no broker, database or browser (TURNOUT_TEST_PYTHONS="python3.12 python3.13": on each of them)
ifdef TURNOUT_TEST_PYTHONS
	@set -e; for python in $(TURNOUT_TEST_PYTHONS); do \
	  $(MAKE) --no-print-directory $@ TURNOUT_TEST_PYTHONS= PYTHON=$$python VENV=build/pythons/$$(echo $$python | tr / _); \
	done
else
	TURNOUT_TEST_EXAMPLES=0.25 $(BIN)/pytest -n logical --dist worksteal -m "not long" $(QUICK)
endif

integration: machine $(STAMP) ## What does need them
	$(BIN)/pytest -n auto tests/integration tests/chaos

machine: ## Install what the tests run and this machine lacks: Java, Maven, Chromium, PostgreSQL, kcat, valgrind
	@PYTHON=$(PYTHON) tests/setup

.PHONY: mutants
mutants: $(STAMP) ## Put each deliberate defect of tests/mutants.toml into a copy of the code; a test must catch it (ONLY="name name")
	$(BIN)/python -m tests.mutants $(ONLY)

.PHONY: simulate
simulate: $(STAMP) ## Whole workers in virtual time, all from one seed, then hold the invariants (SEED=7 HOURS=1, or SECONDS=20)
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS)) $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: simulate-day
simulate-day: $(STAMP) ## A day of which half can wait for batches, in virtual time (DATA=FOLDER of Azure's traces, ONE_IN=50, HOURS=2)
	$(BIN)/python -m bench.day.virtual $(if $(DATA),--data $(DATA)) $(if $(ONE_IN),--one-in $(ONE_IN)) $(if $(HOURS),--hours $(HOURS))

chaos: $(STAMP) ## Break everything on purpose, then hold the invariants (ONLY="killed frozen", or SEED=7 MINUTES=3 at random; UNKIND=1: with an unkind provider)
	$(BIN)/python -m tests.chaos $(ONLY) $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(UNKIND),--unkind)

chaos-kills: $(STAMP) ## Kill workers 50 times while 20,000 requests go through
	$(BIN)/python -m tests.chaos --kills 50 --requests 20000

check: $(STAMP) ## Lint, types and import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench-health
bench-health: $(STAMP) ## What shared health costs: CPU a request, bytes of table and changelog
	$(BIN)/python bench/health.py

.PHONY: bench-tenants
bench-tenants: $(STAMP) ## What tenants cost at 10 to 1,000 workers and tenants: shares, grants, claims, keys (WHOLE=1: all of it)
	$(BIN)/python bench/tenants.py $(if $(WHOLE),--whole)

.PHONY: bench-keepers
bench-keepers: $(STAMP) ## What the owner of the shared health takes, keeps, writes and tells, by workers and models
	$(BIN)/python bench/keepers.py

.PHONY: bench-walk
bench-walk: $(STAMP) ## How many files one request enters, and how often it goes from one to another
	$(BIN)/python bench/walk.py

format: $(STAMP) ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

schemas: $(STAMP) ## Write docs/schemas and docs/asyncapi.json anew, from the messages
	$(BIN)/python -m schemas.export docs

.PHONY: diagrams
diagrams: $(STAMP) ## Draw docs/state-machines.md anew, from the tables of the breaker and of a request's session
	$(BIN)/python -m router.state_machines docs

.PHONY: settings
settings: $(STAMP) ## Write docs/settings.md anew, from the settings
	$(BIN)/python -m streams.config.settings_page docs

bench-duplicates: $(STAMP) ## What it takes to remember finished request ids: bytes and time an id, at a million
	$(BIN)/python bench/duplicates.py

.PHONY: bench-cache
bench-cache: $(STAMP) ## What the answer cache takes: bytes a key, time of a hit from memory and from Kafka
	$(BIN)/python bench/cache.py

bench: $(STAMP) ## Turnout beside its floors and installed peers: CPU a request, requests/s, added latency (SHORT=1 tries it)
	$(BIN)/python -m bench.compare $(if $(SHORT),--short)

.PHONY: bench-peers
bench-peers: ## Install the peers that `make bench` compares: LiteLLM's proxy and Portkey's gateway, under build/peers
	$(PYTHON) -m venv build/peers/litellm
	build/peers/litellm/bin/pip install --quiet --disable-pip-version-check "litellm[proxy]==$(LITELLM)"
	npm install --silent --no-audit --no-fund --prefix build/peers/portkey "@portkey-ai/gateway@$(PORTKEY)"

.PHONY: bench-scaling
bench-scaling: $(STAMP) ## How Turnout grows with processes, partitions, backlog, prompts, bursts (ONLY=partitions, BACKLOG=1000000, DATA=FOLDER, SHORT=1)
	$(BIN)/python -m bench.scaling $(if $(ONLY),--only $(ONLY)) $(if $(DATA),--data $(DATA)) $(if $(BACKLOG),--backlog $(BACKLOG)) $(if $(SHORT),--short)

.PHONY: bench-long
bench-long: $(STAMP) ## One worker at an even rate for half an hour: memory and lag all the while (RATE=579, MINUTES=30)
	$(BIN)/python -m bench.scaling --long $(if $(RATE),--rate $(RATE)) $(if $(MINUTES),--minutes $(MINUTES))

.PHONY: bench-worker
bench-worker: $(STAMP) ## One worker process end to end, a thousand calls in flight: requests/s, CPU a request, peak memory
	$(BIN)/python bench/worker.py

bench-cost: $(STAMP) ## What routing saves, honestly; PROMPTS=FILE.jsonl plans other prompts than our own
	$(BIN)/python bench/cost.py $(if $(PROMPTS),--prompts $(PROMPTS))

.PHONY: bench-routing
bench-routing: $(STAMP) ## What routing is worth on what models really answered: cost against quality (DATA=FOLDER of public answers)
	$(BIN)/python -m bench.routing $(DATA)

.PHONY: bench-judge
bench-judge: $(STAMP) ## How well a judge of shadow answers recovers which models answer better, at the simulated provider's known rates
	$(BIN)/python -m bench.judge

bench-budget: $(STAMP) ## How far a budget is overshot at its edge by 1, 4 and 8 workers
	$(BIN)/python bench/budget.py

lock: ## Write requirements.lock anew, with the newest versions that pyproject.toml allows (KEEP=1: no newer than need be)
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --disable-pip-version-check uv
	build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras --group dev \
	  --no-header --no-annotate $(if $(KEEP),,--upgrade) pyproject.toml -o requirements.lock

.PHONY: bench-instructions
bench-instructions: $(STAMP) ## What a request costs in instructions, steady on noisy machines; fails beyond its budget
	@PYTHON=$(PYTHON) tests/setup valgrind
	$(BIN)/python bench/instructions.py

.PHONY: bench-profile
bench-profile: $(STAMP) ## Where a request's time goes, by step (KAFKA=1: on Kafka, a thousand calls under way)
	$(BIN)/python bench/profile_request.py $(if $(KAFKA),--kafka)

.PHONY: bench-availability
bench-availability: $(STAMP) ## A day of 50 million requests and its outages in virtual time: who is answered (ONE_IN=200, FULL=1)
	$(BIN)/python bench/availability.py $(if $(ONE_IN),--one-in $(ONE_IN)) $(if $(FULL),--full)

.PHONY: bench-brownout
bench-brownout: $(STAMP) ## A model turns slow without errors, two workers on Kafka: how fast traffic leaves it and comes back
	$(BIN)/python bench/brownout.py $(if $(RATE),--rate $(RATE))

.PHONY: bench-batches
bench-batches: $(STAMP) ## What the batch lane costs its collector: bytes a request that waits, CPU a result (WAITING=100000)
	$(BIN)/python -m bench.batches $(if $(WAITING),--waiting $(WAITING))

.PHONY: bench-day
bench-day: $(STAMP) ## The same day in minutes on Kafka: deadlines, bill and invoice, what batches save (DATA=FOLDER, ONE_IN=400, MINUTES=6)
	$(BIN)/python -m bench.day.kafka $(if $(DATA),--data $(DATA)) $(if $(ONE_IN),--one-in $(ONE_IN)) $(if $(MINUTES),--minutes $(MINUTES))

.PHONY: bench-batch-lines
bench-batch-lines: $(STAMP) ## What a line of a batch's results costs to be read, and the memory of a large file of them (LINES=100000)
	$(BIN)/python -m bench.batch_lines $(LINES)

.PHONY: bench-warehouse
bench-warehouse: $(STAMP) ## Cost events from Kafka into DuckDB and Postgres: events/s
	$(BIN)/python bench/warehouse.py

.PHONY: bench-dashboard
bench-dashboard: $(STAMP) ## What the dashboard can follow, events/s, and its memory over a million of them
	$(BIN)/python bench/dashboard.py

clean: ## Remove what was built
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18
