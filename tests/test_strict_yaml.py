from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from simulator import strict_yaml
from simulator.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.strict_yaml import Document, Node


def parse(text: str) -> Document:
    return strict_yaml.parse(text, "f.yaml")


def problems(data: bytes) -> tuple[Problem, ...]:
    try:
        return strict_yaml.parse(strict_yaml.decode(data, "f.yaml"), "f.yaml").problems
    except ConfigError as error:
        return error.problems


def refusal(data: str | bytes) -> str:
    found = problems(data.encode() if isinstance(data, str) else data)
    assert found, "nothing was refused"
    return str(ConfigError(found))


TRAPS = """
phone: +15550001111
octal: 0015550001111
clock: 22:30:00
sexagesimal: 1:30
country: NO
switch: on
nothing: ~
blank:
date: 2026-03-02
float: 1e3
merge: "<<"
quoted: 'yes'
"""


def test_bad_input_39_phone_numbers_times_and_norway_stay_text() -> None:
    assert parse(TRAPS).tree == {
        "phone": "+15550001111",
        "octal": "0015550001111",
        "clock": "22:30:00",
        "sexagesimal": "1:30",
        "country": "NO",
        "switch": "on",
        "nothing": "~",
        "blank": "",
        "date": "2026-03-02",
        "float": "1e3",
        "merge": "<<",
        "quoted": "yes",
    }


def test_each_key_and_each_item_has_its_line_and_column() -> None:
    document = parse("a: 1\n日本: {b: [x, y]}\nc:\n  - d: 1\n")
    assert document.positions == {
        (): (1, 1),
        ("a",): (1, 1),
        ("日本",): (2, 1),
        ("日本", "b"): (2, 6),
        ("日本", "b", 0): (2, 10),
        ("日本", "b", 1): (2, 13),
        ("c",): (3, 1),
        ("c", 0): (4, 5),
        ("c", 0, "d"): (4, 5),
    }


def test_bad_input_36_duplicate_keys_are_named_with_both_places() -> None:
    assert refusal("a: {b: 1}\nc: 2\na: {b: 3, b: 4}\n") == (
        "2 problems:\n"
        "  f.yaml:3:1: a: the key 'a' stands twice, first in line 1\n"
        "  f.yaml:3:11: a.b: the key 'b' stands twice, first in line 1"
    )


def test_the_first_of_duplicate_keys_is_kept_so_that_reading_can_go_on() -> None:
    assert parse("a: 1\na: {x: [2]}\nb: 3\n").tree == {"a": "1", "b": "3"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("\ta: 1\n", "1:1"),
        ("a:\n\tb: 1\n", "2:1"),
        ("a:\n  b: 1\n\tc: 2", "3:1"),
    ],
)
def test_bad_input_36_tabs_are_named_with_their_place(text: str, place: str) -> None:
    assert f"f.yaml:{place}: a tab indents this line: use spaces" in refusal(text)


def test_bad_input_36_an_anchors_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True)
    )
    assert "f.yaml:1:4: the anchor &a is refused" in refusal(bomb)
    assert "f.yaml:2:8: the alias *a is refused" in refusal(bomb)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_bad_input_36_five_thousand_levels_are_refused_at_once(opening: str) -> None:
    assert "nested deeper than 32 levels" in refusal(opening * 5000)


@pytest.mark.timeout(5)
def test_bad_input_36_five_thousand_levels_are_refused_by_the_pure_parser_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strict_yaml, "_LOADER", yaml.SafeLoader)
    assert "nested deeper than 32 levels" in refusal("[" * 5000)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_the_depth_limit_is_exact() -> None:
    parse(nested(strict_yaml.DEPTH_MAX))
    assert "nested deeper" in refusal(nested(strict_yaml.DEPTH_MAX + 1))


@pytest.mark.timeout(5)
def test_bad_input_36_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(2**30)  # sparse: a gigabyte of zeros
    with pytest.raises(ConfigError, match=r"huge\.yaml: the file is larger than 1048576 bytes"):
        strict_yaml.load(path)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("line", ["a: 1\n", "- &a x\n", "- {a: [b, c]}\n"])
def test_a_flood_of_values_is_cut_at_a_limit(line: str) -> None:
    found = problems((line * 30_000).encode())
    assert any("more than 20000 keys and values" in problem.message for problem in found)


def test_a_file_of_exactly_the_limit_is_read() -> None:
    text = "a: " + "x" * (strict_yaml.BYTES_MAX - 3)
    assert parse(strict_yaml.decode(text.encode(), "f.yaml")).tree == {"a": text[3:]}


@pytest.mark.parametrize("tag", ["!!python/object:os.system", "!!str", "!mine", "!"])
def test_bad_input_36_tags_are_refused(tag: str) -> None:
    assert "f.yaml:1:4: the tag" in refusal(f"a: {tag} x")


def test_bad_input_36_a_binary_file_is_refused_at_its_first_strange_byte() -> None:
    assert "f.yaml:2:2: a binary file? character U+0000" in refusal(b"a: 1\nb\0")


@pytest.mark.parametrize("codec", ["cp1252", "shift_jis", "utf-16"])
def test_bad_input_36_text_that_is_not_utf8_is_refused_with_its_place(codec: str) -> None:
    words = {"cp1252": "Zoë", "shift_jis": "届く", "utf-16": "x"}
    data = f"a: 1\nb: {words[codec]}\n".encode(codec)
    place = "f.yaml:1:1" if codec == "utf-16" else "f.yaml:2:"
    assert place in refusal(data)
    assert "save the file as UTF-8" in refusal(data)


def test_a_byte_order_mark_is_passed_over() -> None:
    text = strict_yaml.decode(b"\xef\xbb\xbfa: 1", "f.yaml")
    assert parse(text).positions[("a",)] == (1, 1)


@pytest.mark.parametrize("data", ["a: \xef\xbb\xbf\ufeff", '"\\0": 1', 'a: "\\ud800"', 'a: "\\0"'])
def test_what_no_text_may_hold_is_refused_or_kept_but_never_a_traceback(data: str) -> None:
    assert {problem.file for problem in problems(data.encode())} <= {"f.yaml"}


def test_an_escaped_nul_is_refused() -> None:
    assert "f.yaml:1:4: an escape for NUL" in refusal('a: "x\\0"')


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be plain text"),
        ("a: b: c\n", "f.yaml:1:5: not YAML: mapping values are not allowed"),
        ("a: [1,\n", "f.yaml:2:1: not YAML"),
        ("- a\nb: 1\n", "f.yaml:2:1: not YAML"),
        ("a: 'x\n", "not YAML"),
        ("%TAG ! x\n---\na: 1\n%\n", "not YAML"),
    ],
)
def test_what_is_not_one_plain_document_is_refused_in_words(text: str, clue: str) -> None:
    assert clue in refusal(text)


def test_a_fault_that_stops_the_reading_comes_with_what_was_found_before() -> None:
    assert refusal("a: 1\na: 2\nb: [\n").startswith("2 problems:")


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read: "):
        strict_yaml.load(tmp_path / name)


def test_loading_refuses_what_parsing_only_notes(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: 1\na: 2\n")
    with pytest.raises(ConfigError, match="stands twice"):
        strict_yaml.load(path)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=8)
TREES: st.SearchStrategy[Node] = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(TREES)
def test_any_tree_of_texts_comes_back_as_it_was_written(tree: Node) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True, default_style='"')
    document = strict_yaml.parse(text.replace('!!null ""', '""'), "f.yaml")
    assert document.problems == ()
    assert document.tree == tree


@given(
    st.binary(max_size=200) | st.text("[]{}:,-?&*!|>'\"%@`# \t\nab", max_size=60).map(str.encode)
)
def test_no_bytes_at_all_raise_anything_but_a_config_error(data: bytes) -> None:
    assert {problem.file for problem in problems(data)} <= {"f.yaml"}
