# One command a task. ARGS reaches the program: make run ARGS="--listen 127.0.0.1:8181"

SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)

BIN := $(or $(CARGO_TARGET_DIR),target)/release/downbeat
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run demo bench build test check fmt deny clean

help: ## Lists the commands.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Starts the service with a private Redis, data in ./.downbeat. Installs redis-server if it is missing.
	@scripts/need redis-server
	@exec $(BIN) serve $(ARGS)

demo: build ## Plays a team of agents against the service that "make run" started.
	@exec $(BIN) demo $(ARGS)

bench: build ## Measures a running service: make bench ARGS="fanout --pid 123,456" (ARGS="--help" lists the scenarios).
	@scripts/need redis-server
	@exec $(BIN) bench $(ARGS)

build: ## Builds the release binary.
	@scripts/need cargo cc
	cargo build --release --locked

test: ## Runs every test, from nothing: real redis-server, real processes, the clients that users bring.
	@scripts/need cargo cc redis-server node npm python3
	cargo test --locked

check: ## Checks formatting, lints and documentation.
	@scripts/need cargo cc rustfmt clippy
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --quiet --locked --no-deps --document-private-items

fmt: ## Formats the code.
	@scripts/need cargo rustfmt
	cargo fmt

deny: ## Checks licences, sources and known vulnerabilities of the dependencies. Installs cargo-deny if it is missing.
	@scripts/need cargo cargo-deny
	cargo deny --locked check

clean: ## Removes what was built; the data in ./.downbeat stays.
	cargo clean
