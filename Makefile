# `make demo` and `make test` need Python 3.11 or newer and make, nothing else: they build .venv themselves.
# A stamp file in .venv says what is installed; it is renewed when pyproject.toml changes.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin

.PHONY: demo test check lint types docs clean

demo: .venv/.installed
	@rm -rf runs/demo
	$(BIN)/paceline tune digits --minutes 0.5 --seed 0 --out runs/demo
	@echo "report: $(CURDIR)/runs/demo/report.html"

# Neighbouring tests share compiled programs, so each worker takes a run of neighbours.
test: lint types
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal

# What can be known in a minute: no test here compiles a program, or takes more than some seconds.
check: lint types
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m "not compiles and not slow"

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/.installed-test
	$(BIN)/mypy

# The pages as a site in site/. Strict: a broken link or a name without a docstring's object is an error.
docs: .venv/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "first page: $(CURDIR)/site/index.html"

clean:
	rm -rf .venv .cache runs build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Paceline needs Python 3.11 or newer, but this is " + sys.version.split()[0] + "; try make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/.installed-test: pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --editable '.[test]'
	@touch $@ .venv/.installed

.venv/.installed-docs: pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --editable '.[docs]'
	@touch $@ .venv/.installed
