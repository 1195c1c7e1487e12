# make run · make test · make test-clients · make lint · make bench: each does its own set-up.
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet install

# The first Python that is new enough; make PYTHON=/path/to/python3 takes another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.PHONY: run test test-clients lint bench format clean

run: $(VENV)/run.stamp
	@$(BIN)/python manage.py first_start
	@$(BIN)/python manage.py serve

test: $(VENV)/dev.stamp
	@$(BIN)/python -m pytest

# Claude Code, Codex and the SDKs work through whole sessions; -rs says which of them are not there.
test-clients: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.clients.programs
	@$(BIN)/python -m pytest tests/clients -m clients -rs

lint: $(VENV)/dev.stamp
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy

format: $(VENV)/dev.stamp
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m benchmarks $(BENCH)

# A stamp is as new as the requirements it was made from, so a second run needs neither pip nor the network.
$(VENV)/run.stamp: requirements.txt | $(BIN)/python
	@echo "Installing what the proxy needs …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing what the tests need …"
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

# A virtual environment without pip is none: what a failed attempt leaves behind would be taken for one the next time.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found. Install it, or run: make PYTHON=/path/to/it" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) could not make a virtual environment. \
	On Debian and Ubuntu install python3-venv, then run make again." >&2; exit 1; }

clean:
	rm -rf $(VENV) .clients
