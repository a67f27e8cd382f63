"""CI workflows, one for each kind; `todoku init` writes them and docs/ci.md shows them.

The one rule: what they run is `LINE`, the same to the letter everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from simulator import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

LINE = "todoku run scenarios --jobs 2 --timeout 10m --out todoku-report"
_FROM = f"todoku @ git+https://git.example.org/todoku.git@v{__version__}"


class Workflow(NamedTuple):
    """A file of a CI system: where it belongs, and its text."""

    path: str
    text: str


_GITHUB = f"""\
# Runs every scenario in scenarios/ against our system, and keeps the reports.
name: todoku
on: [push, pull_request]
permissions:
  contents: read
env:
  # Where Todoku is: a tag in git, a wheel of `make dist`, or a name in your own registry.
  TODOKU: "{_FROM}"
jobs:
  todoku:
    runs-on: ubuntu-latest
    timeout-minutes: 60
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: pip install "$TODOKU"
      # Install your own system here.
      - run: {LINE}
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: todoku-report
          path: todoku-report
"""

_GITLAB = f"""\
# Runs every scenario in scenarios/ against our system, and keeps the reports.
todoku:
  image: python:3.11
  timeout: 1h
  variables:
    # Where Todoku is: a tag in git, a wheel of `make dist`, or a name in your own registry.
    TODOKU: "{_FROM}"
  script:
    - pip install "$TODOKU"
    # Install your own system here.
    - {LINE}
  artifacts:
    when: always
    paths:
      - todoku-report/
"""

_JENKINS = f"""\
// Runs every scenario in scenarios/ against our system, and keeps the reports.
pipeline {{
  agent any
  options {{ timeout(time: 1, unit: 'HOURS') }}
  environment {{
    // Where Todoku is: a tag in git, a wheel of `make dist`, or a name in your own registry.
    TODOKU = '{_FROM}'
  }}
  stages {{
    stage('todoku') {{
      steps {{
        sh '''
          python3 -m venv .venv-todoku
          . .venv-todoku/bin/activate
          pip install "$TODOKU"
          # Install your own system here.
          {LINE}
        '''
      }}
    }}
  }}
  post {{
    always {{ archiveArtifacts artifacts: 'todoku-report/**', allowEmptyArchive: true }}
  }}
}}
"""

WORKFLOWS: Mapping[str, Workflow] = {
    "github": Workflow(".github/workflows/todoku.yml", _GITHUB),
    "gitlab": Workflow(".gitlab-ci.yml", _GITLAB),
    "jenkins": Workflow("Jenkinsfile", _JENKINS),
}
