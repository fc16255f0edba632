# The two commands of the course are `make demo` and `make test`. Both do all set-up themselves.
# EXTRA=gpu installs TensorFlow with CUDA; PYTHON=... chooses the interpreter; EDITION=instructor
# puts solutions and hidden tests into the site.
EXTRA ?= cpu
EDITION ?= student
VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)

BIN := $(VENV)/bin
LOCK := requirements/$(EXTRA).txt
# Named after what is installed: a second run installs nothing, another lock installs again.
STAMP = $(VENV)/installed-$(EXTRA)-$(shell cat $(LOCK) pyproject.toml deploy/kernelspec/*.json deploy/jupyter/*.json | cksum | cut -d' ' -f1)
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-browser test-hub lab lab-student lab-instructor lint build docs bundle lock sources unit unit-all answers nbval fresh rehearsal clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make the virtual environment (.venv) and install the locked packages

$(STAMP):
	@test -n "$(PYTHON)" || { echo "The course needs Python 3.11, 3.12 or 3.13 and none of them was found. Install one, or run make PYTHON=/path/to/python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13, for which TensorFlow has packages. Name one: make PYTHON=/path/to/python3.12." >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version): TensorFlow and JupyterLab, 2.6 GB on disk, about a minute on a fast network."
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv." >&2; exit 1; }
	@$(PIP) --progress-bar on --quiet --require-hashes -r $(LOCK)
	@$(PIP) --quiet --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/installed-* && touch $@

demo: setup  ## make a sample class, grade it, write feedback, show the class's table
	@$(BIN)/dlcourse demo

test: setup sources unit nbval rehearsal  ## everything that must hold
	@echo "make test: everything holds."

test-all: setup sources unit-all nbval rehearsal  ## the same, with the tests that take long
	@echo "make test-all: everything holds."

lint: setup  ## check code, notebooks and the workflow without running them
	$(BIN)/ruff check src tests nbgrader_config.py
	$(BIN)/ruff format --check src tests nbgrader_config.py
	$(BIN)/dlcourse lint
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

fresh: setup  ## prove that generated files are what source/ generates
	$(BIN)/dlcourse build --check

sources: setup
	@$(MAKE) --no-print-directory --jobs=2 lint fresh

UNIT := $(BIN)/python -m pytest tests -n 2 --dist loadfile --no-loadscope-reorder --durations=20

unit: setup  ## the unit tests in two processes, without those that take long
	$(UNIT) -m "not long"

unit-all: setup  ## all unit tests: every known answer as well, live and carried
	$(UNIT)

test-browser: setup  ## a section in JupyterLab, release to feedback, in Chromium; build/screenshots/
	$(BIN)/python -m pytest tests/browser -x -v

test-hub: setup  ## a section on a real JupyterHub: students of their own accounts (as root, on Linux)
	$(BIN)/python -m pytest tests/hub -v

answers: setup  ## every known answer, right and wrong, graded as students' are; writes docs/answers.md
	@$(BIN)/python tests/sections/grade_answers.py

nbval: setup  ## execute notebooks/ from end to end and compare the stored outputs
	DLCOURSE_PROFILE=fast $(BIN)/python -m pytest -n 2 --dist loadfile --nbval-lax \
		-p dlcourse.build.nbval notebooks --no-header

rehearsal: demo  ## the grading pipeline on the sample class: every sample must end as it should

build: setup  ## generate release/ and notebooks/ from source/ (executes, in the full profile)
	$(BIN)/dlcourse build

bundle: fresh  ## pack what students get: dist/dl-practical-VERSION.zip
	@$(BIN)/dlcourse bundle

docs: setup  ## the course as a web site, in build/site/: the students', or all with EDITION=instructor
	@$(BIN)/python -m dlcourse.build.site --edition $(EDITION) build/site

# A student's folder. Nothing overwrites a working copy: remove or rename it to get a fresh one.
WORK := $(patsubst release/%,work/%,$(wildcard release/*/*.ipynb)) work/start.md
ROLE ?= student

lab: setup lab-$(ROLE)  ## JupyterLab on copies of your own, in work/; ROLE=instructor: on the course

lab-student: $(WORK)
	@cd work && JUPYTER_CONFIG_PATH=../deploy/student $(abspath $(BIN))/jupyter lab

lab-instructor:
	@$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/docs/instructors.md

work/%.ipynb: | release/%.ipynb
	@mkdir -p $(@D) && cp $| $@

work/start.md: deploy/start.md
	@mkdir -p $(@D) && cp $< $@

# The second lock is held to the first, so that CPU and GPU machines run the same course.
LOCKING := uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest \
	--extra dev --extra cluster --extra postgresql --extra hub --generate-hashes --no-emit-index-url --no-annotate --quiet \
	--custom-compile-command "make lock" --upgrade

lock:  ## renew requirements/ from pyproject.toml (needs uv)
	$(LOCKING) --extra cpu -o requirements/cpu.txt
	$(LOCKING) --extra gpu -c requirements/cpu.txt -o requirements/gpu.txt

clean:  ## remove the virtual environment and what the demo made
	rm -rf $(VENV) demo
