# Commands for developers and continuous integration. Each target is one line of shell or a script.

# Options of the server: `make run ARGS="--listen 127.0.0.1:9000"`.
ARGS ?=
URL ?= http://127.0.0.1:8000

# `make torture`: number of kills at random times. CRASH_POINTS=all also fails every single system call, loses
# power 1,000 times (of the store, and of the binary), restarts PostgreSQL many times, and lets hostile clients
# attack ten times.
KILLS ?= 1000
CRASH_POINTS ?= all

# `make fuzz`: number of random requests.
FUZZ_REQUESTS ?= 1000000

# `make bench`: readings per device; the user has ten devices. The goals are for 10000000; 1000000 takes
# minutes.
READINGS ?= 10000000

# `make soak`: hours of load. `make dashboard-soak`: minutes of load.
HOURS ?= 2
MINUTES ?= 60

.PHONY: help run dashboard test check dashboard-check screenshots dashboard-soak torture fuzz bench soak deny openapi-write locust-test compose-check compose-test

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | expand --tabs=16

run: ## Build the dashboard and the service, and run it on port 8000 with the embedded store
	scripts/dashboard.sh --optional
	cargo run --release --locked --bin device-stats -- serve $(ARGS)

dashboard: ## Build the dashboard with Node, if its sources have changed; the next build of the service embeds it
	scripts/dashboard.sh

test: ## Run all checks of continuous integration: lints, tests, container files, clients, files, a browser, Prometheus, OpenAPI, Locust
	scripts/install-test-needs.sh
	scripts/dashboard.sh
	$(MAKE) --no-print-directory check dashboard-check
	scripts/cargo-tests.sh
	scripts/deny.sh
	scripts/compose-check.sh
	scripts/with-server.sh influx python scripts/influx/client.py
	scripts/with-server.sh dataframes python scripts/dataframes/client.py
	scripts/with-server.sh browser python scripts/browser/client.py
	scripts/with-server.sh prometheus scripts/prometheus/check.sh
	scripts/with-server.sh schemathesis scripts/schemathesis/run.sh
	scripts/dashboard-test.sh
	scripts/locust-both.sh

check: ## Check formatting, lints and documentation with warnings as errors, and the syntax of Python files
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
# `--examples` gives the libraries the same features as in the line above, so they are not checked a second time.
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked --lib --bin device-stats-bench --examples
	scripts/comment-width.py
	python3 -m compileall -q bench locust scripts

dashboard-check: ## Check the types, the format, the size and the calculations of the dashboard
	cd dashboard && npm run check && npm test && npm run size

screenshots: ## Write pictures of each view of the dashboard into docs/images, light and dark, wide and narrow
	scripts/with-browser.sh npx playwright test --config screenshots/playwright.config.ts

dashboard-soak: ## Leave the dashboard open for MINUTES (60) at 100 readings/s; fail if its memory grows
	MINUTES=$(MINUTES) scripts/with-browser.sh npx playwright test --config soak/playwright.config.ts

torture: ## Kill the service KILLS times (1000), fail every system call, lose power, restart PostgreSQL (docs/reliability.md)
	CRASH_POINTS=$(CRASH_POINTS) cargo test --release --locked -p device-stats-sqlite --test sqlite -- --nocapture crash_points power_loss
	CRASH_POINTS=$(CRASH_POINTS) cargo test --release --locked -p device-stats --test binary -- --nocapture crash_points hostile_clients power_loss storms
	KILLS=$(KILLS) cargo test --release --locked -p device-stats --test binary kills -- --nocapture

fuzz: ## Send FUZZ_REQUESTS (1000000) random requests to the application; FUZZ_SEED repeats a run
	FUZZ_REQUESTS=$(FUZZ_REQUESTS) cargo test --release --locked -p device-stats-http --lib fuzz -- --nocapture

bench: ## Compare with ClickHouse, DuckDB and PostgreSQL; READINGS, KINDS, SYSTEMS, CSV (docs/performance.md)
	READINGS=$(READINGS) scripts/bench.sh bench

soak: ## Put load on both stores for HOURS (2); fail if an answer is wrong or a figure grows (docs/reliability.md)
	scripts/bench.sh bench/soak --hours $(HOURS)

deny: ## Check licences, sources and known vulnerabilities of the libraries
	scripts/deny.sh

openapi-write: ## Write docs/openapi.json from the code
	cargo run --locked --bin device-stats -- openapi > docs/openapi.json

locust-test: ## Run the load test against the service at URL for a few seconds; fail on a wrong answer
	scripts/locust-test.sh $(URL)

compose-check: ## Check the Compose files and .env.example without a Docker engine
	scripts/compose-check.sh

compose-test: ## Start all services of compose.yaml, test them under load, and remove them
	scripts/compose-test.sh
