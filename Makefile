.PHONY: demo dsfr screenshots test proof quick lint check bench profile soak mutants fuzz audit sbom fix lock clean

demo: ## the product on this machine: a provider, an old application, the gateway
	@scripts/setup run
	@.venv/bin/proconnect-gateway demo

test: ## every test, against real parts; sets up what it needs
	@scripts/setup test
	@.venv/bin/python -m pytest -n auto

proof: ## 100 000 answers of two gateways, each asked whose it is; some minutes
	@scripts/setup test
	@GATEWAY_PROOF_ANSWERS=100000 .venv/bin/python -m pytest tests/flows/test_concurrency_proof.py

quick: ## the tests that start no other program
	@scripts/setup test
	@.venv/bin/python -m pytest -n auto -m "not real"

lint: ## format, lint, strict types
	@scripts/setup test
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

check: lint test ## the whole gate: format, lint, strict types, floors, tests

bench: ## the cost, beside nginx and mod_auth_openidc: QUICK=1 within two minutes, ROW=small-page one row alone
	@scripts/setup bench
	@.venv/bin/python -m bench $(if $(QUICK),--quick) $(addprefix --row ,$(ROW))

profile: ## where the time of a small page goes, step by step: docs/performance.md
	@scripts/setup bench
	@.venv/bin/python -m bench.profile

soak: ## mixed traffic for ten minutes (MINUTES=n), every octet checked: memory flat, no file left open
	@scripts/setup bench
	@.venv/bin/python -m bench.soak $(if $(MINUTES),--minutes $(MINUTES))

mutants: ## takes away each check, one at a time, and sees a test turn red; MINUTES=n bounds it, and it goes on next time
	@scripts/setup test
	@nice -n 5 .venv/bin/python -m tests.mutants.run $(if $(MINUTES),--minutes $(MINUTES))

fuzz: ## whatever is read off the wire, with made-up messages, for MINUTES=n (10)
	@scripts/setup test
	@nice -n 5 .venv/bin/python -m tests.fuzz.run $(if $(MINUTES),--minutes $(MINUTES))

audit: ## asks whether anything is known to be wrong with the packages that the gateway runs on
	@scripts/audit vulnerabilities

sbom: ## writes build/sbom.json, a bill of materials (CycloneDX)
	@scripts/audit sbom

fix: ## tidy what a program can tidy
	@scripts/setup test
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

lock: ## write both lock files anew, at the newest versions the ranges allow
	@scripts/setup test
	@.venv/bin/python -m pip install --quiet uv
	@.venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	@.venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --group dev pyproject.toml -o requirements-dev.lock
	@.venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --group pyproject.toml:audit -o requirements-audit.lock

dsfr: ## the pages' theme for services of the State; its terms of use are to be accepted: DSFR_ACCEPT_LICENSE=1
	@cd dsfr && npm ci --silent --ignore-scripts --no-audit --no-fund && node build.mjs

screenshots: ## a picture of every page, in each language and theme, wide and narrow: build/screenshots/index.html
	@scripts/setup test
	@.venv/bin/python -m tests.support.screenshots build/screenshots

clean: ## everything that the commands above made
	@rm -rf .venv .venv-audit .mypy_cache .pytest_cache .ruff_cache .hypothesis build gateway/web/dsfr dsfr/node_modules tests/*/node_modules
