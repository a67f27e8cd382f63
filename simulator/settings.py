"""The one list of settings: each field is a flag, a variable, a key of a file and a line of docs.

The one rule: flag > environment > file > default. `port` is `--port`, `TODOKU_PORT`, and `port = 1`
in `todoku.toml`. Whatever is wrong is reported all at once, each with the place it was read from.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from simulator.errors import ConfigError, Problem, dotted, problems_of, shown
from simulator.quantities import Count, Flag, PositiveCount, PositiveNumber
from simulator.strict_yaml import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.errors import KeyPath

ENV_PREFIX = "TODOKU_"
FILE_NAME = "todoku.toml"

# Given to a system under test (docs/system-under-test.md); TODOKU_TOKEN is a setting as well.
_CONTRACT_NAMES = frozenset({"url", "control_url", "clock_url", "account", "secret", "people"})
_HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")


def _words(value: object) -> object:
    """Split "a, b" from a variable; a list stays a list."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return value


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        if _HOST_NAME.fullmatch(value):
            return value.lower()
    raise ValueError(f"expected a host name or an address, without a port; seen {shown(value)}")


def _host_or_network(value: str) -> str:
    if "/" not in value:
        return _host(value)
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"expected a network such as 203.0.113.0/24; seen {value!r}") from None
    if network.prefixlen == 0:
        raise ValueError(f"{value} is the whole internet: name the hosts you mean")
    return str(network)


def _token(value: str) -> str:
    if re.fullmatch(r"[!-~]{1,256}", value):
        return value
    raise ValueError(
        "expected 1 to 256 ASCII characters without spaces; seen others (a secret, not shown)"
    )


_Port = Annotated[Count, Field(le=65535)]
_Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], BeforeValidator(_words)]
_Egress = Annotated[
    tuple[Annotated[str, AfterValidator(_host_or_network)], ...], BeforeValidator(_words)
]


class Settings(BaseModel):
    """How this process runs; what happens in a world is in the scenario."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    host: Annotated[str, AfterValidator(_host)] = Field(
        default="127.0.0.1",
        description="Address that all ports bind to. Other than loopback needs a token.",
    )
    port: _Port = Field(
        default=8080, description="Port of the gateway: the providers' APIs. 0 takes a free one."
    )
    control_port: _Port = Field(
        default=8081,
        description="Port of the control API, the inbox and the metrics. 0: a free one.",
    )
    tls: Flag = Field(
        default=False, description="Serve the providers' APIs over TLS as well, by a CA of our own."
    )
    tls_port: _Port = Field(
        default=8443, description="Port of the gateway over TLS. 0: a free one."
    )
    tls_name: _Hosts = Field(
        default=(),
        strict=False,
        description="Names and addresses in the TLS certificate besides localhost; a list.",
    )
    tls_dir: str | None = Field(
        default=None,
        min_length=1,
        description="Folder where the CA is kept; else todoku in the user's data folder.",
    )
    token: Annotated[str, AfterValidator(_token)] | None = Field(
        default=None,
        repr=False,
        description="Bearer token of the control API. Without one, one is made and printed once.",
    )
    allow_open: Flag = Field(
        default=False,
        description="Bind other than loopback without a token. Anyone may then control it.",
    )
    allow_host: _Hosts = Field(
        default=(),
        strict=False,
        description="Names accepted in the Host header besides localhost and addresses; a list.",
    )
    callback_allow: _Egress = Field(
        default=(),
        strict=False,
        description="Public hosts or networks (CIDR) that callbacks may reach, besides loopback "
        "and private ones; a list. Metadata addresses stay denied.",
    )
    seed: Count = Field(default=1, description="Seed of every draw in a world without a scenario.")
    retention: PositiveCount = Field(
        default=100_000,
        description="Finished messages kept in memory for each world. Counters are never pruned.",
    )
    body_limit_bytes: PositiveCount = Field(
        default=262_144,
        description="Largest request body taken, in bytes after inflation; else 413.",
    )
    body_timeout_s: PositiveNumber = Field(
        default=10.0, description="Longest wait for a request body, in seconds; else 408."
    )
    head_timeout_s: PositiveNumber = Field(
        default=10.0,
        description="A connection without the head of a first request is closed within, seconds.",
    )
    keepalive_s: PositiveNumber = Field(
        default=75.0,
        description="Idle connections, and half-sent headers, are closed after, seconds.",
    )
    connections_limit: PositiveCount = Field(
        default=10_000,
        description="Connections open at once on each port; more wait to be accepted.",
    )
    accounts_limit: PositiveCount = Field(
        default=10_000,
        description="Accounts in all worlds; beyond, an unknown account is refused as if fixed.",
    )
    callback_timeout_s: PositiveNumber = Field(
        default=5.0, description="Real time that one callback attempt may take, in seconds."
    )
    callback_concurrency: PositiveCount = Field(
        default=32, description="Callbacks in flight at once to one host and port of one world."
    )
    callback_queue_limit: PositiveCount = Field(
        default=100_000,
        description="Callbacks waiting in all worlds together; more are dropped, and counted.",
    )


def flag_of(name: str) -> str:
    """Return the flag of a setting: `control_port` is `--control-port`."""
    return f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    """Return the environment variable of a setting: `port` is `TODOKU_PORT`."""
    return f"{ENV_PREFIX}{name.upper()}"


def load(flags: Mapping[str, Any], env: Mapping[str, str], file: Path | None = None) -> Settings:
    """Bring the settings together.

    Args:
        flags: by field name; None or an empty list is a flag that was not given.
        env: the process's environment; only `TODOKU_*` is read, and empty counts as unset.
        file: the TOML file of `--config`; None takes `./todoku.toml` if there is one.

    Raises:
        ConfigError: every problem found, each naming its flag, variable or file.
    """
    given, problems = _from_file(file)
    given.update(_from_env(env))
    given.update(
        (name, _Given(value, flag_of(name)))
        for name, value in flags.items()
        if value is not None and value not in ((), [])
    )

    def problem_at(path: KeyPath, message: str) -> Problem:
        source = given.get(str(path[0])) if path else None
        return Problem(dotted(path), message, *(source[1:] if source else ()))

    values = {name: found.value for name, found in given.items()}
    problems += [problem_at((name,), said) for name, said in _together(values)]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += problems_of(error, Settings.model_json_schema(), problem_at)
    if problems:
        raise ConfigError(problems)
    return settings


class _Given(NamedTuple):
    """A value and where it was read: a flag, a variable, or a file and its line."""

    value: Any
    file: str
    line: int | None = None


def _from_env(env: Mapping[str, str]) -> dict[str, _Given]:
    names = {
        variable: variable.removeprefix(ENV_PREFIX).lower()
        for variable, value in sorted(env.items())
        if variable.startswith(ENV_PREFIX) and value
    }
    return {
        name: _Given(env[variable], variable)
        for variable, name in names.items()
        if name not in _CONTRACT_NAMES
    }


def _from_file(file: Path | None) -> tuple[dict[str, _Given], list[Problem]]:
    path = file or Path(FILE_NAME)
    if file is None and not path.exists():
        return {}, []
    try:
        text = read_text(path)
        table = tomllib.loads(text)
    except ConfigError as error:
        return {}, list(error.problems)
    except ValueError as error:  # TOMLDecodeError, and integers of too many digits
        place = re.search(r" \(at line (\d+), column (\d+)\)", str(error))
        numbers = (int(place[1]), int(place[2])) if place else (None, None)
        said = str(error).replace(place[0] if place else "\0", "")
        return {}, [Problem("", f"not TOML: {said}", str(path), *numbers)]
    except RecursionError:
        return {}, [Problem("", "nested too deep: settings are flat, `port = 8080`", str(path))]
    return {
        name: _Given(value, str(path), _line_of(name, text)) for name, value in table.items()
    }, []


def _line_of(name: str, text: str) -> int | None:
    found = re.search(rf"^[ \t]*(?:\[+[ \t]*)?[\"']?{re.escape(name)}\b", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _together(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong between settings: (name, message)."""
    wrong = []
    host = values.get("host", "127.0.0.1")
    is_open = values.get("allow_open") in (True, "true")
    if isinstance(host, str) and not is_loopback(host) and not values.get("token") and not is_open:
        said = (
            f"{host!r} can be reached from other machines, and no token is set: "
            f"set {flag_of('token')} or {variable_of('token')}, or bind 127.0.0.1, "
            f"or pass {flag_of('allow_open')}"
        )
        wrong.append(("host", said))
    ports = [("port", 8080, "the gateway's"), ("control_port", 8081, "the control")]
    if values.get("tls") in (True, "true"):
        ports.append(("tls_port", 8443, "the TLS"))
    taken: dict[str, str] = {}
    for name, default, whose in ports:
        port = str(values.get(name, default))
        if port != "0" and port in taken:
            wrong.append((name, f"{port} is {taken[port]} port as well: choose another"))
        taken.setdefault(port, whose)
    return wrong


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a socket bound to `host`; in doubt, no."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
