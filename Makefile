# Sets up what it needs, then does it. GNU Make 3.81 (macOS) is enough; no tool but Python is needed.
# Paths are relative throughout: the checkout may lie in a folder with a space in its name.

.DEFAULT_GOAL := help
.PHONY: help tour notebooks slides slides-build slides-export test rehearse bench lock clean again
unexport PYTHONHOME PYTHONPATH
.NOTPARALLEL:

VENV := .venv/bin/python
TEMPLATES := $(wildcard template.yaml steps/*/template.yaml solutions/*/template.yaml \
	workshop/course/starts/*/template.yaml)
INSTALL := sh requirements/install.sh
NODE_MODULES := sh slides/tools/install.sh
export TALK
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet $(UPGRADE)

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile

tour: .venv/run.stamp ## See the workshop: real payments through every step, and what each one reveals
	@$(VENV) -m workshop.cli tour

notebooks: .venv/notebooks.stamp ## Open the notebooks in JupyterLab: ask your functions' telemetry what happened
	@$(VENV) notebooks/start.py

# The slides need Node; TALK=30 and TALK=45 leave slides out, for a talk of so many minutes.
slides: ## Show the slides at http://localhost:3030 (TALK=30 or TALK=45 for a talk of so many minutes)
	@$(NODE_MODULES)
	@cd slides && npm run --silent dev

slides-build: ## Build the slides into slides/dist: a page for any folder or static host
	@$(NODE_MODULES)
	@cd slides && npm run --silent build

slides-export: ## Make PDF, PPTX and PNG of the slides, and a handout of the notes, in slides/exports
	@$(NODE_MODULES)
	@cd slides && npm run --silent export

rehearse: .venv/run.stamp .venv-sam/sam.stamp .venv-emulator/emulator.stamp ## Deploy the finished application to an emulator of AWS on this laptop, call it, delete it
	@$(VENV) -m workshop.cli rehearse

test: .venv/dev.stamp .venv-sam/sam.stamp .venv-emulator/emulator.stamp .venv-checkov/checkov.stamp .venv-awswrangler/awswrangler.stamp ## Check everything: style, types, templates, behaviour
	@echo "· style: ruff"
	@$(VENV) -m ruff check --quiet .
	@$(VENV) -m ruff format --quiet --check .
	@echo "· types: mypy"
	@$(VENV) -m mypy --no-error-summary
	@echo "· templates: cfn-lint"
	@.venv/bin/cfn-lint $(TEMPLATES)
	@$(NODE_MODULES) optional
	@echo "· behaviour: pytest, on all cores"
	@$(VENV) -m pytest --quiet -n auto --dist loadgroup

bench: .venv/dev.stamp .venv-sam/sam.stamp ## Measure speed beside AWS's emulator, into docs/benchmarks.md
	@$(VENV) -m benchmarks

lock: ## Renew requirements/*.txt; UPGRADE=--upgrade for newer versions (maintainers; needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/" >&2; exit 2; }
	$(COMPILE) pyproject.toml requirements/build.in -o requirements/run.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra dev -c requirements/run.txt \
		-o requirements/dev.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra notebooks -c requirements/dev.txt \
		-o requirements/notebooks.txt
	$(COMPILE) pyproject.toml --extra sam -o requirements/sam.txt
	$(COMPILE) requirements/emulator.in -o requirements/emulator.txt
	$(COMPILE) requirements/checkov.in -o requirements/checkov.txt
	$(COMPILE) requirements/awswrangler.in -o requirements/awswrangler.txt

clean: ## Take away what make made; your answers and your progress stay
	@echo "· removing the virtual environments and the caches"
	@rm -rf .venv .venv-* .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		slides/node_modules slides/dist slides/exports
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A virtual environment is made by one script, which says what it does. Its stamp is newer than the
# requirements it was made of, so a second run is instant.
.venv/run.stamp: requirements/run.txt pyproject.toml requirements/install.sh
	@$(INSTALL) .venv run

.venv/dev.stamp: requirements/dev.txt pyproject.toml requirements/install.sh
	@$(INSTALL) .venv dev

.venv/notebooks.stamp: requirements/notebooks.txt pyproject.toml requirements/install.sh
	@$(INSTALL) .venv notebooks

.venv-sam/sam.stamp: requirements/sam.txt requirements/install.sh
	@$(INSTALL) .venv-sam sam

.venv-emulator/emulator.stamp: requirements/emulator.txt requirements/run.txt requirements/install.sh \
		$(wildcard solutions/*/requirements.txt)
	@$(INSTALL) .venv-emulator emulator

.venv-checkov/checkov.stamp: requirements/checkov.txt requirements/install.sh
	@$(INSTALL) .venv-checkov checkov

.venv-awswrangler/awswrangler.stamp: requirements/awswrangler.txt requirements/install.sh
	@$(INSTALL) .venv-awswrangler awswrangler

# Made at another place, or by a Python that is gone: made again.
made_at = $(shell $(1)/bin/python -c 'print(open("$(1)/made-at").read())' 2>/dev/null)
ifneq ($(call made_at,.venv),$(CURDIR))
.venv/run.stamp .venv/dev.stamp .venv/notebooks.stamp: again
endif
ifneq ($(call made_at,.venv-sam),$(CURDIR))
.venv-sam/sam.stamp: again
endif
ifneq ($(call made_at,.venv-emulator),$(CURDIR))
.venv-emulator/emulator.stamp: again
endif
ifneq ($(call made_at,.venv-checkov),$(CURDIR))
.venv-checkov/checkov.stamp: again
endif
ifneq ($(call made_at,.venv-awswrangler),$(CURDIR))
.venv-awswrangler/awswrangler.stamp: again
endif
