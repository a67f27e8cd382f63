"""Schemas of the vendors' own OpenAPI files, which are no part of this repository."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

from openapi_schema_validator import OAS30Validator

SHARED = Path(os.environ.get("TODOKU_SHARED", Path(__file__).parents[2] / "shared"))


@cache
def vendors_schema(path: str, name: str) -> OAS30Validator | None:
    """Read a schema; None: the file is not here."""
    file = SHARED / "specs" / path
    if not file.exists():
        return None
    spec = json.loads(file.read_text(encoding="utf-8"))
    return OAS30Validator({"$ref": f"#/components/schemas/{name}", **spec})
