.DEFAULT_GOAL := help
.PHONY: help setup up demo test check lint format bench clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup:  ## leave a working .venv/bin/homelab
	@scripts/setup run

up:  ## set up everything and run the controller with its page
	@scripts/up run

demo:  ## show the product on the simulated world
	@scripts/up demo

test:  ## set up everything, lint, and run every test
	@scripts/test all

check:  ## the quick part of `test`: lint, unit and kinds
	@scripts/test quick

lint:  ## format, style, types, import contracts, fresh schemas
	@scripts/setup dev
	@scripts/lint

format:  ## rewrite the sources as `lint` wants them
	@scripts/setup dev
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

bench:  ## measure against the floor and against Compose
	@scripts/setup test
	@.venv/bin/python -m benchmarks.run

clean:  ## remove what the other targets made (never a state folder)
	@rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
