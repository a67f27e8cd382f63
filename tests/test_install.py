"""Installed without a clone: from a wheel, from a tag in git, with an extra.

The environments are new and see nothing of this checkout. Their dependencies are those of the
environment that runs the tests, through its path, so that no index is asked; `.ci/install` does the
same with everything from the index.
"""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60.0
_ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("TODOKU_", "PYTHON")) and name != "VIRTUAL_ENV"
}


def command(*words: object, cwd: Path, code: int = 0) -> str:
    """Run a command to its end; return what it said."""
    ran = subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )
    assert ran.returncode == code, f"{words}: exit {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def environment(folder: Path) -> Path:
    """Make an empty environment that borrows dependencies; return the folder of its commands."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def install(bin_: Path, *what: object, cwd: Path) -> None:
    """Install with pip, without its dependencies and without an index."""
    flags = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", bin_ / "python")
    command(*pip, "install", "--force-reinstall", *flags, *what, cwd=cwd)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a git repository of this tree as it is, with a tag."""
    folder = tmp_path_factory.mktemp("source") / "todoku"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_NOT_OURS))
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=0")
    command(*git, "init", "-q", cwd=folder)
    command(*git, "add", "-A", cwd=folder)
    command(*git, "commit", "-qm", "as it is", cwd=folder)
    command(*git, "tag", "v9", cwd=folder)
    return folder


_NOT_OURS = (".git", ".venv", ".todoku", "dist", ".hypothesis", ".*_cache", "__pycache__")


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `make dist` does: from the source distribution."""
    out = tmp_path_factory.mktemp("dist")
    command(*(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source), cwd=source)
    (found,) = out.glob("*.whl")
    assert len(list(out.glob("*.tar.gz"))) == 1
    return found


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_the_makefile_builds_it_in_the_same_way() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    assert "python -m build --no-isolation --outdir dist ." in text


def test_a_bundled_scenario_runs_from_the_wheel_in_an_empty_folder(
    wheel: Path, tmp_path: Path
) -> None:
    bin_ = environment(tmp_path / "env")
    install(bin_, wheel, cwd=tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    said = command(bin_ / "todoku", "run", "first-campaign", cwd=empty)
    assert said.splitlines()[-1] == "PASS: 5 of 5 expectations hold, no findings"
    where = command(bin_ / "python", "-c", "import simulator; print(simulator.__file__)", cwd=empty)
    assert Path(where.strip()).is_relative_to(tmp_path), "it must not be this checkout's"
    outside = [p.name for p in empty.iterdir()]
    assert outside == [".todoku"]
    said = command(bin_ / "todoku", "run", "no-such", cwd=empty, code=2)
    assert said == ""


def test_a_tag_in_git_installs_and_a_suite_runs_from_it(source: Path, tmp_path: Path) -> None:
    bin_ = environment(tmp_path / "env")
    install(bin_, f"todoku @ git+file://localhost{source}@v9", cwd=tmp_path)
    command(bin_ / "todoku", "explain", "us-reminder", "--json", "x.json", cwd=tmp_path)
    said = command(bin_ / "todoku", "run", "us-reminder", "--seeds", 1, cwd=tmp_path)
    assert said.splitlines()[-1] == "PASS: 1 run, all passed"


def test_an_extra_is_known_by_its_name_and_brings_what_it_is_for(
    wheel: Path, tmp_path: Path, metadata: Message
) -> None:
    bin_ = environment(tmp_path / "env")
    install(bin_, f"todoku[load] @ file://{wheel}", cwd=tmp_path)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert metadata.get_all("Provides-Extra") == sorted(extras)
    wanted = [line for line in metadata.get_all("Requires-Dist", []) if "extra == 'load'" in line]
    assert [line.split(";")[0] for line in wanted] == extras["load"]
    assert not [line for line in metadata.get_all("Requires-Dist", []) if _of_load(line)]
    code = "import loadtests.target, importlib.metadata as m; print(m.version('todoku'))"
    assert command(bin_ / "python", "-c", code, cwd=tmp_path).strip() == project["version"]


def _of_load(line: str) -> bool:
    """Tell whether a requirement brings a load generator to who did not ask for one."""
    return line.startswith(("locust", "hdrhistogram", "gevent")) and "extra == 'load'" not in line


def test_no_module_needs_an_extra_to_be_imported(tmp_path: Path) -> None:
    """As where no extra is installed: the import of it fails, and nobody tries."""
    code = """
import importlib, importlib.abc, pkgutil, sys

LEFT_OUT = {"locust", "gevent", "geventhttpclient", "hdrh", "matplotlib", "uniplot", "sqlalchemy"}

class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in LEFT_OUT:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Nothing())
import simulator
for module in pkgutil.walk_packages(simulator.__path__, "simulator."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
sys.argv = ["todoku", "explain", "first-campaign"]
simulator.cli.main()
"""
    said = command(sys.executable, "-c", code, cwd=tmp_path)
    assert "first-campaign" in said


def test_the_wheel_holds_scenarios_example_and_licence_and_nothing_of_ours_besides(
    wheel: Path,
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"simulator", "loadtests"}
    for scenario in (ROOT / "scenarios").glob("*.yaml"):
        assert f"simulator/_share/scenarios/{scenario.name}" in names
    assert "simulator/_share/examples/outreach/__main__.py" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert "simulator/py.typed" in names


def test_the_licence_is_told_as_it_is(metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")
    assert not any("License ::" in line for line in metadata.get_all("Classifier", []))
    assert metadata["Requires-Python"] == ">=3.11"
