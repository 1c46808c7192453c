# Two commands do everything: `make demo` and `make test`. Both need Python 3.11 or newer with pip, and nothing else.
#
# pip's own build of torch for Linux brings several GB for GPUs. To take a CPU build from another index:
#     make demo TORCH_INDEX=<address of the index>

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test campaign peers format bench docs clean

demo: $(VENV)/.demo
	$(BIN)/limelight demo

test: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist worksteal

campaign: $(VENV)/.test
	PYTHONPATH=tests $(BIN)/python -m campaigns --inputs 10000 --kills 500 --output benchmarks/results/campaigns.json

peers: $(VENV)-peers/.done
	$(VENV)-peers/bin/python -m pytest tests/interop/test_aeon.py tests/interop/test_sktime.py

$(VENV)-peers/.done: benchmarks/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(VENV)-peers/bin/python -m pip install --quiet --editable . --requirement benchmarks/requirements.txt beartype hypothesis pytest pytest-timeout
	@touch $@

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.demo
	$(BIN)/python -m benchmarks.run.sine

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "limelight needs Python 3.11 or newer, $(PYTHON) is `$(PYTHON) --version`; say make PYTHON=python3.12"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing torch (the largest part)"
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	@touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml
	$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.torch pyproject.toml
	$(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.demo

$(VENV)/.docs: $(VENV)/.torch pyproject.toml
	$(PIP) --editable '.[docs]'
	@touch $@ $(VENV)/.demo
