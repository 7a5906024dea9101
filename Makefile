# Two commands do everything: `make demo` and `make test`.
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := $(VENV)/bin

.PHONY: demo test check chaos s3 hostile clients fuzz transcripts webhook images bench parity clean help

help:
	@echo "make demo    set up and chat with the studio in a browser: no token, no GPU, no server"
	@echo "make test    set up and run all tests"
	@echo "make check   ruff, mypy --strict, import rules, texts in both languages, container files"
	@echo "make parity  replay the golden tensors, one row per case"
	@echo "make chaos   the long fault suite of the queue"
	@echo "make s3      pictures in an object store, by a local S3 server"
	@echo "make hostile every attack on the studio at full length, hours"
	@echo "make fuzz    thousands of requests that the OpenAPI document allows or forbids"
	@echo "make clients bots in grammY, Telegraf, pyTelegramBotAPI and python-telegram-bot against the playground"
	@echo "make transcripts  what people see, compared with what was recorded"
	@echo "make webhook every conversation once more, updates brought by webhook"
	@echo "make images  both images built for real, and a picture drawn with them, without Docker; root on Debian, long"
	@echo "make bench   the benchmarks, as ratios"

demo: $(VENV)/.run
	@exec $(BIN)/python -m bot demo

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m bot.texts.i18n check
	$(BIN)/hadolint --config docker/hadolint.yaml docker/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml docker/compose.yaml docker/worker.compose.yaml

parity: $(VENV)/.dev
	$(BIN)/python -m tests.parity

chaos: $(VENV)/.dev
	$(BIN)/python -m tests.chaos --long

s3: $(VENV)/.dev .s3/.ready
	OMP_NUM_THREADS=1 PYTHONPATH=$$(echo .s3/lib/python3*/site-packages) $(BIN)/python -m pytest tests/s3

hostile: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.hostile --long

clients: $(VENV)/.dev
	$(BIN)/python -m tests.clients

fuzz: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bot.door.fuzzing

transcripts: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.characterisation

webhook: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/bot/conversation --by-webhook -n auto --dist loadfile --no-loadscope-reorder

images: $(VENV)/.dev
	$(BIN)/python -m tests.images

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .clients .s3 build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[inference,heic]'
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[inference,heic,mcp,postgres,redis,dev]'
	@touch $@

# Seventy packages beside ours, and in no other run.
.s3/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .s3
	.s3/bin/pip install --disable-pip-version-check --quiet -c constraints.txt s3fs 'moto[server]==5.2.5'
	@touch $@
