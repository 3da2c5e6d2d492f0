# Builds, starts and checks everything. Needs Rust (the version in rust-toolchain.toml or Cargo.toml), Node 20 with npm, a C compiler,
# and for the tests PostgreSQL and Chromium, which are installed on Debian when make runs as root.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),target)
HAP := $(abspath $(TARGET))/debug/hap
DEMO := $(abspath $(TARGET))/demo/hap
ASSETS := crates/web/assets
CHROMIUM ?= $(or $(shell command -v chromium),$(shell command -v chromium-browser),/usr/bin/chromium)
# Address and folder of `make demo`.
PORT ?= 8080
DATA ?= data
PERSONS ?= 100000
# How long `make fuzz` tries.
FUZZ_SECONDS ?= 60

.PHONY: help demo test bench clean assets packages python-peers tools format lint unit fuzz checks build browser tour

help: ## This list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: tools assets ## Build and start the whole of hap with synthetic people at http://127.0.0.1:8080 (PORT, DATA, PERSONS).
	cargo build --locked --profile demo -p hap
	$(DEMO) demo --data $(DATA) --port $(PORT) --persons $(PERSONS)

test: tools packages format assets lint unit fuzz checks build browser tour ## Everything that a change must pass.
	@echo "all tests passed"

format: ## Formatting, without changing anything.
	cargo fmt --check

lint: assets ## Clippy, warnings are errors.
	cargo clippy --locked --workspace --all-targets -- -D warnings

# hap is tested by itself: with other crates in one build it would get features that only their tests switch on.
unit: packages python-peers assets ## Tests of all crates, on SQLite and PostgreSQL.
	cargo test --locked --workspace --exclude hap
	cargo test --locked -p hap
	$(abspath $(TARGET))/debug/examples/bench_engine --check --persons 100000
	$(abspath $(TARGET))/debug/examples/attack > $(abspath $(TARGET))/attack.md

# From one seed, so that a change is judged by what it changes; without --seed each day tries something else.
fuzz: ## A minute of scripts that nobody wrote, through the language (FUZZ_SECONDS for longer); some seconds of criteria.
	cargo xtask fuzz script --seconds $(FUZZ_SECONDS) --seed 1
	cargo xtask fuzz criteria --seconds 5 --seed 1

checks: ## Who may use whom, licences, texts.
	cargo xtask check

# All targets, as `unit` has built them: without those of the tests other features are chosen, and most crates built once more.
build: assets
	cargo build --locked -p hap --all-targets

browser: packages build ## Every page in Chromium: axe, keyboard, phone width, size.
	cd $(ASSETS) && HAP=$(HAP) CHROMIUM=$(CHROMIUM) node --test --test-concurrency=2 e2e/

tour: build ## The whole chain through the public API of a demo of its own.
	bash .ci/tour $(HAP)

bench: assets ## Benchmarks that are code (NAME chooses one).
	cargo xtask bench $(NAME)

assets: $(ASSETS)/dist/built ## Styles and scripts of the site.

$(ASSETS)/node_modules/.package-lock.json: $(ASSETS)/package.json $(ASSETS)/package-lock.json
	cd $(ASSETS) && npm ci --no-audit --no-fund
	touch $@

$(ASSETS)/dist/built: $(ASSETS)/node_modules/.package-lock.json $(ASSETS)/build.mjs $(wildcard $(ASSETS)/src/*)
	cd $(ASSETS) && npm run --silent check && npm run --silent build

clean: ## Remove what was built; data stays.
	cargo clean
	rm -rf $(ASSETS)/dist $(ASSETS)/node_modules

# What must be there before anything else, with the remedy when it is not.
tools:
	@for tool in cargo node npm cc; do \
	  command -v $$tool >/dev/null || { echo "$$tool is missing. Rust: https://rustup.rs; on Debian: apt-get install nodejs npm build-essential"; exit 1; }; \
	done

# Public tools that tests compare with (Crypt4GH, packages of datasets), in a virtual environment of their own.
python-peers: .venv/ready
.venv/ready: tests/peers/requirements.txt
	python3 -m venv .venv || { echo "python3 with venv is missing. On Debian: apt-get install python3-venv"; exit 1; }
	.venv/bin/pip install --quiet --requirement $<
	touch $@

# PostgreSQL and Chromium, for the tests.
packages:
	@missing=""; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="$$missing postgresql"; \
	[ -x "$(CHROMIUM)" ] || missing="$$missing chromium"; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	else \
	  echo "For the tests install:$$missing (on Debian as root: apt-get install$$missing)"; exit 1; \
	fi
