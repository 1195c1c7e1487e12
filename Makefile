# make run · make test · make lint · make bench: each does its own set-up.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet install

.PHONY: run test test-clients lint bench format clean

run: $(VENV)/run.stamp
	@$(BIN)/python manage.py first_start
	@$(BIN)/python manage.py serve

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks $(BENCH)

# A stamp is as new as the requirements it was made from, so a second run needs neither pip nor the network.
$(VENV)/run.stamp: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the proxy needs …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the tests need …"
	@$(PIP) -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV)
