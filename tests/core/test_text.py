"""Segments: the published vectors, a naive counter as oracle, and the laws of a cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core import text
from simulator.core.text import ALPHABET, EXTENSION, Encoding

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2
PLAIN = [char for char in ALPHABET if char != text.ESCAPE]
GRIN = "\N{GRINNING FACE}"
KANA = "\N{HIRAGANA LETTER A}"

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=300)


def texts() -> st.SearchStrategy[str]:
    """Runs of one character, so that a few choices reach every boundary."""
    pools = ([*PLAIN], [*PLAIN, *EXTENSION], [*EXTENSION], [KANA, GRIN], [KANA, "a", "`", GRIN])
    return st.sampled_from(pools).flatmap(
        lambda pool: st.lists(
            st.tuples(st.sampled_from(pool), st.sampled_from([1, 2, 33, 35, 66, 67, 76, 152, 153])),
            max_size=8,
        ).map(lambda runs: "".join(char * times for char, times in runs))
    )


def naive_parts(body: str) -> list[str]:
    """Pack character by character, in the words of the standard."""
    gsm7 = all(char in PLAIN or char in EXTENSION for char in body)

    def width(char: str) -> int:
        return 2 if (char in EXTENSION if gsm7 else char > "\uffff") else 1

    single, part = (160, 153) if gsm7 else (70, 67)
    if sum(map(width, body)) <= single:
        return [body]
    parts, room = [""], part
    for char in body:
        if width(char) > room:
            parts.append("")
            room = part
        parts[-1] += char
        room -= width(char)
    return parts


# reference/providers.md F.2, on which three independent libraries agree
VECTORS = [
    ("a" * 160, GSM7, 160, 1),
    ("a" * 161, GSM7, 161, 2),
    ("a" * 306, GSM7, 306, 2),
    ("a" * 307, GSM7, 307, 3),
    ("€" * 80, GSM7, 160, 1),
    ("€" * 81, GSM7, 162, 2),
    (KANA * 70, UCS2, 70, 1),
    (KANA * 71, UCS2, 71, 2),
    (KANA * 134, UCS2, 134, 2),
    (KANA * 135, UCS2, 135, 3),
    (KANA * 201, UCS2, 201, 3),
    (KANA * 660, UCS2, 660, 10),
    (KANA * 670, UCS2, 670, 10),
    (GRIN * 35, UCS2, 70, 1),
    (GRIN * 36, UCS2, 72, 2),
    (KANA * 66 + GRIN + KANA * 66, UCS2, 134, 3),
    ("a" * 152 + "€" + "a" * 152, GSM7, 306, 3),
    ("a" * 152 + "€" + "a" * 151, GSM7, 305, 2),
    # and the edges of the edges
    ("", GSM7, 0, 1),
    (" ", GSM7, 1, 1),
    ("\r\n", GSM7, 2, 1),
    ("\r\n" + KANA, UCS2, 3, 1),
    ("\0", UCS2, 1, 1),
    ("é" * 160, GSM7, 160, 1),
    ("é" * 159 + "€", GSM7, 161, 2),
    ("[" * 80, GSM7, 160, 1),
    ("[" * 80 + "a", GSM7, 161, 2),
    ("a" * 69 + "`", UCS2, 70, 1),
    ("a" * 70 + "`", UCS2, 71, 2),
    (GRIN * 34 + KANA, UCS2, 69, 1),
    (GRIN * 67, UCS2, 134, 3),
]


@pytest.mark.parametrize(("body", "encoding", "units", "segments"), VECTORS)
def test_published_vectors_hold(body: str, encoding: Encoding, units: int, segments: int) -> None:
    assert text.count(body) == (encoding, segments)
    assert text.segments(body) == text.Segments(encoding, units, segments)
    assert text.encoding_of(body) is encoding
    assert text.units(body, encoding) == units
    assert len(text.split(body)) == segments


@pytest.mark.parametrize(
    ("units_count", "full_width", "half_width"),
    [(n, 70 if n == 1 else 67 * n, 160 if n == 1 else 153 * n) for n in range(1, 11)],
)
def test_the_carriers_price_ladder_is_the_segment_count(
    units_count: int, full_width: int, half_width: int
) -> None:
    assert text.count(KANA * full_width) == (UCS2, units_count)
    assert text.count(KANA * (full_width + 1)) == (UCS2, units_count + 1)
    assert text.count("a" * half_width) == (GSM7, units_count)
    assert text.count("a" * (half_width + 1)) == (GSM7, units_count + 1)


@pytest.mark.parametrize(
    ("septet", "char"),
    [
        (0x00, "@"),
        (0x02, "$"),
        (0x09, "Ç"),
        (0x0A, "\n"),
        (0x0D, "\r"),
        (0x10, "Δ"),
        (0x11, "_"),
        (0x1A, "Ξ"),
        (0x1F, "É"),
        (0x24, "¤"),
        (0x30, "0"),
        (0x40, "¡"),
        (0x41, "A"),
        (0x5E, "Ü"),
        (0x5F, "§"),
        (0x60, "¿"),
        (0x61, "a"),
        (0x7F, "à"),
    ],
)
def test_the_alphabet_stands_where_the_standard_puts_it(septet: int, char: str) -> None:
    assert ALPHABET[septet] == char
    assert text.encode_gsm7(char) == bytes((septet,))


def test_the_alphabet_has_128_places_and_no_character_twice() -> None:
    assert len(ALPHABET) == 128
    assert len(set(ALPHABET) | set(EXTENSION)) == 138
    assert ALPHABET.index(text.ESCAPE) == 0x1B


@pytest.mark.parametrize("char", ["`", "ç", "\t", "\0", text.ESCAPE, "\x7f", "á", "’", "\xa0"])  # noqa: RUF001 - the look-alike is the point
def test_a_character_outside_the_alphabet_turns_the_message_to_ucs2(char: str) -> None:
    assert text.encoding_of("hello " + char) is UCS2
    with pytest.raises(ValueError, match="send it as UCS2"):
        text.encode_gsm7("hello " + char)


@pytest.mark.parametrize("char", [*EXTENSION])
def test_an_extension_character_costs_two_septets(char: str) -> None:
    assert text.units("a" + char, GSM7) == 3
    assert text.encode_gsm7(char) == bytes((0x1B, EXTENSION[char]))


def test_units_can_be_asked_for_the_dearer_encoding_but_not_for_an_impossible_one() -> None:
    assert text.units("[a]", UCS2) == 3
    with pytest.raises(ValueError, match=r"not a GSM 03\.38 text: saw '`' at 1"):
        text.units("a`", GSM7)


def test_a_part_is_a_unit_shorter_rather_than_cut_a_pair() -> None:
    assert [len(part) for part in text.split("a" * 152 + "€" + "a" * 152)] == [152, 152, 1]
    assert [len(part) for part in text.split(KANA * 66 + GRIN + KANA * 66)] == [66, 66, 1]


@pytest.mark.parametrize("body", ["\ud83d", "a\ude00", KANA * 70 + "\ud83d", "\ud83d\ude00"])
def test_a_lone_surrogate_is_not_sendable_and_never_counted(body: str) -> None:
    assert not text.is_sendable(body)
    for ask in (text.count, text.segments, text.split, text.encoding_of):
        with pytest.raises(ValueError, match="surrogate"):
            ask(body)


def test_a_handset_reads_a_stray_escape_as_a_space() -> None:
    assert text.decode_gsm7(b"a\x1b") == "a "
    assert text.decode_gsm7(b"\x1b\x1b") == " "
    assert text.decode_gsm7(b"\x1ba") == "a"


@pytest.mark.parametrize(
    ("body", "is_there"),
    [
        ("詳しくはhttps://example.com/a", True),
        ("http://a", True),
        ("HTTPS://EXAMPLE.COM", True),
        ("https:// example.com", False),
        ("www.example.com", False),
        ("ftp://example.com", False),
        ("://", False),
        ("", False),
    ],
)
def test_a_link_is_http_or_https_and_written_out(body: str, is_there: bool) -> None:
    assert text.has_link(body) is is_there


def test_an_octet_above_7f_is_not_a_septet() -> None:
    with pytest.raises(ValueError, match="above 0x7F"):
        text.decode_gsm7(b"a\x80")


@repeatable
@given(texts())
def test_the_parts_are_those_of_a_naive_packer(body: str) -> None:
    assert text.split(body) == naive_parts(body)


@repeatable
@given(texts())
def test_the_parts_join_back_to_the_text(body: str) -> None:
    assert "".join(text.split(body)) == body


@repeatable
@given(texts())
def test_the_count_is_the_number_of_parts(body: str) -> None:
    encoding, segments = text.count(body)
    assert len(text.split(body)) == segments
    assert text.segments(body) == text.Segments(encoding, text.units(body, encoding), segments)


@repeatable
@given(texts())
def test_each_part_fits_and_is_whole(body: str) -> None:
    encoding, segments = text.count(body)
    single, part_max = (70, 67) if encoding else (160, 153)
    for part in text.split(body):
        assert text.is_sendable(part)
        assert text.units(part, encoding) <= (single if segments == 1 else part_max)


@repeatable
@given(st.text(max_size=200))
def test_any_text_without_lone_surrogates_is_counted(body: str) -> None:
    assert text.is_sendable(body)
    assert text.split(body) == naive_parts(body)


@repeatable
@given(st.text(st.sampled_from([*PLAIN, *EXTENSION]), max_size=200))
def test_septets_read_back_as_the_text(body: str) -> None:
    septets = text.encode_gsm7(body)
    assert septets.isascii()
    assert len(septets) == text.units(body, GSM7)
    assert text.decode_gsm7(septets) == body
