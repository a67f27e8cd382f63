"""Bytes are text in the encoding that is named, or in one that is guessed and said; or an error."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.scenario_claims import ClaimsSource, Encoding
from simulator.verify import claim_text
from simulator.verify.claim_codes import ClaimCode, ClaimsError
from simulator.verify.claim_text import ENCODINGS, as_utf8, guessed, lines_of
from tests.verify.honest_books import repeatable

TEXT = "番号,状態\nspring-1,着信済\nspring-2,圏外\n"


def wrong(work: object) -> tuple[str, str]:
    with pytest.raises(ClaimsError) as caught:
        list(work() if callable(work) else work)  # type: ignore[call-overload]
    (problem,) = caught.value.problems
    return problem.code, problem.message


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (TEXT.encode(), "utf-8", ""),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8", "a byte order mark was passed over"),
        (TEXT.encode("cp932"), "cp932", "the encoding was guessed to be cp932; write"),
        (TEXT.encode("utf-16"), "utf-16", "a byte order mark was passed over: the encoding is"),
        (TEXT.encode("utf-16-le"), "utf-16-le", "the encoding was guessed to be utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be", "the encoding was guessed to be utf-16-be"),
        (b"plain ascii", "utf-8", ""),
        (b"", "utf-8", ""),
    ],
)
def test_an_encoding_is_guessed_and_said(data: bytes, name: str, said: str) -> None:
    found, words = guessed(data)
    assert found == name
    assert words.startswith(said)
    assert bool(words) == bool(said)
    if data:
        assert "".join(lines_of(data, found)) == (TEXT if b"plain" not in data else "plain ascii")


@repeatable
@given(
    st.text(st.characters(codec="cp932", exclude_characters="\xa2\xa3\xac\u2016\u2212\u301c")),
    st.sampled_from(sorted(ENCODINGS)),
)
def test_whatever_is_written_is_read_again(text: str, encoding: str) -> None:
    data = text.encode({"shift_jis": "cp932", "windows-31j": "cp932"}.get(encoding, encoding))
    assert "".join(lines_of(data, encoding)) == text.removeprefix("\ufeff")


def test_a_character_that_lies_across_two_chunks_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in range(1, 8):
        monkeypatch.setattr(claim_text, "_CHUNK", size)
        for encoding in ("utf-8", "cp932", "utf-16", "utf-16-be"):
            assert list(lines_of(TEXT.encode(encoding), encoding)) == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize("chunk", [3, 1 << 20])
def test_a_wrong_byte_is_named_with_its_line(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(claim_text, "_CHUNK", chunk)
    data = b"id,state\na,sent\nb,\xff\xff\n"
    code, said = wrong(lines_of(data, "utf-8"))
    assert code == ClaimCode.ENCODING.value
    assert said.startswith("byte 18 (line 3) is 0xff, which is not utf-8; name the right")
    assert wrong(lines_of(b"a\nb\x81", "cp932"))[1].startswith("byte 3 (line 2) is 0x81")
    assert wrong(lines_of(b"a\x00b", "utf-16-le"))[1].startswith("byte 2 (line 1) is 0x62")


def test_bytes_that_are_text_in_no_encoding_are_one_error() -> None:
    code, said = wrong(lambda: guessed(b"id,name\n1,\x81\x20\xff\xfe\n"))
    assert code == ClaimCode.ENCODING.value
    assert said == (
        "byte 10 (line 2) is 0x81, which is not UTF-8, and the whole is not CP932 either; "
        "name its `encoding`"
    )


def test_a_text_is_written_again_in_utf_8() -> None:
    assert as_utf8(TEXT.encode("cp932"), "cp932") == TEXT.encode()
    assert as_utf8(codecs.BOM_UTF8 + TEXT.encode(), "utf-8") == TEXT.encode()


def test_a_scenario_may_name_every_encoding_that_is_read() -> None:
    assert sorted(Encoding.__args__) == sorted(ENCODINGS)
    assert ClaimsSource.model_fields["encoding"].default is None
