"""``experiment.toml``: reading it, checking every key of it, and finding the facts for a file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from interlayer.analysis import reported
from interlayer.analysis.quantity import Quantity
from interlayer.analysis.units import UnitError, convert_factor

from .facts import SAMPLE, SECTIONS, Fact

FILE_NAME = "experiment.toml"


class ExperimentError(ValueError):
    """``experiment.toml`` is wrong; the message lists everything that is, with its path."""


@dataclass(frozen=True)
class Experiment:
    """The facts of one folder.

    Parameters
    ----------
    folder : Path
        Where ``experiment.toml`` lies; file names in it are relative to this.
    sample : mapping
        Keys of `interlayer.facts.SAMPLE`.
    sections : mapping of str to mapping
        Facts by section, quantities already as `Quantity`.
    overrides : tuple of (str, mapping)
        Name patterns and the sections that they change.
    """

    folder: Path
    sample: Mapping[str, Any] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    overrides: tuple[tuple[str, Mapping[str, Mapping[str, Any]]], ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether the data are simulated."""
        return bool(self.sample.get("simulated", False))

    def facts(self, section: str, path: Path) -> dict[str, Any]:
        """Return the facts of a section for one file, overrides applied in the order of the file."""
        facts = dict(self.sections.get(section, {}))
        for pattern, sections in self.overrides:
            if fnmatch(path.name, pattern) or fnmatch(_relative(path, self.folder), pattern):
                facts |= sections.get(section, {})
        return facts


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def load(path: Path) -> Experiment:
    """Read an ``experiment.toml``.

    Raises
    ------
    ExperimentError
        With all that is wrong: unknown keys, missing units, values of the wrong kind, files that are not there.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path}: this is not TOML: {error}") from error
    problems: list[str] = []
    sample = _section(data.pop("sample", {}), SAMPLE, "sample", problems)
    files = data.pop("file", [])
    sections = _sections(data, "", problems)
    overrides = tuple(_overrides(files, problems))
    for facts in (sections, *(changed for _, changed in overrides)):
        _check_files(path.parent, facts, problems)
    _check_reported("", sections, problems)
    for number, (_, changed) in enumerate(overrides):
        _check_reported(f"file[{number}].", changed, problems)
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ExperimentError(f"{path}: {len(problems)} problem(s):{listed}")
    return Experiment(path.parent, sample, sections, overrides)


def find(path: Path, root: Path) -> Path | None:
    """Return the ``experiment.toml`` nearest to a file, from its folder up to the root."""
    for folder in path.parents:
        if (candidate := folder / FILE_NAME).is_file():
            return candidate
        if folder == root:
            break
    return None


def _sections(data: Mapping[str, Any], prefix: str, problems: list[str]) -> dict[str, dict[str, Any]]:
    sections = {}
    for name, content in data.items():
        if name not in SECTIONS:
            problems.append(f"{prefix}{name}: unknown section; known are {['sample', *SECTIONS, 'file']}")
        else:
            sections[name] = _section(content, SECTIONS[name], f"{prefix}{name}", problems)
    return sections


def _overrides(files: object, problems: list[str]) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    for number, entry in enumerate(files if isinstance(files, list) else [files]):
        if not isinstance(entry, dict) or not isinstance(entry.get("match"), str):
            problems.append(f'file[{number}]: expected a [[file]] table with match = "pattern"')
            continue
        rest = {key: value for key, value in entry.items() if key != "match"}
        yield entry["match"], _sections(rest, f"file[{number}].", problems)


def _section(content: object, known: Mapping[str, Fact], path: str, problems: list[str]) -> dict[str, Any]:
    if not isinstance(content, dict):
        problems.append(f"{path}: expected a table")
        return {}
    values = {}
    for key, value in content.items():
        if key not in known:
            problems.append(f"{path}.{key}: unknown key; known are {list(known)}")
            continue
        try:
            values[key] = _value(value, known[key], key)
        except ValueError as error:
            problems.append(f"{path}.{key}: {error}")
    return values


def _value(value: object, fact: Fact, key: str) -> object:
    """Return the value of a fact in the toolkit's terms; `ValueError` says what was expected."""
    match fact.shape, value:
        case "quantity", dict():
            return _quantity(value, fact, key)
        case "quantities", dict() if value and all(isinstance(item, dict) for item in value.values()):
            return {name: _quantity(item, fact, name) for name, item in value.items()}
        case "number", int() | float() if not isinstance(value, bool):
            return float(value)
        case "integer", int() if not isinstance(value, bool) and value >= 0:
            return value
        case "integers", list() if value and all(type(item) is int and item > 0 for item in value):
            return tuple(value)
        case "flag", bool():
            return value
        case "text", str() if not fact.choices or value in fact.choices:
            return value
        case "texts", list() if all(isinstance(item, str) and item in (fact.choices or (item,)) for item in value):
            return tuple(value)
        case "numbers", [int() | float() as low, int() | float() as high] if low < high:
            return float(low), float(high)
        case "files", dict() if value and all(isinstance(item, str) for item in value.values()):
            return dict(value)
        case "region", {"region": str(), "material": str()} if len(value) == 2:  # type: ignore[arg-type]
            return value
    raise ValueError(f"found {value!r}; expected {_expected(fact)}")


def _expected(fact: Fact) -> str:
    if fact.choices:
        return f"{'some' if fact.shape == 'texts' else 'one'} of {list(fact.choices)}"
    return f"for example {fact.example}" if fact.example else f"a {fact.shape}"


def _quantity(value: Mapping[str, object], fact: Fact, key: str) -> Quantity:
    number, uncertainty, unit = value.get("value"), value.get("uncertainty"), value.get("unit")
    if unknown := set(value) - {"value", "uncertainty", "unit"}:
        raise ValueError(f"unknown {sorted(unknown)}; expected value, uncertainty and unit")
    if isinstance(number, bool) or not isinstance(number, int | float) or not isinstance(unit, str):
        raise ValueError(f"found {dict(value)!r}; expected {_expected(fact)}")
    if uncertainty is not None and (isinstance(uncertainty, bool) or not isinstance(uncertainty, int | float)):
        raise ValueError(f"the uncertainty is {uncertainty!r}; expected a number >= 0 in the same unit")
    try:
        convert_factor(unit, fact.unit)
    except UnitError as error:
        raise ValueError(str(error)) from error
    return Quantity(key, float(number), None if uncertainty is None else float(uncertainty), unit)


def _check_files(folder: Path, sections: Mapping[str, Mapping[str, Any]], problems: list[str]) -> None:
    for name, file in sections.get("xanes", {}).get("references", {}).items():
        if not (folder / file).is_file():
            problems.append(f"xanes.references.{name}: there is no file {file!r} beside {FILE_NAME}")
    for section in ("eis", "cycling", "tem"):
        if bare := sections.get(section, {}).get("bare", ()):
            names = [path.name for path in folder.rglob("*") if path.is_file()]
            problems += [
                f"{section}.bare: there is no file {pattern!r} in the folder of {FILE_NAME}"
                for pattern in bare
                if not any(fnmatch(name, pattern) for name in names)
            ]


def _check_reported(prefix: str, sections: Mapping[str, Mapping[str, Any]], problems: list[str]) -> None:
    for section, facts in sections.items():
        for name in facts.get("compare", ()):
            try:
                reported.entry(name)
            except KeyError as error:
                problems.append(f"{prefix}{section}.compare: {error.args[0]}")


def draft(techniques: Mapping[str, int]) -> str:
    """Return the text of an ``experiment.toml`` for a folder, with every key commented out.

    Parameters
    ----------
    techniques : mapping of str to int
        Section and number of files found for it.
    """
    lines = [
        "# What the instruments don't know. Take away the '#' where you know the value; leave the rest as it is.",
        "# Quantities have a value, a standard uncertainty (k = 1) and a unit.",
        "",
        "[sample]",
        *(f"# {key} = {fact.example}  # {fact.help}" for key, fact in SAMPLE.items()),
    ]
    for section, count in techniques.items():
        lines += ["", f"[{section}]  # {count} file(s) found"]
        for key, fact in SECTIONS[section].items():
            choices = f"; one of {', '.join(fact.choices)}" if fact.choices else ""
            lines.append(f"# {key} = {fact.example or '...'}  # {fact.help}{choices}")
    return "\n".join([*lines, ""])
