# Everything sets itself up in .venv; nothing has to be installed by hand but Python 3.11 or newer.
PYTHON ?= python3
VENV   ?= .venv
BENCH  ?= .venv-bench
BIN    := $(VENV)/bin
PIP    := -m pip --disable-pip-version-check --no-input
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: run test lint format docs bench samples clean

run: $(VENV)/.installed
	$(BIN)/interlayer run sample_data

test: $(VENV)/.installed-all
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/.installed-all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build $(VENV)/typed && $(BIN)/python $(PIP) install --quiet --no-deps --target $(VENV)/typed . && rm -rf build
	MYPYPATH=$(VENV)/typed $(BIN)/mypy -p interlayer

format: $(VENV)/.installed-all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-all
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

bench: $(BENCH)/.installed
	$(BENCH)/bin/python benchmarks/run.py

samples: $(VENV)/.installed
	$(BIN)/python -m interlayer.sample_data sample_data

clean:
	rm -rf $(VENV) $(BENCH) build *.egg-info results docs/_build

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("interlayer needs Python 3.11 or newer: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python $(PIP) install --quiet -e .
	touch $@

$(VENV)/.installed-all: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python $(PIP) install --quiet -e '.[all,test,lint,docs]'
	touch $@ $(VENV)/.installed

$(BENCH)/.installed: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python $(PIP) install --quiet -e '.[bench]'
	touch $@
