.PHONY: demo test quick lint check fix lock clean

demo: ## the product on this machine: a provider, an old application, the gateway
	@scripts/setup run
	@.venv/bin/proconnect-gateway demo

test: ## every test, against real parts; sets up what it needs
	@scripts/setup test
	@.venv/bin/python -m pytest -n auto

quick: ## the tests that start no other program
	@scripts/setup test
	@.venv/bin/python -m pytest -n auto -m "not real"

lint: ## format, lint, strict types
	@scripts/setup test
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

check: lint test ## the whole gate: format, lint, strict types, floors, tests

fix: ## tidy what a program can tidy
	@scripts/setup test
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

lock: ## write both lock files anew, at the newest versions the ranges allow
	@scripts/setup test
	@.venv/bin/python -m pip install --quiet uv
	@.venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	@.venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --group dev pyproject.toml -o requirements-dev.lock

clean: ## everything that the commands above made
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build tests/providers/node_modules
