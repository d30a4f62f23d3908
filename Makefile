# make demo [ARGS=--no-ui]   try grantmap on an emulated organisation
# make test [ARGS=-x]        the tests, and what they were run against
#
# Both need Python 3.11 or newer and a package index, and set up .venv by themselves. PYTHON=... names an interpreter;
# else the system's own is taken where it can make virtual environments: distributions compile theirs with profiling,
# and a build of a large organisation takes an eighth less time with it than with one that was compiled without.

SHELL := /bin/sh
ARGS :=
PYTHON ?=
OWN := /usr/bin/python3.12 /usr/bin/python3.11 /usr/bin/python3.13
PY := .venv/bin/python
READY := .venv/.ready
# Two processes: the suite waits for the emulated AWS about as much as it computes.
WORKERS := 2

.PHONY: demo test test-all lint types docs bench lock clean setup

demo: $(READY)
	@.venv/bin/grantmap demo $(ARGS)

test: $(READY)
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

# What `make test` samples with fixed seeds, at length: generated cases that nobody fixed, and more random organisations.
SEEDS := 3 4 5 6 7
test-all: $(READY)
	@GRANTMAP_TEST_ALL=1 $(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)
	@for seed in $(SEEDS); do $(PY) -m tests.oracle.rehearse --seed $$seed --triples 400 || exit 1; done

lint: $(READY)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: $(READY)
	@$(PY) -m mypy

docs: $(READY)
	@$(PY) docs/semantics_table.py > docs/semantics.md.new && mv docs/semantics.md.new docs/semantics.md
	@$(PY) docs/make.py

bench: $(READY)
	@$(PY) -m bench.decide
	@$(PY) -m bench.compile
	@$(PY) -m bench.store

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@set -e; \
	fits() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	if fits $(PY) && $(PY) -m pip --version >/dev/null 2>&1; then :; else \
	  found=; \
	  complete() { "$$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }; \
	  for python in $(PYTHON) $(OWN) python3.12 python3.11 python3.13 python3.14 python3; do \
	    case "$$python" in /usr/bin/*) complete "$$python" || [ "$$python" = "$(PYTHON)" ] || continue;; esac; \
	    if fits "$$python"; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "grantmap needs Python 3.11 or newer and found none: install it, or name it: make PYTHON=/path/to/python" >&2; \
	    exit 1; \
	  fi; \
	  if ! complete "$$found"; then \
	    version=$$("$$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	      echo "installing python$$version-venv, which this Python lacks"; \
	      { apt-get -qq update || true; \
	        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "python$$version-venv" \
	        || DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv; } >/dev/null 2>&1 || true; \
	    fi; \
	    if ! complete "$$found"; then \
	      echo "$$found cannot make virtual environments: install its package python$$version-venv, then run make again" >&2; \
	      exit 1; \
	    fi; \
	  fi; \
	  rm -rf .venv; \
	  "$$found" -m venv .venv; \
	fi; \
	echo "setting up .venv, once: about a minute"; \
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip install --quiet --require-hashes -r requirements.lock; \
	PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .; \
	touch $(READY)

# The exact versions, with hashes, that fit every platform and Python that grantmap supports. UPGRADE=--upgrade takes
# the newest versions; without it only what pyproject.toml asks for changes.
UPGRADE :=
lock: $(READY)
	@$(PY) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@build/lock/bin/uv pip compile pyproject.toml --extra dask --extra demo --extra postgres --group dev --universal --generate-hashes $(UPGRADE) \
	  --no-config --custom-compile-command "make lock" --quiet --output-file requirements.lock

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
