"""Pictures as one SVG file that needs nothing beside it, by matplotlib (extra `[plot]`).

The one rule: text stays text, so that a picture can be searched and read aloud, and the same
figures give the same bytes.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, Any

from simulator.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

_SETTINGS: Any = {"svg.fonttype": "none", "svg.hashsalt": "todoku", "font.size": 10}


def drawable(flag: str) -> None:
    """See that a picture can be drawn, before the work rather than after it.

    Raises:
        UsageError: there is no matplotlib.
    """
    if find_spec("matplotlib") is None:
        raise UsageError(f"{flag} needs matplotlib: pip install 'todoku[plot]'")


def svg(draw: Callable[[Figure], None], size: tuple[float, float]) -> bytes:
    """Return what is drawn on a figure of so many inches."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    picture = StringIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the reader's fonts draw the text
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue().encode()
