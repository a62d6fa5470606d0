"""Download the real files that tests read from their public sources, and check every hash.

Usage: ``python tests/fetch_corpus.py FOLDER``, then set ``INTERLAYER_CORPUS`` to that folder.
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

LIST = Path(__file__).parent / "corpus.tsv"


def entries() -> list[dict[str, str]]:
    """Return path, repository, commit, path in the source, licence and SHA-256 of each file with a public source."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row["commit"]]


def url(entry: dict[str, str]) -> str:
    """Return where a file is published, at the commit that was checked."""
    return f"https://raw.githubusercontent.com/{entry['repository']}/{entry['commit']}/{quote(entry['source'])}"


def fetch(folder: Path) -> list[str]:
    """Fill a folder; return what could not be had."""
    import pooch

    missing = []
    for entry in entries():
        target = folder / entry["path"]
        if target.is_file() and pooch.file_hash(str(target)) == entry["sha256"]:
            continue
        try:
            found = pooch.retrieve(
                url(entry), known_hash=entry["sha256"], path=folder / ".downloads", progressbar=False
            )
        except Exception as error:
            missing.append(f"{entry['path']}: {error}")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, target)
    shutil.copyfile(LIST, folder / "corpus.tsv")
    return missing


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    destination = Path(sys.argv[1])
    destination.mkdir(parents=True, exist_ok=True)
    failures = fetch(destination)
    sys.stdout.write("\n".join([*failures, f"{len(entries()) - len(failures)} of {len(entries())} files are there\n"]))
    sys.exit(bool(failures))
