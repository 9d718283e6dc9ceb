"""What is found in an archive before anything is sent, as plain JSON values.

`problems` is a list of `{code, severity, message, advice, paths}`; one of severity «refuse» blocks the submission.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from kettle_web.archives.errors import ArchiveError
from kettle_web.archives.source import source_inspect

PATHS_KEPT = 20
"""Of each problem: enough to find the rest."""


def archive_inspect(path: Path) -> dict[str, Any]:
    """Give the findings about an archive; one that cannot be read is a finding as well."""
    try:
        report = source_inspect(path)
    except ArchiveError as error:
        return {"problems": [_problem(error.code, "refuse", error.message, error.advice, ())]}
    found = {name: value for name, value in asdict(report).items() if name != "problems"}
    found["problems"] = [
        _problem(problem.code, problem.severity, problem.message, problem.advice, problem.paths) for problem in report.problems
    ]
    return found


def _problem(code: str, severity: str, message: str, advice: str, paths: tuple[str, ...]) -> dict[str, Any]:
    return {
        "code": code,
        "severity": str(severity),
        "message": message,
        "advice": advice,
        "paths": [str(path) for path in paths[:PATHS_KEPT]],
    }


def refusals(inspection: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Give the problems that block a submission."""
    return [problem for problem in (inspection or {}).get("problems", []) if problem["severity"] == "refuse"]
