# What people and continuous integration type. Each target is one line of shell or a script.

# What follows `--` is passed to the server: `make run ARGS="--listen 127.0.0.1:9000"`.
ARGS ?=
URL ?= http://127.0.0.1:8000

# How often `make torture` kills the service at random, and whether it also fails every single call to the system
# (`CRASH_POINTS=all`) and goes on for long with a PostgreSQL that comes and goes.
KILLS ?= 1000
CRASH_POINTS ?= all

# A device in `make bench`; the user has ten. The goals are stated for 10000000; with 1000000 it takes minutes.
READINGS ?= 10000000

.PHONY: help run test check torture bench deny openapi-write locust-test compose-check compose-test

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | expand --tabs=16

run: ## Build and serve on port 8000 with the embedded store
	cargo run --release --locked --bin device-stats -- serve $(ARGS)

test: ## Everything continuous integration runs: checks, tests, containers' files, InfluxDB's client, Locust on both stores
	scripts/install-test-needs.sh
	$(MAKE) --no-print-directory check
	cargo test --workspace --all-features --locked
	scripts/deny.sh
	scripts/compose-check.sh
	scripts/influx-client.sh
	scripts/locust-both.sh

check: ## Format, lints and documentation, warnings as errors; and whether Python can read its files
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked
	python3 -m compileall -q bench locust scripts/influx

torture: ## Kill it KILLS times (1000), fail every call to the system, restart PostgreSQL again and again; see docs/reliability.md
	CRASH_POINTS=$(CRASH_POINTS) cargo test --release --locked -p device-stats-sqlite --test sqlite crash_points -- --nocapture
	CRASH_POINTS=$(CRASH_POINTS) cargo test --release --locked -p device-stats --test binary -- --nocapture crash_points storms
	KILLS=$(KILLS) cargo test --release --locked -p device-stats --test binary kills -- --nocapture

bench: ## Measure it beside ClickHouse, DuckDB and PostgreSQL; READINGS, KINDS, SYSTEMS, CSV: see docs/performance.md
	READINGS=$(READINGS) scripts/bench.sh

deny: ## Licences, sources and known vulnerabilities of the libraries
	scripts/deny.sh

openapi-write: ## Write docs/openapi.json anew
	cargo run --locked --bin device-stats -- openapi > docs/openapi.json

locust-test: ## Play devices against the service at URL for a few seconds; fails on a wrong answer
	scripts/locust-test.sh $(URL)

compose-check: ## Read compose.yaml and its companions for mistakes, without an engine
	scripts/compose-check.sh

compose-test: ## Start everything in compose.yaml for real, use it, put it under load, and take it down
	scripts/compose-test.sh
