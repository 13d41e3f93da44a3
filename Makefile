# `make` alone lists the targets. Each sets up .venv when it has to, and only then.
PYTHON ?= python3
BIN := .venv/bin
BENCH_PYTHON ?= $(BIN)/python
SETUP := .venv/.installed
OLDEST := .venv-oldest/.installed
PIP_INSTALL := pip install -qq --disable-pip-version-check
LOCK := uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --custom-compile-command "make lock"
SMLIB_TESTS := $(patsubst smlib/%.py,tests/test_%.py,$(filter-out smlib/_%,$(wildcard smlib/*.py))) tests/test_scipy_cases.py

# one BLAS thread: sums come in the same order on every machine
export OMP_NUM_THREADS := 1

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(SETUP) ## execute every chapter afresh and build the book
	@$(BIN)/python tools/book.py book

test: $(SETUP) ## run the unit, docstring, notebook and site tests
	@$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

notebooks: $(SETUP) ## execute every chapter and store its outputs in chapters/
	@$(BIN)/python tools/book.py notebooks

draft: $(SETUP) ## build the book from the stored outputs, in seconds
	@$(BIN)/python tools/book.py draft

live: $(SETUP) ## put Pyodide into the site, so that its notebooks run without the network
	@$(BIN)/python tools/live.py

exercises: $(SETUP) ## build the book without its solutions, for a class
	@$(BIN)/python tools/book.py exercises

pdf: $(SETUP) ## print the whole book as one PDF, with Chromium
	@$(BIN)/python tools/pdf.py

serve: $(SETUP) ## serve the built book on this machine
	@$(BIN)/python tools/book.py serve

check: $(SETUP) ## lint, spell and test modules and notebooks, in under a minute
	@$(BIN)/ruff check --quiet
	@$(BIN)/codespell
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope -o addopts=--doctest-modules \
		smlib $(filter-out tests/test_sharded.py,$(SMLIB_TESTS)) tests/test_notebooks.py tests/test_locks.py

oldest: $(OLDEST) ## test smlib on the oldest versions that pyproject.toml admits
	@.venv-oldest/bin/pytest -q -n 2 --dist loadscope -o addopts=--doctest-modules smlib $(SMLIB_TESTS)

lock: $(SETUP) ## resolve requirements.txt into requirements.lock, and the oldest versions too
	@$(BIN)/$(LOCK) requirements.txt --output-file requirements.lock
	@# beside what pyproject.toml admits: what the tests of smlib need, and no pyparsing at which Matplotlib 3.8 warns
	@{ awk '/^# the tests of smlib/ { on = 1 } /^$$/ { on = 0 } on' requirements.txt; echo "pyparsing~=3.2.0"; } | \
		$(BIN)/$(LOCK) --resolution lowest-direct --all-extras pyproject.toml - --output-file requirements-oldest.lock
	@echo "requirements.lock and requirements-oldest.lock hold the whole resolutions"

bench: $(SETUP) ## time smlib beside its peers, those that BENCH_PYTHON can import
	@PYTHONPATH=. $(BENCH_PYTHON) benchmarks/steps.py
	@env -u OMP_NUM_THREADS PYTHONPATH=. $(BENCH_PYTHON) benchmarks/bench.py
	@$(BENCH_PYTHON) benchmarks/readme.py
	@PYTHONPATH=. $(BENCH_PYTHON) benchmarks/many_classes.py
	@PYTHONPATH=. $(BENCH_PYTHON) benchmarks/digits.py

faults: $(SETUP) ## plant faults in a copy of the book, and tell which check catches each
	@$(BIN)/python tools/faults.py

twins: $(SETUP) ## build the book twice, in two folders, and compare every byte
	@$(BIN)/python tools/twins.py

mutants: $(SETUP) ## plant faults in smlib, and tell which ones the tests do not see (NAMES=costs: there alone)
	@nice -n 19 $(BIN)/python tools/mutants.py $(NAMES)

fuzz: $(SETUP) ## call smlib with hostile input (N=20000: so often each; SEED=1: the same again; NAMES=softmax)
	@PYTHONPATH=. $(BIN)/python tests/fuzzing.py "$(or $(N),2000)" "$(SEED)" $(NAMES)

wheel: $(SETUP) ## build smlib's wheel, install it in an empty environment and run its examples there
	@$(BIN)/python tools/smlib_wheel.py

studies: $(SETUP) ## run the longer studies whose results the chapters read
	@$(BIN)/python benchmarks/family_trees.py
	@$(BIN)/python benchmarks/sharded.py

clean: ## remove what was built (.venv stays)
	@rm -rf _build .pytest_cache .hypothesis
	@echo "Removed _build and the caches"

$(OLDEST): requirements-oldest.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
		{ echo "The oldest NumPy needs Python 3.11 or 3.12. Try: make PYTHON=python3.12 oldest" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv-oldest
	@.venv-oldest/bin/$(PIP_INSTALL) --require-hashes -r requirements-oldest.lock
	@.venv-oldest/bin/$(PIP_INSTALL) --no-build-isolation --no-deps -e .
	@touch $@

# A set-up that was cut short leaves .venv/.installing behind, and starts again from nothing.
$(SETUP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "This book needs Python 3.11, 3.12 or 3.13; $(PYTHON) is another. Try: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up .venv, which takes a minute or two ..."
	@if [ -e .venv/.installing ]; then rm -rf .venv; fi
	@mkdir -p .venv && touch .venv/.installing
	@$(PYTHON) -m venv .venv
	@$(BIN)/$(PIP_INSTALL) --require-hashes -r requirements.lock
	@$(BIN)/$(PIP_INSTALL) --no-build-isolation --no-deps -e .
	@mv .venv/.installing $@

.PHONY: help book test notebooks draft exercises live check oldest faults twins pdf serve lock bench mutants fuzz wheel studies clean
