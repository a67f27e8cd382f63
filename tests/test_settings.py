from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from simulator.errors import ConfigError
from simulator.settings import Settings, flag_of, is_loopback, load, variable_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "todoku.toml"


def refusal(flags: dict[str, Any], env: dict[str, str], file: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(flags, env, file)
    return [str(problem) for problem in caught.value.problems]


def test_without_anything_the_defaults_hold() -> None:
    settings = load({}, {})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.control_port) == ("127.0.0.1", 8080, 8081)
    assert settings.token is None


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(toml: Path) -> None:
    toml.write_text("port = 1\ncontrol_port = 1\nseed = 1\n")
    env = {"TODOKU_PORT": "2", "TODOKU_CONTROL_PORT": "2"}
    settings = load({"port": 3}, env, toml)
    assert (settings.port, settings.control_port, settings.seed) == (3, 2, 1)
    assert settings.retention == 100_000


def test_a_file_in_the_folder_is_read_without_being_named(toml: Path) -> None:
    toml.write_text("seed = 7\n")
    assert load({}, {}).seed == 7


def test_a_named_file_that_is_missing_is_a_problem(tmp_path: Path) -> None:
    [line] = refusal({}, {}, tmp_path / "other.toml")
    assert "other.toml: cannot be read: No such file" in line


def test_flags_that_were_not_given_and_empty_variables_count_as_unset() -> None:
    flags = {"port": None, "allow_host": [], "callback_allow": ()}
    assert load(flags, {"TODOKU_PORT": "", "PORT": "9"}) == Settings()


def test_a_false_flag_and_a_zero_port_are_given() -> None:
    settings = load({"allow_open": False, "port": 0}, {"TODOKU_ALLOW_OPEN": "true"})
    assert settings.allow_open is False
    assert settings.port == 0


def test_lists_are_read_from_flags_from_variables_and_from_the_file(toml: Path) -> None:
    toml.write_text('allow_host = ["Todoku.Test"]\n')
    env = {"TODOKU_CALLBACK_ALLOW": "example.org, 203.0.113.9/24,"}
    settings = load({}, env, toml)
    assert settings.allow_host == ("todoku.test",)
    assert settings.callback_allow == ("example.org", "203.0.113.0/24")
    assert load({"allow_host": ["a", "::1"]}, {}).allow_host == ("a", "::1")


def test_every_problem_is_listed_with_the_source_it_came_from(toml: Path) -> None:
    toml.write_text("seed = 1\nkeepalive_s = nan\n\n[server]\nx = 1\n")
    env = {"TODOKU_PROT": "80", "TODOKU_RETENTION": "-7", "TODOKU_ALLOW_OPEN": "maybe"}
    lines = refusal({"port": 99_999}, env, toml)
    assert lines == [
        "--port: port: must be at most 65535; seen 99999",
        f"{toml}:2: keepalive_s: expected a number larger than zero, such as 60 or 0.5; seen 'nan'",
        f"{toml}:4: server: unknown key 'server'; did you mean seed?",
        "TODOKU_ALLOW_OPEN: allow_open: expected true or false; seen 'maybe'",
        "TODOKU_PROT: prot: unknown key 'prot'; did you mean port?",
        "TODOKU_RETENTION: retention: expected a whole number such as 500 or 50_000; seen '-7'",
    ]


def test_what_todoku_gives_to_a_system_under_test_is_not_a_setting_of_its_own() -> None:
    env = {f"TODOKU_{name}": "x" for name in ("URL", "CONTROL_URL", "CLOCK_URL", "ACCOUNT")}
    assert load({}, env | {"TODOKU_SECRET": "x", "TODOKU_PEOPLE": "x"}) == Settings()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "127.1", "gateway.test"])
def test_an_open_host_without_a_token_is_refused(host: str) -> None:
    [line] = refusal({"host": host}, {})
    assert line.startswith(f"--host: host: {host!r} can be reached from other machines")
    assert "--token or TODOKU_TOKEN" in line
    assert "--allow-open" in line


@pytest.mark.parametrize("extra", [{"token": "t0ken"}, {"allow_open": True}])
def test_an_open_host_is_taken_with_a_token_or_when_asked_for(extra: dict[str, Any]) -> None:
    assert load({"host": "0.0.0.0", **extra}, {}).host == "0.0.0.0"


def test_the_refusal_of_an_open_host_does_not_hide_other_problems() -> None:
    assert len(refusal({"host": "0.0.0.0", "seed": "x"}, {})) == 2


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert load({"host": host}, {}).host == host


def test_a_token_is_never_echoed() -> None:
    [line] = refusal({"token": "hunter2 with space"}, {})
    assert "hunter2" not in line
    assert "hunter2" not in repr(load({"token": "hunter2"}, {}))


@pytest.mark.parametrize("word", ["0.0.0.0/0", "::/0", "http://x", "a b", "x:80", "10.0.0.0/99"])
def test_egress_is_allowed_by_name_and_never_to_the_whole_internet(word: str) -> None:
    [line] = refusal({"callback_allow": ["ok.test", word]}, {})
    assert line.startswith("--callback-allow: callback_allow[1]: ")


def test_two_planes_need_two_ports_unless_both_are_free_ones() -> None:
    [line] = refusal({"port": 8081}, {})
    assert "8081 is the gateway's port as well" in line
    assert load({"port": 0, "control_port": 0}, {}).port == 0


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        ("a = [[\n", "not TOML"),
        ("seed = 1\nport = = 2\n", ":2:8: not TOML: Invalid value"),
        ("x = " + "[" * 5000, "nested too deep"),
        ("seed = " + "9" * 5000, "not TOML"),
        ("seed = 0x" + "f" * 5000, "seen a huge number"),
        ("seed = 1\0", "a binary file?"),
        ("port = true", "a whole number"),
        ("port = 80.5", "a whole number"),
        ('host = ["a"]', "expected text; seen a list"),
    ],
)
def test_a_broken_file_is_a_problem_and_not_a_traceback(toml: Path, text: str, clue: str) -> None:
    toml.write_text(text)
    [line] = refusal({}, {}, toml)
    assert str(toml) in line
    assert clue in line


@pytest.mark.parametrize("name", [n for n, f in Settings.model_fields.items() if f.default == 75.0])
@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "5%", "soon"])
def test_bad_input_37_seconds_are_more_than_zero_and_finite(name: str, value: str) -> None:
    [line] = refusal({}, {variable_of(name): value})
    assert "a number larger than zero" in line


def test_every_setting_has_a_description_a_flag_and_a_variable() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description
        assert field.description.endswith(".")
        assert flag_of(name).replace("-", "_") == f"__{name}"
        assert variable_of(name) == f"TODOKU_{name.upper()}"


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]
