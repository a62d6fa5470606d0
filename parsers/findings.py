"""Findings: what a reader noticed about a file, kept beside the data instead of stopping it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One remark about a file.

    Parameters
    ----------
    code : str
        Stable kebab-case name, for example ``truncated-rows``, for rules and filters.
    severity : {"info", "warning", "error"}
        *info*: nothing is lost; *warning*: something was left out or inferred; *error*: part of the file is unusable.
    message : str
        One sentence with the figures, for a person.
    """

    code: str
    severity: Severity
    message: str


def to_json(findings: Iterable[Finding]) -> str:
    """Return the findings as the JSON string kept in ``Dataset.attrs["findings"]``."""
    return json.dumps([vars(finding) for finding in findings], ensure_ascii=False)


def findings(attrs: Mapping[Any, Any]) -> tuple[Finding, ...]:
    """Return the findings stored in the attributes of a Dataset.

    Examples
    --------
    >>> findings({"findings": '[{"code": "a-b", "severity": "info", "message": "Seen."}]'})
    (Finding(code='a-b', severity='info', message='Seen.'),)
    """
    return tuple(Finding(**entry) for entry in json.loads(attrs.get("findings", "[]")))
