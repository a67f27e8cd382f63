# make demo   set everything up, run the first campaign, print the verdict
# make test   set everything up, pass the tests
# make mutants  every bug of the example against every scenario; writes the table in docs/mutants.md
# make lint   ruff, format check, mypy --strict
# make bench  the benchmarks: ratios, each a table and one JSON line
# make dist   a wheel and a source distribution in dist/, scenarios and example included

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test mutants lint bench dist clean

demo: $(READY)
	$(BIN)/todoku run scenarios/first-campaign.yaml --out .todoku/demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

mutants: $(READY)
	$(BIN)/python -m tests.run.mutants

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

dist: $(READY)
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .

clean:
	rm -rf $(VENV) .todoku dist

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[load,dev]'
	touch $@
