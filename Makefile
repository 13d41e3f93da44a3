# `make` lists the everyday targets, `make more` the rare ones. Each sets up .venv first if it has to.
PYTHON ?= python3
BENCH_PYTHON ?= $(BIN)/python
BIN := .venv/bin
SETUP := .venv/.installed
OLDEST := .venv-oldest/bin
PIP_INSTALL := pip install -qq --disable-pip-version-check
LOCK := uv pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes --custom-compile-command "make lock"
PYTEST := $(BIN)/python -m pytest
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=600
NUMERICAL := outputs costs many_classes sharded invariance training
NOTEBOOKS ?= $(wildcard chapters/0[67]-*.ipynb chapters/11-*.ipynb)
# Python keeps what it has compiled, whatever the surroundings say: compiling takes a third of the time of an import.
unexport PYTHONDONTWRITEBYTECODE
LIST = @awk -F ':.*$(1) ' '/^[a-z-]+:.*[^\#]$(1) / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

help:
	$(call LIST,##)

more:  ## list the rare targets
	$(call LIST,###)

# everyday

book: $(SETUP) ## run every chapter afresh and build the book
	@$(BIN)/python -m scripts.book book

test: $(SETUP) ## run all tests: smlib, every notebook compared, the built pages
	@$(PYTEST) -m "not rare" $(NBVAL) tests smlib README.md index.md chapters

check: lint ## lint, and run the quick tests (plain pytest)
	@$(PYTEST) -q

draft: $(SETUP) ## build the book from the stored outputs
	@$(BIN)/python -m scripts.book draft

serve: $(SETUP) ## serve the built book on this machine (PORT=8000)
	@test -f _build/html/index.html || { echo "There is no book yet: run make book or make draft first." >&2; exit 1; }
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(or $(PORT),8000)

notebooks: $(SETUP) ## run every chapter and store its outputs in chapters/ (NAMES=03: that one)
	@$(BIN)/python -m scripts.book notebooks $(NAMES)

live: $(SETUP) ## put Pyodide into the site: its notebooks then run without the network
	@$(BIN)/python -m scripts.live

pdf: $(SETUP) ## print the whole book as one PDF, with Chromium
	@$(BIN)/python -m scripts.pdf

clean: ## remove what was built (.venv stays)
	@rm -rf _build mutants .pytest_cache .hypothesis .ruff_cache
	@echo "Removed _build and the caches"

# rare

lint: $(SETUP) ### lint, format and spell, and check the workflows
	@$(BIN)/pre-commit run --all-files

exercises: $(SETUP) ### build the book without its solutions, for a class
	@$(BIN)/python -m scripts.book exercises

exercises-pdf: $(SETUP) ### print the book without its solutions
	@$(BIN)/python -m scripts.pdf exercises

older-cpu: $(SETUP) ### run smlib's numerical tests and three notebooks without the newest vectors of this CPU (NOTEBOOKS=chapters: all)
	@NPY_DISABLE_CPU_FEATURES="$$($(BIN)/python -m scripts.older_cpu)" $(PYTEST) -q $(NBVAL) $(NUMERICAL:%=tests/smlib/test_%.py) $(NOTEBOOKS)

test-rare: $(SETUP) ### test what need not run at every change: PDF, book without solutions, chapters in Pyodide, brute force, wrong theorems
	@$(PYTEST) -m rare tests

fuzz: $(SETUP) ### call smlib with hostile arguments, other ones each time (NAMES=softmax: one function)
	@$(PYTEST) -q --hypothesis-profile=fuzz tests/smlib/test_properties.py $(if $(NAMES),-k "$(NAMES)")

mutants: $(SETUP) ### plant small faults in smlib, and print the score and those that no test sees (NAMES=smlib.costs*)
	@rm -rf mutants/tests
	@nice $(BIN)/mutmut run $(NAMES:%="%")
	@$(BIN)/python -m scripts.mutants

faults: $(SETUP) ### plant faults in a copy of the book, and print which check catches each
	@$(BIN)/python -m scripts.faults

proofs: $(SETUP) ### check the proofs of the claims with Coq, and print the axioms of each theorem
	@$(BIN)/python -m scripts.proofs

twins: $(SETUP) ### build the book in two folders and compare every byte
	@rm -rf _build/twins
	@for seed in 1 2; do \
		mkdir -p "_build/twins/$$seed" && git ls-files -z | tar --null -cT - | tar -x -C "_build/twins/$$seed" && \
		(cd "_build/twins/$$seed" && PYTHONHASHSEED=$$seed ../../../$(BIN)/python -m scripts.book book) || exit 1; \
	done
	@diff -r _build/twins/1/_build/html _build/twins/2/_build/html && echo "The two sites are the same, byte for byte"

oldest: $(OLDEST)/.installed ### test smlib on the oldest versions that pyproject.toml admits
	@$(OLDEST)/pytest -q -m "" tests/smlib smlib

wheel: $(SETUP) ### build smlib's wheel, install it in an empty environment and run its examples there
	@rm -rf _build/wheel
	@$(BIN)/python -m build --quiet --no-isolation --wheel --outdir _build/wheel .
	@$(BIN)/twine check --strict _build/wheel/smlib-*.whl
	@$(PYTHON) -m venv _build/wheel/venv
	@$(BIN)/uv pip install --quiet --python _build/wheel/venv --constraint requirements.lock "$$(echo _build/wheel/smlib-*.whl)[book,sharded]" pytest
	@cd _build/wheel && venv/bin/pytest -q -c /dev/null --rootdir=. --noconftest -p no:cacheprovider --doctest-modules --pyargs smlib

bench: $(SETUP) ### time smlib and its peers, those that BENCH_PYTHON can import
	@for name in steps speed readme many_classes sharded drop_ins; do $(BENCH_PYTHON) -m studies.$$name || exit 1; done

studies: $(SETUP) ### run the long studies whose results the chapters read
	@for name in family_trees digits rounding attention rewards; do $(BIN)/python -m studies.$$name || exit 1; done

lock: $(SETUP) ### resolve requirements.txt into requirements.lock, and the oldest versions too
	@$(BIN)/$(LOCK) requirements.txt --output-file requirements.lock
	@# smlib's tests need these too; Matplotlib 3.8 warns about newer versions of pyparsing
	@{ awk '/^# the tests of smlib/ { on = 1 } /^$$/ { on = 0 } on' requirements.txt; echo "pyparsing~=3.2.0"; } | \
		$(BIN)/$(LOCK) --resolution lowest-direct --all-extras pyproject.toml - --output-file tests/smlib/oldest.lock
	@echo "requirements.lock and tests/smlib/oldest.lock hold the whole resolutions"

$(OLDEST)/.installed: tests/smlib/oldest.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
		{ echo "The oldest NumPy needs Python 3.11 or 3.12. Try: make PYTHON=python3.12 oldest" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv-oldest
	@$(OLDEST)/$(PIP_INSTALL) --require-hashes -r tests/smlib/oldest.lock
	@$(OLDEST)/$(PIP_INSTALL) --no-build-isolation --no-deps -e .
	@touch $@

# A set-up that was cut short leaves .venv/.installing behind, and starts again from nothing.
.venv/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
		{ echo "This book needs Python 3.11 to 3.14; $(PYTHON) is another. Try: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up .venv, which takes a minute or two ..."
	@if [ -e .venv/.installing ]; then rm -rf .venv; fi
	@mkdir -p .venv && touch .venv/.installing
	@$(PYTHON) -m venv .venv
	@# uv, whose own entry comes from the lock, installs the rest in a fifth of pip's time; where it cannot, pip does
	@awk '/^[a-z]/ { on = /^uv==/ } on' requirements.lock > .venv/uv.lock
	@$(BIN)/$(PIP_INSTALL) --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip install --quiet --python .venv --require-hashes -r requirements.lock || \
		$(BIN)/$(PIP_INSTALL) --no-deps --require-hashes -r requirements.lock
	@mv .venv/.installing $@

$(SETUP): .venv/.locked pyproject.toml
	@$(BIN)/$(PIP_INSTALL) --no-build-isolation --no-deps -e .
	@touch $@

.PHONY: help more lint book test check draft serve notebooks live pdf clean exercises exercises-pdf older-cpu test-rare fuzz mutants faults proofs twins oldest wheel bench studies lock
