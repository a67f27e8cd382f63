"""The scenario file: YAML to typed, frozen values, with every mistake reported at once.

The one rule: inside, types are true. A scalar in the file is text (`strict_yaml`), the models below
read it as a quantity (`quantities`), and what must hold between two fields is checked on the text
itself, so that one mistake does not hide another. `schema` describes the file for an editor.

Scalars in `sut.start.body` and `sut.env` stay text: `{n: 5}` is sent as `{"n": "5"}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from simulator import quantities as q
from simulator import strict_yaml
from simulator.accounts import Account, Name, Section, Text, written
from simulator.core.metric import METRICS
from simulator.core.person import PRESETS, RATE_NAMES, PersonPreset
from simulator.errors import ConfigError, Problem, dotted, problems_of, shown
from simulator.rules import Rules, rule_checks
from simulator.scenario_checks import (
    COUNTRY_NUMBERS,
    COUNTRY_PRESET,
    START,
    UNTIL,
    Numbers,
    cross_checks,
    rate_name,
)
from simulator.scenario_claims import Claims  # noqa: TC001 - pydantic reads it
from simulator.scenario_expect import Expectation, Measure
from simulator.scenario_load import Load  # noqa: TC001 - as above
from simulator.scenario_load_checks import load_checks
from simulator.scenario_overlays import Offered, expected, with_rate, with_sut
from simulator.scenario_plan import Plan, plan_problems
from simulator.scenario_policy import Policy, policy_problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic_core import core_schema

    from simulator.errors import KeyPath

PEOPLE_MAX = 100_000_000
ACCOUNTS_MAX = 20

__all__ = [
    "METRICS",
    "Expectation",
    "Measure",
    "Scenario",
    "load_scenario",
    "parse_scenario",
    "schema",
]


def _version(value: object) -> object:
    if value != "1":
        raise ValueError(f"this Todoku reads version 1; seen {shown(value)}")
    return 1


def _start(value: object) -> int | None:
    return None if value == "now" else q.instant_us(value)


_START = {"anyOf": [{"const": "now"}, {"type": "string", "pattern": q.INSTANT_PATTERN}]}
_RATES = {
    "type": "object",
    "properties": dict.fromkeys(RATE_NAMES, q.SHARE_SCHEMA),
    "additionalProperties": False,
}

Rates = Annotated[dict[Annotated[str, AfterValidator(rate_name)], q.Ratio], WithJsonSchema(_RATES)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Version = Annotated[Literal[1], BeforeValidator(_version), WithJsonSchema({"enum": [1, "1"]})]
Start = Annotated[int | None, BeforeValidator(_start), WithJsonSchema(_START)]


class World(Section):
    """What one message is to the world, and what it remembers."""

    identity: Literal["recipient", "content"] = "recipient"
    lane: Literal["shared", "own"] | None = None
    retention: q.PositiveCount = 100_000


class Time(Section):
    """How virtual time passes, from where (None: from now on) to where."""

    mode: Literal["stepped", "scaled", "real"] = "stepped"
    rate: Annotated[q.PositiveNumber, Field(le=1e9)] | None = None
    start_us: Start = written(q.instant_us, START, "start")
    until_us: q.PositiveDuration = written(q.duration_us, UNTIL, "until")
    quantum_us: q.Duration = written(q.duration_us, "0s", "quantum")


class Segment(Section):
    """A part of the people; its rates are laid over those of all."""

    name: Name
    share: q.PositiveRatio
    business: q.Flag = False
    consent: q.Ratio | None = None
    rates: Rates = Field(default_factory=dict, alias="with")


class People(Section):
    """Who is written to: how many, where, and how they behave."""

    count: Annotated[q.PositiveCount, Field(le=PEOPLE_MAX)]
    country: Literal["jp", "us"] = "jp"
    numbers: Numbers = Field(default_factory=lambda data: COUNTRY_NUMBERS[data["country"]][0])
    with_060: q.Flag = False
    spelling: Literal["e164", "mixed"] = "e164"
    preset: str = Field(default_factory=lambda data: COUNTRY_PRESET[data["country"]])
    consent: q.Ratio = written(q.ratio, "100%", "consent")
    rates: Rates = Field(default_factory=dict, alias="with")
    segments: tuple[Segment, ...] = Field((), strict=False, max_length=100)


class StartRequest(Section):
    """The request that starts the campaign; `$recipients` in the body becomes the numbers.

    Under `todoku load`, `$arrival` becomes the id of the arrival, so that no two are the same.
    """

    request: q.RequestLine
    body: JsonValue = None


class Sut(Section):
    """The system under test: docs/system-under-test.md."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["command", "url"]}})

    command: q.Command | None = None
    url: q.Address | None = None
    account: Name | None = None
    env: dict[Variable, Text] = Field(default_factory=dict)
    ready: q.RequestLine = written(q.request, "GET /health", "ready")
    start: StartRequest
    claims: Claims | None = None
    idle: q.RequestLine | None = None
    clock: Literal["todoku", "own"] | None = None
    stop: Literal["SIGTERM", "SIGINT", "SIGKILL"] = "SIGTERM"
    timeout_us: q.PositiveDuration = written(q.duration_us, "10m", "timeout")


class Scenario(Section):
    """A Todoku scenario, version 1."""

    version: Version
    name: Name
    title: str = Field("", max_length=1000)
    seed: q.Count = 1
    world: World = Field(default_factory=World)
    time: Time = Field(default_factory=Time)
    people: People
    accounts: tuple[Account, ...] = Field(strict=False, min_length=1, max_length=ACCOUNTS_MAX)
    rules: Rules = ()
    sut: Sut | None = None
    load: Load | None = None
    expect: tuple[Expectation, ...] = Field((), strict=False, max_length=1000)
    policy: Policy = Field((), strict=False, max_length=100)
    plan: Plan | None = None

    @property
    def sut_account(self) -> Account:
        """The account that the system under test is given: the one it names, or the first."""
        wanted = self.sut.account if self.sut else None
        return next((a for a in self.accounts if a.name == wanted), self.accounts[0])


def load_scenario(  # noqa: PLR0913 - what may be laid over a file
    path: Path,
    *,
    sut: str | None = None,
    needs_sut: bool = True,
    presets: Mapping[str, PersonPreset] = PRESETS,
    expect: Path | None = None,
    offered: Offered | None = None,
) -> Scenario:
    """Read a scenario file.

    Args:
        path: the file.
        sut: from `--sut`: a command, or an http(s) URL; it takes the place of the file's.
        needs_sut: False where no system under test is started, as in `explain` and `plan`.
        presets: the kinds of people that `people.preset` may name.
        expect: a file whose `expect:` takes the place of the file's own.
        offered: from `--rate`: one rate, which takes the place of the load's arrivals.

    Raises:
        ConfigError: every problem found, with file, line and column.
    """
    text = strict_yaml.read_text(path)
    others = None
    if expect is not None:
        others = strict_yaml.parse(strict_yaml.read_text(expect), str(expect)), str(expect)
    return parse_scenario(
        text,
        str(path),
        sut=sut,
        needs_sut=needs_sut,
        presets=presets,
        expect=others,
        offered=offered,
    )


def parse_scenario(  # noqa: PLR0913 - as load_scenario, and its file's name
    text: str,
    file: str,
    *,
    sut: str | None = None,
    needs_sut: bool = True,
    presets: Mapping[str, PersonPreset] = PRESETS,
    expect: tuple[strict_yaml.Document, str] | None = None,
    offered: Offered | None = None,
) -> Scenario:
    """Read a scenario from text; `file` is its name in messages. See `load_scenario`."""
    document = strict_yaml.parse(text, file)
    tree = with_rate(with_sut(document.tree, sut), offered)
    if expect is not None and isinstance(tree, dict):
        tree = {**tree, "expect": expected(*expect)}

    def problem_at(path: KeyPath, message: str) -> Problem:
        place, source, name = path, document, file
        if expect is not None and path[:1] == ("expect",):
            source, name = expect
        while place not in source.positions:
            place = place[:-1]
        return Problem(dotted(path), message, name, *source.positions[place])

    checked = [
        *cross_checks(tree, presets, needs_sut=needs_sut),
        *rule_checks(tree),
        *policy_problems(tree),
        *plan_problems(tree),
        *load_checks(tree),
    ]
    problems = [*document.problems, *(problem_at(*found) for found in checked)]
    try:
        scenario = Scenario.model_validate(tree)
    except ValidationError as error:
        problems += problems_of(error, schema(), problem_at)
    if problems:
        raise ConfigError(problems)
    return scenario


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the file as people write it."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **Scenario.model_json_schema(schema_generator=_AsWritten),
    }


class _AsWritten(GenerateJsonSchema):
    """An absent key is absent: YAML here has no null to stand for it."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)
