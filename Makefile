# Two commands do everything: `make demo` and `make test`. Both need Python 3.11 or newer with pip, and nothing else.
#
# pip's own build of torch for Linux brings several GB for GPUs. To take a CPU build from another index:
#     make demo TORCH_INDEX=<address of the index>

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test campaign peers fuzz format bench docs locked wheel release-check audit audit-online sbom clean

demo: $(VENV)/.demo
	$(BIN)/limelight demo

test: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

campaign: $(VENV)/.test
	$(PIP) atheris || echo "no atheris for this platform: inputs do not grow by coverage"
	PYTHONPATH=tests $(BIN)/python -m campaigns --inputs 10000 --kills 500 --output benchmarks/results/campaigns.json

peers: $(VENV)-peers/.done
	$(VENV)-peers/bin/python -m pytest tests/interop/test_aeon.py tests/interop/test_sktime.py tests/interop/test_shap_mapie_skore.py

$(VENV)-peers/.done: benchmarks/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(VENV)-peers/bin/python -m pip install --quiet --editable . --requirement benchmarks/requirements.txt beartype hypothesis pytest pytest-timeout
	@touch $@

# Requests drawn from the OpenAPI description of the server.
fuzz: $(VENV)-fuzz/.done
	$(VENV)-fuzz/bin/python -m pytest tests/serving/test_openapi.py

$(VENV)-fuzz/.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/python -m pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(VENV)-fuzz/bin/python -m pip install --quiet --editable '.[test]' 'schemathesis>=4'
	@touch $@

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.demo
	$(BIN)/python -m benchmarks.run.sine

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

# A release: build, try in a clean environment, list what is inside. See supply/README.md. ONNX Runtime Web, which the
# wheel carries, comes by npm; without it: make wheel WEB_RUNTIME=<the npm package as a .tgz file>
wheel: $(VENV)-release/.done $(VENV)/.demo
	rm -rf dist
	$(BIN)/python supply/web_runtime.py $(if $(WEB_RUNTIME),--package $(WEB_RUNTIME))
	$(VENV)-release/bin/python -m build --quiet
	@ls dist

release-check: wheel
	$(PYTHON) supply/release_check.py dist/*.whl --extras $(if $(TORCH_INDEX),--torch-index $(TORCH_INDEX))
	$(PYTHON) supply/release_check.py dist/*.tar.gz $(if $(TORCH_INDEX),--torch-index $(TORCH_INDEX))
	$(PYTHON) supply/release_check.py dist/*.whl --lowest $(if $(TORCH_INDEX),--torch-index $(TORCH_INDEX))

audit: $(VENV)/.test
	$(BIN)/python supply/audit.py

audit-online: $(VENV)-release/.done
	$(VENV)-release/bin/pip-audit --requirement supply/locked.txt --no-deps --disable-pip

sbom: $(VENV)/.demo $(VENV)-release/.done
	mkdir -p dist
	$(VENV)-release/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/sbom.json $(BIN)/python

# Every package with the hash of its file; torch by its version alone.
locked: $(VENV)/.torch
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps -r supply/locked.txt
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .

$(VENV)-release/.done: supply/tools.txt
	$(PYTHON) -m venv $(VENV)-release
	$(VENV)-release/bin/python -m pip --disable-pip-version-check install --quiet -r supply/tools.txt
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-fuzz $(VENV)-release build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "limelight needs Python 3.11 or newer, $(PYTHON) is `$(PYTHON) --version`; use make PYTHON=python3.12"; exit 2; }
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
