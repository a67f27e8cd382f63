"""The Dockerfile and the compose file: held against rules and schema, their commands run here.

No Docker engine is asked for: images are not built in these tests. What is run natively is what the
containers would run: the same commands, the same variables, the same health checks.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema
import pytest
import yaml

from simulator import __version__
from simulator.core.number import us_fictional
from simulator.run.given import free_port
from tests.servers import PATIENCE_S, request, until_true

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
TOKEN = "a-token-of-this-test"
SECRET_WORDS = re.compile(r"(?i)token|secret|password|passwd|api_?key|private")


class Line(NamedTuple):
    """One instruction of a Dockerfile."""

    name: str
    value: str


def stages() -> dict[str, list[Line]]:
    """Read the Dockerfile: the instructions of each stage, by its name."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE))
    found: dict[str, list[Line]] = {}
    for text in filter(str.strip, joined.splitlines()):
        name, _, value = text.strip().partition(" ")
        if name == "FROM":
            found[value.split(" AS ")[1]] = []
        list(found.values())[-1].append(Line(name, value.strip()))
    return found


def values(stage: str, name: str) -> list[str]:
    return [line.value for line in stages()[stage] if line.name == name]


def command(stage: str, name: str) -> list[str]:
    """Return the exec form of an ENTRYPOINT, a CMD or a HEALTHCHECK."""
    (value,) = values(stage, name)
    found: list[str] = json.loads(value[value.index("[") :])
    return found


# The Dockerfile.


def test_there_is_a_build_stage_and_one_for_each_service() -> None:
    assert list(stages()) == ["build", "todoku", "outreach"]
    assert {service["build"]["target"] for service in SERVICES.values()} == {"todoku", "outreach"}


def test_base_images_have_a_version() -> None:
    for lines in stages().values():
        image = lines[0].value.split()[0]
        assert image in stages() or re.fullmatch(r"python:3\.11-slim-[a-z]+", image), image
    assert ":latest" not in DOCKERFILE


def test_nobody_is_root_and_the_user_is_a_number() -> None:
    assert values("todoku", "USER") == ["10001:10001"]
    assert values("outreach", "USER") == []  # as in the stage it comes from
    after = [line.name for line in stages()["todoku"]]
    assert after.index("USER") > max(i for i, name in enumerate(after) if name == "RUN")


@pytest.mark.parametrize("stage", ["todoku", "outreach"])
def test_each_image_has_a_health_check_and_commands_without_a_shell(stage: str) -> None:
    (check,) = values(stage, "HEALTHCHECK")
    assert "--start-interval=1s" in check
    for name in ("HEALTHCHECK", "ENTRYPOINT", "CMD"):
        assert command(stage, name)
    assert command("todoku", "HEALTHCHECK")[:3] == ["todoku", "ready", "--wait"]


def test_no_secret_is_in_the_image() -> None:
    for lines in stages().values():
        for line in lines:
            if line.name in {"ARG", "ENV", "LABEL"}:
                assert not SECRET_WORDS.search(line.value), line
            assert line.name != "ADD", "COPY says what comes from where"


def test_what_is_copied_is_there_and_goes_out_to_the_engine() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").split("\n")
    let_out = {line[1:] for line in ignore if line.startswith("!")}
    assert "*" in ignore
    copied: set[str] = set()
    for lines in stages().values():
        for line in lines:
            if line.name == "COPY" and not line.value.startswith("--from"):
                copied.update(shlex.split(line.value)[:-1])
    assert copied == let_out
    for name in copied:
        assert (ROOT / name).exists()


def test_the_installation_is_pinned() -> None:
    (install,) = (value for value in values("build", "RUN") if "pip install" in value)
    assert "-c constraints.txt" in install


# The compose file.


def test_it_is_valid_by_the_compose_specification() -> None:
    vendored = files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
    schema = json.loads(vendored.read_text("utf-8"))
    checker = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in checker.iter_errors(COMPOSE)] == []
    broken = {**COMPOSE, "services": {"todoku": {"port": ["8080"]}}}
    assert list(checker.iter_errors(broken)), "the schema checks nothing"


def test_every_port_is_published_on_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service["ports"]]
    assert published
    for port in published:
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port), port


def test_the_token_comes_from_outside_and_its_absence_is_told() -> None:
    for service in SERVICES.values():
        value = service["environment"]["TODOKU_TOKEN"]
        assert re.fullmatch(r"\$\{TODOKU_TOKEN:\?set it .+\}", value)


def test_dependants_wait_until_the_simulator_is_healthy() -> None:
    assert SERVICES["outreach"]["depends_on"] == {"todoku": {"condition": "service_healthy"}}
    assert values("todoku", "HEALTHCHECK")


def test_images_have_this_version() -> None:
    for service in SERVICES.values():
        assert service["image"].endswith(f":{__version__}")


def test_containers_may_do_little() -> None:
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service


# What they run, run here.


def natively(stage: str, arguments: list[str]) -> list[str]:
    """Return a command as the container would run it, with this environment's Python."""
    words = [*command(stage, "ENTRYPOINT"), *arguments]
    mine = {"todoku": [sys.executable, "-m", "simulator"], "python": [sys.executable]}
    return [*mine[words[0]], *words[1:]]


def environment(service: str, **changes: str) -> dict[str, str]:
    found = {name: text for name, text in os.environ.items() if not name.startswith("TODOKU_")}
    given: Mapping[str, str] = SERVICES[service]["environment"]
    return {**found, **given, "TODOKU_TOKEN": TOKEN, **changes}


@contextmanager
def started(words: list[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        words, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)


@contextmanager
def simulator(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run the service `todoku` on free ports; return what it greets with."""
    ports = [word for name in ("port", "control-port", "tls-port") for word in (f"--{name}", "0")]
    words = natively("todoku", [*SERVICES["todoku"]["command"], *ports])
    with started(words, environment("todoku", TODOKU_TLS_DIR=str(tmp_path))) as process:
        greeting: dict[str, str] = {}
        assert process.stdout is not None
        for line in process.stdout:
            name, _, rest = line.partition(" ")
            greeting[name] = rest.split()[0].replace("0.0.0.0", "127.0.0.1")
            if name == "state":
                break
        yield greeting


def test_without_a_token_the_container_says_so_and_ends() -> None:
    words = natively("todoku", command("todoku", "CMD"))
    env = environment("todoku")
    del env["TODOKU_TOKEN"]
    ended = subprocess.run(
        words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert ended.returncode == 2
    assert "no token is set" in ended.stderr
    assert "TODOKU_TOKEN" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_services_find_each_other_and_a_campaign_arrives(tmp_path: Path) -> None:
    with simulator(tmp_path) as greeting:
        check = natively("todoku", command("todoku", "HEALTHCHECK")[1:])
        env = environment("todoku", TODOKU_CONTROL_URL=greeting["control"])
        healthy = subprocess.run(check, cwd=ROOT, env=env, timeout=PATIENCE_S, check=False)
        assert healthy.returncode == 0
        assert (tmp_path / "ca.pem").exists()
        port = free_port()
        ours = {
            "http://todoku:8080": greeting["gateway"],
            "http://todoku:8081": greeting["control"],
            "http://outreach:9000": f"http://127.0.0.1:{port}",
            "9000": str(port),
        }
        service = SERVICES["outreach"]
        words = natively("outreach", [ours.get(word, word) for word in service["command"]])
        told = {
            name: re.sub(r"^http://todoku:\d+", lambda found: ours[found[0]], text)
            for name, text in service["environment"].items()
        }
        with started(words, environment("outreach", **{**told, "TODOKU_TOKEN": TOKEN})) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("listening on 0.0.0.0:")
            _campaign(f"http://127.0.0.1:{port}", greeting["control"])


def _campaign(outreach: str, control: str) -> None:
    with urllib.request.urlopen(f"{outreach}/health", timeout=PATIENCE_S) as healthy:
        assert healthy.status < 300
    body = json.dumps({"name": "hello", "recipients": [us_fictional(7)]}).encode()
    kind = {"Content-Type": "application/json"}
    assert request("POST", f"{outreach}/campaigns", body, kind).status < 300

    def total() -> dict[str, Any]:
        token = {"Authorization": f"Bearer {TOKEN}"}
        found: dict[str, Any] = request(
            "GET", f"{control}/v1/worlds/default/truth", headers=token
        ).json["total"]
        return found

    until_true(lambda: total()["told"].get("sent"))
    assert total()["accepted"] == 1
    assert total()["callbacks_abandoned"] == 0
