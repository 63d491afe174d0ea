# What people and CI run. Cargo decides where it builds (CARGO_TARGET_DIR is honoured); the reference server's Python and
# the tools that CI installs are under target/.

PYTHON ?= python3
CARGO ?= cargo

DRF_VENV := target/drf-venv
PYTHON_VENV := $(CURDIR)/target/python-venv
# The tests that start the reference server use this Python. Name another one to use your own environment.
export DRF_PYTHON ?= $(CURDIR)/$(DRF_VENV)/bin/python

CARGO_DENY_VERSION := 0.20.2
CARGO_DENY_HOME := target/tools/cargo-deny-$(CARGO_DENY_VERSION)

EXAMPLES := quickstart blocking axum actix

.PHONY: help
help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: quickstart
quickstart: ## Show the whole job on a test server
	$(CARGO) run --example quickstart

.PHONY: test
test: test-rust test-drf test-python ## Pass every test; the first run installs the reference server

.PHONY: test-rust
test-rust: drf-venv ## Rust: unit, property, network, UI, contract and documentation tests
	$(CARGO) test --workspace

.PHONY: test-drf
test-drf: drf-venv ## Python: what the reference server answers
	"$(DRF_PYTHON)" -m pytest -q -p no:cacheprovider tests/drf

.PHONY: test-python
test-python: drf-venv python-venv ## Python: the package on the reference server and on the test server
	cd bindings/python && "$(PYTHON_VENV)/bin/python" -m pytest -q -p no:cacheprovider -p no:asyncio

.PHONY: lint-python
lint-python: python-venv ## Types and style of the Python package, and clippy of its engine
	cd bindings/python && "$(PYTHON_VENV)/bin/mypy" && "$(PYTHON_VENV)/bin/pyright" --pythonpath "$(PYTHON_VENV)/bin/python" \
		&& "$(PYTHON_VENV)/bin/ruff" check && "$(PYTHON_VENV)/bin/ruff" format --check \
		&& PYO3_PYTHON="$(PYTHON_VENV)/bin/python" $(CARGO) clippy --locked -- -D warnings && $(CARGO) fmt --check

.PHONY: python-venv
python-venv: drf-venv ## Build the Python package into target/python-venv, as `pip install` does
	test -x "$(PYTHON_VENV)/bin/python" || $(PYTHON) -m venv "$(PYTHON_VENV)"
	"$(PYTHON_VENV)/bin/python" -m pip install --quiet --disable-pip-version-check "./bindings/python[test,lint]"

.PHONY: wheel
wheel: ## Build the Python wheel under target/wheels: one for CPython 3.10 and later
	$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps -w target/wheels ./bindings/python

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

.PHONY: fmt-check
fmt-check: ## Refuse unformatted Rust code
	$(CARGO) fmt --all --check

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
deny: $(CARGO_DENY_HOME)/bin/cargo-deny ## Check licences, sources and duplicates of dependencies
	$< check bans licenses sources

# Unoptimised, because it is built more often than it is run. In a directory of its own, not in CARGO_TARGET_DIR.
$(CARGO_DENY_HOME)/bin/cargo-deny:
	env -u CARGO_TARGET_DIR $(CARGO) install --locked --debug --no-default-features \
		--version $(CARGO_DENY_VERSION) --root $(CARGO_DENY_HOME) cargo-deny

.PHONY: ci
ci: ## Everything that CI runs
	.ci/run
