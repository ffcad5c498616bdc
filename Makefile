PY := .venv/bin/python

.PHONY: demo test test-all lint bench eval clean

# build the demo project and answer three questions in the terminal
demo: .venv/done demo/alder.duckdb
	@.venv/bin/answerable ask "revenue by region last month" --project demo
	@.venv/bin/answerable ask "average order value by month in 2025" --project demo
	@.venv/bin/answerable ask "churn of gold customers last month" --project demo || test $$? -eq 3

# pass the tests
test: .venv/done
	@$(PY) -m pytest

# the tests with the outside suites and the long properties whole
test-all: .venv/done
	@HYPOTHESIS_PROFILE=long ANSWERABLE_OUTSIDE=1 $(PY) -m pytest

# style and types
lint: .venv/done
	@$(PY) -m ruff check .
	@$(PY) -m mypy

# speed, as ratios; PARTS="start plan execute shop scale index" selects, PARTS=peers asks other semantic layers too
bench: .venv/done demo/alder.duckdb
	@$(PY) -m answerable.evals.bench $(PARTS)

# accuracy on the demo, and on ../shared where it is there
eval: .venv/done demo/alder.duckdb
	@$(PY) -m answerable.evals.accuracy

# remove what was built
clean:
	rm -rf .venv build demo/alder.duckdb demo/.answerable

demo/alder.duckdb: demo/generate.py demo/seeds/*.csv | .venv/done
	@$(PY) demo/generate.py

# the lock first, then the package without its dependencies: the resolver has nothing left to choose
.venv/done: requirements.lock pyproject.toml
	@python3 -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
