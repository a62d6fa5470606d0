"""Projects of JEOL Analysis Station (.asw): the list of the images, maps and events that lie in folders beside them.

Reading a project reads these files. Layouts of others that it may list, such as analyses of points (.apb), are not
known; they are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PureWindowsPath

from . import jeol_image, jeol_pts
from ._jeol_tags import Tag, tree
from ._source import Measurement, Measurements, Source
from .errors import LimitExceeded, ParseError, UnsupportedContent

_READERS: Mapping[str, Callable[[Source], Measurements]] = {
    ".img": jeol_image.read,
    ".map": jeol_image.read,
    ".pts": jeol_pts.read,
}


def read(source: Source) -> Iterator[Measurement]:
    """Yield what the files of the project hold.

    Raises
    ------
    UnsupportedContent
        If none of the files that it lists is there.
    ParseError
        If none of them can be read.
    """
    listed = list(_listed(tree(source.cursor())))
    if len(listed) > source.limits.members:
        raise LimitExceeded(f"a project of {len(listed)} files", expected=f"at most {source.limits.members}")
    errors: list[ParseError] = []
    good = 0
    for name in listed:
        path = _beside(source.path, name)
        try:
            found = list(_members(path, name, source))
        except ParseError as error:
            errors.append(error)
            source.note("member-not-read", "warning", f"{name}: {error}")
            continue
        good += 1
        yield from found
    if not good:
        raise errors[0] if errors else UnsupportedContent("the project lists no file", expected="images or maps")


def _members(path: Path | None, name: str, source: Source) -> Iterator[Measurement]:
    reader = _READERS.get(PureWindowsPath(name).suffix.lower())
    if reader is None:
        raise UnsupportedContent(f"{name} is of a kind that is not read", expected=f"one of {sorted(_READERS)}")
    if path is None or not path.is_file():
        raise UnsupportedContent(
            f"{name} is not in the folder of the project",
            expected="the files that it lists",
            remedy="copy the project with its folders",
        )
    one = Source(path, limits=source.limits)
    for measurement in reader(one):
        measurement.dataset.attrs.setdefault("title", path.stem)
        yield Measurement(
            f"{path.stem}_{measurement.group}", measurement.dataset, [*measurement.findings, *one.findings]
        )


def _listed(project: Tag) -> Iterator[str]:
    """Yield the names of the files of all views of all samples."""
    for sample in project.at("SampleInfo").children.values():
        for view in sample.at("ViewInfo").children.values():
            for entry in view.at("ViewData").children.values():
                if name := entry.at("Filename").text:
                    yield name


def _beside(project: Path, name: str) -> Path | None:
    """Return the path of a listed file below the folder of the project, None for one that leads out of it."""
    given = PureWindowsPath(name)
    if given.drive or given.root or ".." in given.parts:
        return None
    return project.parent.joinpath(*given.parts)
