# Everything runs in .venv, which the first command makes. What each step calls is plain Python: the README lists it for
# systems without make.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY     := $(BIN)/python
PIP    := $(PY) -m pip --disable-pip-version-check install $(if $(CI),--quiet)

# Stamps: a second run installs nothing unless the files that say what to install have changed.
READY     := $(VENV)/ready
GRADE_READY := $(VENV)/ready-grade
DEV_READY := $(VENV)/ready-dev

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help book pdf serve lab release student grade test test-full lint format experiments bench requirements clean distclean data programs

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: data ## Build the executed book into _build/html
	$(PY) -m dlbasics_site build

pdf: book ## Print the book with Chromium or Chrome into _build/deep-learning-basics.pdf
	$(PY) -m dlbasics_site pdf

serve: $(READY) ## Show the built book at a local address
	$(PY) -m dlbasics_site serve

lab: data ## Open the pages and exercises in JupyterLab
	$(BIN)/jupytext-config --settings-file $(VENV)/etc/jupyter/labconfig/default_setting_overrides.json set-default-viewer markdown myst
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/jupyter lab  # nbgrader looks there for alembic

release: data ## Make exercises/ of solutions/, and grade their checks
	$(PY) -m dlbasics_course release

student: $(READY) ## Copy what students get to _build/student, without solutions, banks and tests
	$(PY) -m dlbasics_course student

ASSIGNMENTS ?= backprop cnn contrastive
grade: data $(GRADE_READY) ## Let a sample class hand in, and grade it, in a course of its own: _build/sample-class
	$(PY) tests/sample_class.py
	for assignment in $(ASSIGNMENTS); do $(BIN)/grade $$assignment --course _build/sample-class || exit; done

# One worker a core, each with one thread; a file's tests stay together, since they share what is dear to make.
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest --numprocesses logical --dist loadfile

test: lint data programs ## Build the book, then run every test that takes seconds
	$(PY) -m dlbasics_site build
	$(PYTEST)

test-full: lint data programs ## Run also the tests that take minutes, full experiments among them
	$(PY) -m dlbasics_site build
	$(PY) -m dlbasics.experiments status
	$(PYTEST) -m ''

lint: $(DEV_READY) ## Check format, style, types and the workflow
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: $(DEV_READY) ## Put the code into the house's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

experiments: data ## Run the experiments whose stored results are missing or out of date
	$(PY) -m dlbasics.experiments run

bench: data $(GRADE_READY) ## Measure speed against other libraries, in this environment
	$(PIP) --no-deps -r requirements-bench.txt
	$(PY) tests/benchmarks
	$(PY) tests/benchmarks/book.py
	$(PY) tests/benchmarks/grading.py
	$(PY) tests/benchmarks/grading_at_scale.py

# The CUDA packages stay out of the files, so that pip takes the ones that this machine's torch wheel asks for.
COMPILE := $(BIN)/uv pip compile --quiet --upgrade pyproject.toml
WITHOUT_CUDA := grep -Ev '^(cuda|nvidia|triton)'
requirements: $(READY) ## Renew the exact versions in the requirements files
	$(PIP) uv
	$(COMPILE) --output-file $(VENV)/book.txt
	$(COMPILE) --output-file $(VENV)/grade.txt --extra grade --constraint $(VENV)/book.txt
	$(COMPILE) --output-file $(VENV)/all.txt --extra grade --extra dev --constraint $(VENV)/grade.txt
	{ echo '# Exact versions of everything, on every system. Written by `make requirements` from pyproject.toml.'; \
	  $(WITHOUT_CUDA) $(VENV)/book.txt; echo '-e .'; } > requirements.txt
	{ echo '# What the grader needs besides. Written by `make requirements` from pyproject.toml.'; \
	  echo '-r requirements.txt'; grep -Fvx -f $(VENV)/book.txt $(VENV)/grade.txt; } > requirements-grade.txt
	{ echo '# What the tests need besides. Written by `make requirements` from pyproject.toml.'; \
	  echo '-r requirements-grade.txt'; grep -Fvx -f $(VENV)/grade.txt $(VENV)/all.txt; } > requirements-dev.txt

clean: ## Remove what was built and cached; keep .venv and the data
	rm -rf _build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## Remove .venv and the web assets too
	rm -rf $(VENV) book/_static/vendor src/*.egg-info

data: $(READY)
	$(PY) -m dlbasics.data

programs: $(DEV_READY)
	$(PY) tests/programs.py

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is not: say which one to use, for instance 'make PYTHON=python3.12 book'."; exit 1; }
	@test -x $(PY) || echo "Making $(VENV) and installing into it: minutes, the first time."
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "No environment could be made: on Debian and Ubuntu, 'sudo apt install python3-venv' first."; exit 1; }
	$(PIP) -r requirements.txt
	@touch $@

$(GRADE_READY): $(READY) requirements-grade.txt
	$(PIP) -r requirements-grade.txt
	@touch $@

$(DEV_READY): $(GRADE_READY) requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@
