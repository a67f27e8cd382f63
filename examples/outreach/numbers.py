"""Phone numbers as people write them, and as providers want them: E.164.

A list that has been through a spreadsheet has lost its leading zeros; one that was typed has
hyphens, spaces and full-width digits. All of them mean somebody.
"""

from __future__ import annotations

import re
import unicodedata

MOBILE = {
    "81": re.compile(r"\+81(?:[79]0[0-9]|[68]0[1-9])[0-9]{7}"),  # 0600 and 0800 are not mobile
    "1": re.compile(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}"),
}
ABROAD = re.compile(r"\+[1-9][0-9]{6,14}")
TRUNK = {"81": "0", "1": "1"}  # what stands before a number that is dialled at home


def dialled(written: str, home: str) -> str | None:
    """Return a number in E.164, or None if no message can reach it.

    `home` is the country code of a number that is written without one.
    """
    plain = unicodedata.normalize("NFKC", written).strip()
    digits = "".join(re.findall("[0-9]+", plain))
    if not plain.startswith("+"):
        digits = home + digits.removeprefix(TRUNK[home])
    number = "+" + digits
    shape = next((MOBILE[code] for code in MOBILE if digits.startswith(code)), ABROAD)
    return number if shape.fullmatch(number) else None
