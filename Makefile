# Two commands do everything: `make book` and `make test`. Each target is one line to a tool.
# Python 3.11 to 3.13; name another with `make PYTHON=/path/to/python3.12 book`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PYTHONNOUSERSITE := 1

.PHONY: book html test test-slow lint bench study lock serve clean

book: $(READY)  ## HTML, PDF and evidence.json into _build/book
	$(BIN)/crewe build

html: $(READY)  ## the same without the PDF and without the libraries it needs
	$(BIN)/crewe build --no-pdf

test: $(READY)  ## the tests, then the checks of style and types
	$(BIN)/pytest
	$(MAKE) --no-print-directory lint

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## time beside common routes, as ratios (some minutes, which the common routes take)
	$(BIN)/python -m benchmarks.placebo
	$(BIN)/python -m benchmarks.synthetic_control
	$(BIN)/python -m benchmarks.randomisation
	$(BIN)/python -m benchmarks.survival

study: $(READY)  ## the simulated studies of the methods, into data/simulated_studies
	$(BIN)/python -m benchmarks.inference_size
	$(BIN)/python -m benchmarks.coverage

test-slow: $(READY)  ## the long studies
	$(BIN)/pytest -m slow

serve: $(READY)  ## the built book on this machine only
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/book/html

lock: $(READY)  ## rewrite requirements.txt from requirements.in (needs uv on the path)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements.in -o requirements.txt

clean:
	rm -rf _build

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "crewe: no Python 3.11, 3.12 or 3.13 found; install one (see apt.txt) or name it: make PYTHON=... $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib || true
	touch $(READY)
