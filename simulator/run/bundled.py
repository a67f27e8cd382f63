"""What comes with Todoku besides its code: scenarios by name, and the example system.

In a wheel they lie in `simulator/_share`; in a checkout they are where they are edited.
"""

from __future__ import annotations

from pathlib import Path

import simulator

EXAMPLE = "examples.outreach"  # a module of the share, not of the Python that is installed


def share() -> Path:
    """Return the folder that holds `scenarios` and `examples`."""
    package = Path(simulator.__file__).resolve().parent
    inside = package / "_share"
    return inside if inside.is_dir() else package.parent


def names() -> list[str]:
    """Return the names of the scenarios that come with Todoku."""
    return sorted(file.stem for file in (share() / "scenarios").glob("*.yaml"))


def scenario_file(written: Path) -> Path:
    """Return the file that is meant: as written, or a bundled scenario where only its name is.

    A file or folder of that name in the current folder goes before.
    """
    if written.name != str(written) or written.suffix or written.exists():
        return written
    bundled = share() / "scenarios" / f"{written.name}.yaml"
    return bundled if bundled.is_file() else written
