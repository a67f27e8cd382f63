"""Every command in the pages is run, in an empty folder, by the rules that CONTRIBUTING.md has."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer

from simulator.cli import app
from simulator.run.ci_files import LINE, WORKFLOWS
from simulator.settings import Settings, variable_of
from tests.docs_blocks import Block, blocks_of, inline_commands
from tests.last_words import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PATIENCE_S = 60.0
_NEEDS_SERVER = re.compile(
    r"TODOKU_(URL|CONTROL_URL|CLOCK_URL|TOKEN)\b|^todoku ready\b", re.MULTILINE
)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def environment(home: Path) -> dict[str, str]:
    """Return what a page's commands find: our commands first, and every port free."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TODOKU_", "PYTHON"))}
    ports = {variable_of(n): "0" for n in Settings.model_fields if n.endswith("port")}
    path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath)))
    return {**kept, **ports, "PATH": path, "HOME": str(home), "TODOKU_TOKEN": secrets.token_hex()}


@contextmanager
def served(env: Mapping[str, str], folder: Path) -> Iterator[dict[str, str]]:
    """Serve as a reader would, in a process of its own; yield where, as the pages' variables."""
    process = subprocess.Popen(
        ["todoku", "serve"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert process.stdout is not None
    said: dict[str, str] = {}
    try:
        for line in process.stdout:
            word, _, rest = line.strip().partition(" ")
            said[word] = rest.strip()
            if word == "state":
                break
        assert "state" in said, said
        yield {
            "TODOKU_URL": said["gateway"],
            "TODOKU_CONTROL_URL": said["control"],
            "TODOKU_CLOCK_URL": f"{said['control']}/v1/worlds/default/clock",
        }
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def run(block: Block, page: Path, folder: Path, env: Mapping[str, str]) -> None:
    """Run one block; it must end well."""
    __tracebackhide__ = True  # the environment of whoever runs this is nobody's business
    script = folder.parent / f"block-{block.line}"
    script.write_text(block.script(), "utf-8")
    shell = ["bash", "-euo", "pipefail"] if block.kind == "sh" else [sys.executable]
    ran = subprocess.run(
        [*shell, str(script)],
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )
    said = f"{ran.stdout}{ran.stderr}"
    assert ran.returncode == 0, f"{_name(page)}:{block.line}: exit {ran.returncode}\n{said}"


def run_page(page: Path, folder: Path) -> None:
    """Run the blocks of a page, with a server if it wants one."""
    here, home = folder / "here", folder / "home"
    here.mkdir()
    home.mkdir()
    env = environment(home)
    blocks = [block for block in blocks_of(page) if block.script().strip()]
    with ExitStack() as stack:
        if any(_NEEDS_SERVER.search(block.script()) for block in blocks):
            env = {**env, **stack.enter_context(served(env, home))}
        for block in blocks:
            run(block, page, here, env)


@pytest.fixture(scope="module")
def ran(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[Path, Future[None]]]:
    """Run the pages that were asked for, two at a time."""
    name = test_every_command_of_a_page_runs_in_an_empty_folder.__name__
    asked = [i for i in request.session.items if getattr(i, "originalname", "") == name]
    with ThreadPoolExecutor(2) as pool:
        pages = [item.callspec.params["page"] for item in asked]  # type: ignore[attr-defined]
        yield {page: pool.submit(run_page, page, tmp_path_factory.mktemp("page")) for page in pages}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_of_a_page_runs_in_an_empty_folder(
    page: Path, ran: Mapping[Path, Future[None]], pytestconfig: pytest.Config
) -> None:
    ran[page].result()
    for block in blocks_of(page):
        block.script()
        where = f"not run: {_name(page)}:{block.line}"
        say(pytestconfig, [f"{where}: {line}" for line in block.not_run])


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_in_running_text_exist_with_their_flags(page: Path) -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for words in inline_commands(page):
        name = words[1] if len(words) > 1 else ""
        if name.startswith("-"):
            continue
        assert name in known, f"{_name(page)}: there is no `todoku {name}`"
        flags = {flag for param in known[name].params for flag in param.opts}
        used = {re.split(r"[=\[\]]", word)[0] for word in words if word.startswith("--")}
        assert used <= flags, f"{_name(page)}: `todoku {name}` has no {used - flags}"


# The line of CI.


def test_the_three_snippets_are_what_init_writes_and_run_the_same_line() -> None:
    text = (ROOT / "docs/ci.md").read_text("utf-8")
    for workflow in WORKFLOWS.values():
        assert f"\n{workflow.text}```" in text, workflow.path
    lines = [line.strip().removeprefix("- ").removeprefix("run: ") for line in text.splitlines()]
    runs = [line for line in lines if line.startswith("todoku run")]
    assert runs == [LINE] * (1 + len(WORKFLOWS)), "the first is the one that this test runs"


# The rules can fail.


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    ["```bash\ntrue\n```", "```console\n$ todoku run x\n```", "```\ncurl http://x\n```"],
)
def test_commands_that_would_escape_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(AssertionError, match="write ```sh"):
        blocks_of(page(tmp_path, text))


@pytest.mark.parametrize(
    ("commands", "passes"),
    [
        ("true", True),
        ("false", False),
        ("false\ntrue", False),
        ("false | cat", False),
        ("false   # exit 1", True),
        ("true   # exit 1", False),
        ("sudo rm x   # not run: needs root", True),
        ("echo \\\n  continued >f\ntest -s f", True),
        ("cat >f\ntest ! -s f", True),  # it must not eat the lines after it
        ("todoku serve --no-such-flag", False),
    ],
)
def test_a_command_passes_only_with_its_exit_code(
    tmp_path: Path, commands: str, passes: bool
) -> None:
    (block,) = blocks_of(page(tmp_path, f"- a list:\n\n  ```sh\n  {commands}\n  ```\n"))
    outcome = True
    try:
        run(block, ROOT / "README.md", tmp_path, environment(tmp_path))
    except AssertionError:
        outcome = False
    assert outcome is passes


def test_what_is_not_run_is_noted_with_its_reason(tmp_path: Path) -> None:
    text = "```sh\napt install x  # not run: needs root\n```\n```python\n# not run: slow\nx\n```"
    found = blocks_of(page(tmp_path, text))
    assert [block.script() for block in found] == ["", ""]
    assert [block.not_run for block in found] == [["apt install x: needs root"], ["python: slow"]]
