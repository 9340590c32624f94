# Two commands for a fresh machine: `make demo` and `make test`.
# Each sets up what it needs first: a virtual environment from the lock file.

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help demo test doctor lab worker release check-release docs fast-test lint types format benchmark benchmark-grading pretrain pictures setup environment graphviz bubblewrap chromium iproute2 postgresql uv lock upgrade clean
.NOTPARALLEL:

help:                  ## list these commands (what plain `make` does)
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { print "\n" substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Python 3.11, 3.12 or 3.13 is found by itself; to name one: make PYTHON=/path/to/python3.12 ..."

##@ Start here
demo: setup            ## release, grade the bundled submissions, show scores and reasons
	$(BIN)/coursekit demo

test: setup chromium iproute2 postgresql lint types ## lint, types, and every test
	$(BIN)/python -m pytest -n 3

doctor: setup          ## show which sandbox this machine supports
	$(BIN)/coursekit doctor

##@ Run the course
release: setup         ## make every release, through every gate
	$(BIN)/coursekit release

check-release: setup   ## prove that release/ is what source/ generates
	$(BIN)/coursekit release --check

lab: setup             ## open JupyterLab on this course
	$(BIN)/jupyter lab

# make worker JOIN=tls://grader.example.org:8786 CERT=lab-3.pem
worker: setup          ## grade here for a coordinator elsewhere: JOIN=tls://HOST:8786 CERT=FILE
	@[ -n "$(JOIN)" ] && [ -n "$(CERT)" ] || { printf 'error: JOIN and CERT are needed\nhint: %s\n' \
		"make worker JOIN=tls://HOST:8786 CERT=NAME.pem (see docs/cluster.md)" >&2; exit 1; }
	$(BIN)/coursekit cluster worker "$(JOIN)" --certificate "$(CERT)" --workers $(or $(WORKERS),auto)

##@ Work on the kit
# Afresh each time: the site also shows what the code says.
docs: setup            ## build the documentation as a site, for reading without a network
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --fresh-env \
		--conf-dir docs/site --doctree-dir build/doctrees docs build/docs
	@echo "the documentation: $(CURDIR)/build/docs/index.html"

fast-test: setup       ## the tests that need no kernel and no nbgrader run
	$(BIN)/python -m pytest -m "not slow"

format: setup          ## fix what lint can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lint: setup            ## look for faults, unformatted code, and imports that climb a floor
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

types: setup           ## check the types
	$(BIN)/mypy

##@ Measure and train
benchmark: setup       ## the notebook's training beside plain model.fit
	$(BIN)/python -m studio training

# make benchmark-grading GRADING="--submissions 40 --rounds 3 --whole"
benchmark-grading: setup ## grading in the kit beside stock nbgrader; some minutes
	$(BIN)/python -m studio grading $(GRADING)

pretrain: setup        ## train the model that the notebooks load; less than two hours
	$(BIN)/python -m studio pretrain

pictures: setup        ## draw the notebooks' pictures again
	$(BIN)/python -m studio pictures

##@ The environment
setup: environment graphviz bubblewrap ## make what is missing of .venv, graphviz and bubblewrap

environment:
	@sh environment.sh "$(PYTHON)"

# Where the condition (1) fails, install Debian's package (2), or say what is lost without it (3).
define debian
	@$(1) >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
			$(2) >/dev/null; } \
		|| echo "hint: $(2) is not installed, so $(3); apt install $(2)"
endef

graphviz:
	$(call debian,command -v dot,graphviz,networks are shown as tables)

bubblewrap:
	$(if $(filter Linux,$(shell uname)),$(call debian,command -v bwrap,bubblewrap,there is no sandbox and grading refuses to run students' code))

# For the tests alone; the second is what the program that steers the browser needs.
chromium:
	$(call debian,command -v chromium,chromium,no test looks at a page)
	$(call debian,/sbin/ldconfig -p | grep libatomic.so.1,libatomic1,no test looks at a page)

# For the tests alone: several hosts on one machine.
iproute2:
	$(call debian,command -v ip,iproute2,no test tries a cluster)

# For the tests alone, which start a server of their own: the package would begin another one.
NO_SERVER := /etc/postgresql-common/createcluster.d/coursekit.conf
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || [ "$$(id -u)" != 0 ] \
		|| ! command -v apt-get >/dev/null \
		|| { mkdir -p $(dir $(NO_SERVER)) && echo "create_main_cluster = false" >$(NO_SERVER); }
	$(call debian,ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null,postgresql,no test uses a gradebook on a server)
	@rm -f $(NO_SERVER)

# Versions stay as they are where they still fit. Their hashes are asked for again, as those of a
# newly accepted Python would be missing.
lock: uv               ## pin again, at the same versions where they still fit; needs uv
	mkdir -p build
	sed -e 's/ *\\$$//' -e '/--hash=/d' requirements.lock > build/requirements.lock
	uv pip compile --quiet $(NEWEST) --universal --python-version 3.11 --generate-hashes \
		--extra dev --extra cluster --extra docs --extra postgresql --no-header --no-annotate \
		--output-file build/requirements.lock pyproject.toml
	mv build/requirements.lock requirements.lock

upgrade: NEWEST := --upgrade --fork-strategy fewest
upgrade: lock          ## pin the newest versions, the same for every Python where there are such

uv:
	@command -v uv >/dev/null || { printf 'error: there is no uv\nhint: pip install uv\n' >&2; exit 1; }

clean:                 ## remove what the commands made; leaves submissions and gradebook alone
	rm -rf build .venv
