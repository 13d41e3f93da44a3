# `make` alone lists the targets. Each sets up .venv when it has to, and only then.
PYTHON ?= python3
BIN := .venv/bin
BENCH_PYTHON ?= $(BIN)/python
SETUP := .venv/.installed

# one BLAS thread: sums come in the same order on every machine
export OMP_NUM_THREADS := 1

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(SETUP) ## execute every chapter afresh and build the book
	@$(BIN)/python tools/book.py book

test: $(SETUP) ## run the unit, docstring, notebook and site tests
	@$(BIN)/python -m pytest -n 2 --dist loadscope

notebooks: $(SETUP) ## execute every chapter and store its outputs in chapters/
	@$(BIN)/python tools/book.py notebooks

draft: $(SETUP) ## build the book from the stored outputs, in seconds
	@$(BIN)/python tools/book.py draft

serve: $(SETUP) ## serve the built book on this machine
	@$(BIN)/python tools/book.py serve

lock: $(SETUP) ## resolve requirements.txt into requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" requirements.txt --output-file requirements.lock
	@echo "requirements.lock holds the whole resolution"

bench: $(SETUP) ## time smlib beside its peers, those that BENCH_PYTHON can import
	@PYTHONPATH=. $(BENCH_PYTHON) benchmarks/steps.py
	@env -u OMP_NUM_THREADS PYTHONPATH=. $(BENCH_PYTHON) benchmarks/bench.py
	@$(BENCH_PYTHON) benchmarks/readme.py
	@PYTHONPATH=. $(BENCH_PYTHON) benchmarks/many_classes.py
	@PYTHONPATH=. $(BENCH_PYTHON) benchmarks/digits.py

studies: $(SETUP) ## run the longer studies whose results the chapters read
	@$(BIN)/python benchmarks/family_trees.py
	@$(BIN)/python benchmarks/sharded.py

clean: ## remove what was built (.venv stays)
	@rm -rf _build .pytest_cache .hypothesis
	@echo "Removed _build and the caches"

# A set-up that was cut short leaves .venv/.installing behind, and starts again from nothing.
$(SETUP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "This book needs Python 3.11, 3.12 or 3.13; $(PYTHON) is another. Try: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up .venv, which takes a minute or two ..."
	@if [ -e .venv/.installing ]; then rm -rf .venv; fi
	@mkdir -p .venv && touch .venv/.installing
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e .
	@mv .venv/.installing $@

.PHONY: help book test notebooks draft serve lock bench studies clean
