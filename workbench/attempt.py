"""One analysis of one measurement: what it needs to know, and what comes of it, be it a number or a reason."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlayer.analysis import reported
from interlayer.analysis.errors import NotAnalysable
from interlayer.analysis.quantity import Quantity, Result

from .facts import SECTIONS
from .outcome import Missing, Outcome

if TYPE_CHECKING:
    import xarray as xr

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """The measurements of one technique in one file, and the facts about them.

    Parameters
    ----------
    datasets : mapping of str to xarray.Dataset
        By group.
    facts : mapping
        The section of ``experiment.toml`` for this file.
    path : Path
        The file.
    folder : Path
        Where names of other files in the facts are relative to.
    """

    datasets: Mapping[str, xr.Dataset]
    facts: Mapping[str, Any]
    path: Path
    folder: Path


Found = Iterator[tuple[str, Outcome]]


def attempt(function: Callable[..., Result], *data: Any, **facts: Any) -> Outcome:
    """Return what comes of an analysis, be it a result, a reason why there is none, or a breakdown."""
    try:
        return Outcome(result=function(*data, **facts))
    except NotAnalysable as error:
        return Outcome(declined=str(error))
    except Exception as error:
        # Whatever one file does to one analysis, the other files of an unattended run go on.
        _LOG.debug("an analysis broke down", exc_info=True)
        return Outcome(problem=f"{type(error).__name__}: {error}")


def missing_facts(quantity: str, section: str, *keys: str) -> tuple[Missing, ...]:
    """Return an entry for each key of a section that a quantity needs."""
    return tuple(Missing(quantity, f"{section}.{key}", SECTIONS[section][key].help) for key in keys)


def lacking_facts(facts: Mapping[str, Any], *keys: str) -> list[str]:
    """Return those of the keys that are not stated."""
    return [key for key in keys if key not in facts]


def compared(outcome: Outcome, ids: Sequence[str], temperature: Quantity | None) -> Outcome:
    """Return an outcome with how its quantities stand beside reported values.

    Parameters
    ----------
    outcome : Outcome
        Returned as it is when it has no headline.
    ids : sequence of str
        Of the reported values.
    temperature : Quantity, optional
        At which the quantities hold.
    """
    if outcome.result is None or outcome.role != "headline":
        return outcome
    entries = [reported.entry(name) for name in ids]
    comparisons = {}
    for quantity in outcome.result.quantities:
        fitting = [entry for entry in entries if reported.comparable(quantity.name, entry)]
        if fitting:
            comparisons[quantity.name] = tuple(
                reported.compare(quantity, entry, temperature=temperature) for entry in fitting
            )
    return replace(outcome, comparisons=comparisons)
