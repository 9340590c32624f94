# Two commands for a fresh machine: `make demo` and `make test`.
# Each sets up what it needs first: a virtual environment from the lock file.

# The first Python outside our own environment, which has no pip of its own.
PYTHON ?= $(firstword $(filter-out $(CURDIR)/.venv/bin/%,$(shell which -a python3)))
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: demo test setup graphviz bubblewrap chromium doctor release check-release benchmark pretrain pictures lint format types fast-test lock lab clean

demo: setup            ## release, grade the bundled submissions, show scores and reasons
	$(BIN)/coursekit demo

test: setup chromium lint types ## lint, types, and every test
	$(BIN)/python -m pytest -n 3

fast-test: setup       ## the tests that need no kernel and no nbgrader run
	$(BIN)/python -m pytest -m "not slow"

release: setup         ## make every release, through every gate
	$(BIN)/coursekit release

check-release: setup   ## prove that release/ is what source/ generates
	$(BIN)/coursekit release --check

benchmark: setup       ## the notebook's training beside plain model.fit
	$(BIN)/python -m studio training

pretrain: setup        ## train the model that the notebooks load; about an hour
	$(BIN)/python -m studio pretrain

pictures: setup        ## draw the notebooks' pictures anew
	$(BIN)/python -m studio pictures

lab: setup             ## open JupyterLab on this course
	$(BIN)/jupyter lab

doctor: setup          ## how students' code is shut in on this machine
	$(BIN)/coursekit doctor

setup: .venv/ready graphviz bubblewrap

# Have a command (1) of Debian's package (2), or say what is lost without it (3).
define debian
	@command -v $(1) >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
		&& apt-get install -qq --yes --no-install-recommends $(2) >/dev/null; } \
		|| echo "hint: $(2) is not installed, so $(3); apt install $(2)"
endef

graphviz:
	$(call debian,dot,graphviz,networks are shown as tables)

bubblewrap:
	$(if $(filter Linux,$(shell uname)),$(call debian,bwrap,bubblewrap,students' code cannot be shut in and grading refuses to run it))

# For the tests alone.
chromium:
	$(call debian,chromium,chromium,no test looks at a page)

# `--without-pip` and `pip --python` work where Debian's python3-venv is not installed.
.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info[:2] != (3, 11) and 'error: Python 3.11 is needed, not ' + sys.version.split()[0] + '\nhint: make PYTHON=/path/to/python3.11 ...')"
	$(PYTHON) -m venv --without-pip --clear .venv
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --require-hashes --requirement requirements.lock
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --no-build-isolation --no-deps --editable .
	touch $@

lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

format: setup          ## mend what lint can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types:
	$(BIN)/mypy

lock:                  ## pin anew; needs uv
	uv lock --quiet --upgrade
	uv export --quiet --extra dev --no-emit-project --format requirements-txt \
		--no-header --no-annotate --output-file requirements.lock
	rm uv.lock

clean:                 ## remove what the commands made; leaves submissions and gradebook alone
	rm -rf build .venv
