"""How often `todoku load --find-capacity` finds a knee that is known.

The example takes 700 recipients a second and refuses the rest (`--limit 700/s` in
scenarios/capacity-outreach.yaml). Each search begins somewhere else, so that no two walk the same
way; the figure is the share of those whose knee is within a tenth of the limit.

    python benchmarks/bench_capacity.py [--runs 10 --step 10s --quick]

Exit code: 0; 1 below 9 in 10; 3 no figure: some searches came to no end.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import BELOW, NO_FIGURE, OK, report

LIMIT, WITHIN, SHARE_MIN = 700.0, 0.10, 0.9
ROOT = Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "scenarios" / "capacity-outreach.yaml"
FIRST = (50, 60, 80, 100, 130, 170, 220, 300, 900, 1300)  # where the searches begin, /s
KNEE = "knee"


def main() -> int:
    """Search again and again, and print."""
    options = _arguments()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for n in range(options.runs):
            found.append(_search(Path(folder) / str(n), FIRST[n % len(FIRST)], options))
            print(_words(n, found[-1]), file=sys.stderr, flush=True)
    return _show(options, found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--step", default="10s", help="how long each rate is offered")
    parser.add_argument("--keep", type=Path, help="keep the folders of the searches here")
    parser.add_argument("--quick", action="store_true", help="a smoke test: the figure is poor")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.step = 1, "4s"
    return options


def _search(folder: Path, first: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run one search; return its document, with how long it took."""
    out = options.keep / folder.name if options.keep else folder
    began = time.monotonic()
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "simulator", "load", str(SCENARIO), "--find-capacity"),
            *("--from", f"{first}/s", "--for", options.step, "--out", str(out)),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    document: dict[str, Any] = {}
    if (out / "capacity.json").exists():
        document = json.loads((out / "capacity.json").read_text("utf-8"))
    return {**document, "code": ended.returncode, "took_s": time.monotonic() - began}


def _off(document: dict[str, Any]) -> float | None:
    """Return how far the knee is from the limit, as a share of it; None: there is no knee."""
    result = document.get("found") or {}
    return result["knee"] / LIMIT - 1 if result.get("end") == KNEE else None


def _words(n: int, document: dict[str, Any]) -> str:
    said = document.get("verdict", {}).get("words", f"exit code {document['code']}")
    return f"search {n + 1}: {document['took_s']:.0f} s, {said}"


def _show(options: argparse.Namespace, found: list[dict[str, Any]]) -> int:
    offs = [_off(document) for document in found]
    right = sum(off is not None and abs(off) <= WITHIN for off in offs)
    rows = [
        (
            n,
            FIRST[(n - 1) % len(FIRST)],
            "-" if off is None else LIMIT * (1 + off),
            "-" if off is None else f"{off:+.1%}",
            (document.get("bottleneck") or {}).get("who", "-"),
            len(document.get("steps", ())),
            document["took_s"],
        )
        for n, (document, off) in enumerate(zip(found, offs, strict=True), start=1)
    ]
    head = ("search", "from /s", "knee /s", "off", "bottleneck", "steps", "seconds")
    report(
        "capacity",
        head,
        rows,
        share=right / len(found),
        share_min=SHARE_MIN,
        limit=LIMIT,
        within=WITHIN,
        off=[None if off is None else round(off, 4) for off in offs],
        runs=len(found),
        step=options.step,
        quick=options.quick,
    )
    if right >= SHARE_MIN * len(found):
        return OK
    return NO_FIGURE if None in offs else BELOW


if __name__ == "__main__":
    sys.exit(main())
