"""JSON and query strings read strictly, for the native dialect: nothing is passed over.

The one rule: what two readers could read in two ways is refused whole (a key written twice, half of
a surrogate pair, a byte order mark, NaN); what is not known is refused by its name; a value of
another type is refused, never converted.

msgspec reads and checks; the standard library's reader goes over it again, since it alone shows
keys that are written twice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from simulator.core.message import Reason, Rejection
from simulator.dialects.forms import FIELDS_MAX, SHOWN_CHARS_MAX, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.core.wire import HttpRequest

JSON_TYPE: Final = "application/json"
Body = TypeVar("Body", bound=msgspec.Struct)


class Reader(Generic[Body]):
    """Reads a body of one shape.

    Args:
        shape: a struct that forbids unknown fields.
        missing: the reason for a missing field, where it has one of its own.
    """

    def __init__(self, shape: type[Body], missing: Mapping[str, Reason]) -> None:
        self._decode = msgspec.json.Decoder(shape).decode
        self._known = shape.__struct_encode_fields__
        self._missing = missing

    def document(self, request: HttpRequest) -> tuple[Body, Any] | Rejection:
        """Read a request's body twice: as what it must be, and as the plain values it holds."""
        wrong_type = _other_type(request.headers.get("Content-Type", ""))
        if wrong_type is not None:
            return wrong_type
        try:
            text = request.body.decode()
            found = self.part(request.body)
            if isinstance(found, Rejection):
                return found
            return found, json.loads(text, object_pairs_hook=_pairs)
        except UnicodeDecodeError:
            return _not_json("it is not UTF-8")
        except RecursionError:
            return _not_json("it is nested too deep")
        except ValueError as error:  # a key written twice, or a number of too many digits
            return _not_json(str(error)[:SHOWN_CHARS_MAX])

    def part(self, data: bytes | msgspec.Raw) -> Body | Rejection:
        """Read bytes that are known to be UTF-8."""
        try:
            return self._decode(data)
        except msgspec.ValidationError as error:
            return self._invalid(str(error).replace("`", ""))
        except msgspec.DecodeError as error:
            words = str(error).removeprefix("JSON is malformed: ")
            if words == "Input data was truncated":
                words = "it is cut off, or holds half of a surrogate pair"
            return _not_json(words)

    def _invalid(self, words: str) -> Rejection:
        """Put msgspec's words into ours."""
        text, _, place = words.partition(" - at $")
        missing = text.removeprefix("Object missing required field ")
        if missing != text:
            return Rejection(self._missing.get(missing, Reason.MISSING_PARAMETER), missing)
        unknown = text.removeprefix("Object contains unknown field ")
        if unknown != text:
            return unknown_name(unknown, self._known)
        detail = text[:1].lower() + text[1:]
        if not place:
            return _not_json(detail)
        return Rejection(Reason.BAD_PARAMETER, place.removeprefix("."), detail)


def query_of(request: HttpRequest, known: tuple[str, ...]) -> Mapping[str, str] | Rejection:
    """Read a query string, of which only these parameters may be there, and each once."""
    try:
        pairs = parse_qsl(
            request.query, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError:
        return Rejection(Reason.MALFORMED, "query", f"it is not UTF-8, or over {FIELDS_MAX} fields")
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            return unknown_name(name, known)
        if name in found:
            return Rejection(Reason.BAD_PARAMETER, name, "it is given twice")
        found[name] = value
    return found


def unknown_name(name: str, known: tuple[str, ...]) -> Rejection:
    """Refuse a field or a parameter that is not known."""
    words = f"known are {', '.join(known)}" if known else "none is known here"
    return Rejection(Reason.UNKNOWN_PARAMETER, name[:SHOWN_CHARS_MAX], words)


def _other_type(header: str) -> Rejection | None:
    kind, _, rest = header.partition(";")
    charset = rest.strip().lower().replace('"', "")
    if kind.strip().lower() == JSON_TYPE and charset in {"", "charset=utf-8"}:
        return None
    return Rejection(
        Reason.MALFORMED, "Content-Type", f"saw {shown(header)}; send {JSON_TYPE} in UTF-8"
    )


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is written twice")
    return found


def _not_json(words: str) -> Rejection:
    return Rejection(Reason.MALFORMED, "body", words)
