"""The house itself: packages, imports, weight, documentation."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import interlayer
import interlayer.analysis
import interlayer.parsers
import interlayer.sample_data

ROOT = Path(__file__).parents[1]
ROOMS = {
    "workbench": "interlayer",
    "parsers": "interlayer.parsers",
    "analysis": "interlayer.analysis",
    "sample_data": "interlayer.sample_data",
}


def _modules() -> list[str]:
    names = []
    for folder, package in ROOMS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            names.append(".".join((package, *(part for part in parts if part != "__init__"))))
    return names


def _imports(path: Path) -> set[str]:
    """Return absolute names of what a module imports; relative imports are resolved against its room."""
    folder = path.relative_to(ROOT).parts
    package = (ROOMS[folder[0]], *folder[1:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join(package).split(".")
            base = base[: len(base) - node.level + 1]
            found.add(".".join([*base, node.module] if node.module else base))
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_folder_with_code_is_packaged():
    """A package that pyproject.toml forgets works in the checkout and is missing from the wheel."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    on_disk = set()
    for folder, package in ROOMS.items():
        for path in (ROOT / folder).rglob("*.py"):
            on_disk.add(".".join((package, *path.parent.relative_to(ROOT / folder).parts)))
    assert on_disk == set(settings["packages"])
    assert set(settings["package-dir"]) == on_disk


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("parsers", ("interlayer.parsers",)),
        (
            "analysis",
            (
                "interlayer.analysis",
                "interlayer.parsers.schema",
                "interlayer.parsers.findings",
                "interlayer.parsers.placeholders",
            ),
        ),
        ("sample_data/simulators", ("interlayer.sample_data",)),
    ],
)
def test_imports_go_one_way(folder, allowed):
    """Readers know nothing of the rest, the analysis vocabulary, findings and placeholders, simulators neither."""
    for path in (ROOT / folder).rglob("*.py"):
        own = {name for name in _imports(path) if name.split(".")[0] == "interlayer"}
        wrong = {name for name in own if not name.startswith(allowed)}
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


def test_no_room_is_imported_by_its_folder():
    """``import parsers`` works by accident in the checkout, as a second copy, and fails once installed."""
    for folder in (*ROOMS, "tests", "benchmarks", "docs"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            names |= {
                str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level
            }
            assert not {name.split(".")[0] for name in names} & set(ROOMS), path


def test_public_names():
    """The public face is small; a name added or lost is a decision."""
    assert set(interlayer.__all__) == {
        "Finding", "InterlayerWarning", "Limits", "ParseError", "Quantity", "Result", "analysis", "findings", "formats",
        "identify", "parsers", "plot", "read", "read_tree", "run", "sample_data", "save",
    }  # fmt: skip
    assert len(interlayer.__all__) < 20
    for name in interlayer.__all__:
        assert getattr(interlayer, name) is not None


def _loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


def test_import_is_light():
    """Scripts and shells that only look at a name must not pay for numpy, xarray or matplotlib."""
    heavy = {"numpy", "xarray", "pandas", "scipy", "matplotlib", "lmfit", "skimage", "jinja2", "rich", "click"}
    assert not _loaded_by("import interlayer") & heavy


def test_help_and_listings_are_light():
    """The command answers at once; identifying a file imports no reader."""
    heavy = {"numpy", "xarray", "pandas", "scipy", "matplotlib", "lmfit", "skimage", "jinja2"}
    command = "from interlayer.cli import main\ntry:\n    main({args!r})\nexcept SystemExit:\n    pass"
    for args in (["--help"], ["formats"], ["identify", str(ROOT / "README.md")]):
        loaded = _loaded_by(command.format(args=args))
        assert not loaded & heavy, args
        assert "interlayer.parsers.tiff" not in loaded


@pytest.mark.parametrize("name", _modules())
def test_examples_in_docstrings(name):
    """An example that no longer runs misleads whoever copies it."""
    module = importlib.import_module(name) if not name.endswith("__main__") else None
    if module is not None:
        assert doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).failed == 0


def test_modules_stay_small():
    """One idea a module: what grows over 400 lines is split."""
    for folder in ROOMS:
        for path in (ROOT / folder).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) < 400, path.relative_to(ROOT)


def test_every_format_has_its_reader():
    """A card without a module would only fail when the first such file arrives."""
    for card in interlayer.formats():
        assert callable(card.reader()), card.name


def test_walk_finds_modules():
    """Tools that look for submodules of a room find them."""
    assert "schema" in {module.name for module in pkgutil.iter_modules(interlayer.parsers.__path__)}
