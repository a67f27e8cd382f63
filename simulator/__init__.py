"""Todoku: an SMS provider, its carriers, handsets, people and invoice, all fake.

Nothing heavy is imported here: `import simulator` costs nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__"]
