"""The documentation, held against what it describes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from simulator.core.lifecycle import KNOWN
from simulator.core.person import PRESETS
from simulator.core.tariff import POLICIES
from simulator.run.given import Given

ROOT = Path(__file__).parent.parent
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text("utf-8")
CONTRACT = (ROOT / "docs/system-under-test.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
DEPENDENCIES = (ROOT / "docs/dependencies.md").read_text("utf-8")
MODULES = sorted(p.relative_to(ROOT) for p in (ROOT / "simulator").rglob("*.py"))


@pytest.mark.parametrize("module", [m for m in MODULES if m.name != "__init__.py"], ids=str)
def test_the_architecture_names_every_module(module: Path) -> None:
    assert f"`{module.name}`" in ARCHITECTURE


def test_the_architecture_names_no_module_that_is_not_there() -> None:
    rows = [line for line in ARCHITECTURE.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([\w]+\.py)`", row)}
    assert named <= {m.name for m in MODULES}


def test_every_dependency_has_its_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    for requirement in wanted:
        name = re.split(r"[><=\[]", requirement)[0]
        assert re.search(rf"\b{re.escape(name)}\b", DEPENDENCIES, re.IGNORECASE), name


def test_every_dependency_is_pinned_without_an_address() -> None:
    pins = (ROOT / "constraints.txt").read_text("utf-8")
    assert "://" not in pins
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        name = re.split(r"[><=\[]", requirement)[0]
        assert re.search(rf"^{re.escape(name)}==", pins, re.IGNORECASE | re.MULTILINE), name


def test_the_contract_names_what_a_system_is_given() -> None:
    given = Given("u", "c", "t", "k", "a", "s", "p", "o")
    for name in given.environment(1):
        assert f"`{name}`" in CONTRACT
    for name in Given.__slots__:
        assert f"`{{{name}}}`" in CONTRACT


def test_the_readme_says_what_it_does_not_do_before_what_it_does() -> None:
    assert README.index("## What it does not do") < README.index("## What it does\n")
    assert "not affiliated" in README
    assert "in memory" in README


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)", README))
def test_links_of_the_readme_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_figures_state_source_certainty_and_denominator() -> None:
    for preset in PRESETS.values():
        for name in ("gone", "refuses", "noticed", "opened", "click", "reply", "stop"):
            figure = getattr(preset, name)
            assert figure.cite
            assert figure.per
            assert figure.certainty


def test_policies_name_their_source() -> None:
    assert all(policy.cite and policy.label for policy in POLICIES.values())


def test_the_lifecycle_is_total() -> None:
    assert {after for following in KNOWN.values() for after in following} <= set(KNOWN)
