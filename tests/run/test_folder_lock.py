"""One load at a time in a folder; what is killed leaves no lock behind."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from simulator.errors import ExitCode, UsageError
from simulator.run.folder_lock import alone_in

if TYPE_CHECKING:
    from pathlib import Path

HOLDS = """
import sys
from pathlib import Path
from simulator.run.folder_lock import alone_in
with alone_in(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_that_another_process_works_in_is_refused_until_it_has_ended(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UsageError) as refused, alone_in(tmp_path):
            pass
        holder.kill()
    words = f"{tmp_path} is in use by another load (process {holder.pid})"
    assert str(refused.value) == f"{words}: wait for its end, or give another --out"
    assert refused.value.exit_code == ExitCode.USAGE
    for _ in range(2):  # one after the other, and however the one before has ended
        with alone_in(tmp_path):
            assert (tmp_path / ".running").read_text() == str(os.getpid())


def test_a_folder_that_cannot_be_locked_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".running").mkdir()
    with pytest.raises(UsageError, match="cannot write to"), alone_in(tmp_path):
        pass
