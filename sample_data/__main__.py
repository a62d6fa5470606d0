"""``python -m interlayer.sample_data FOLDER`` writes the simulated experiments anew."""

from __future__ import annotations

import sys

from . import regenerate


def main(arguments: list[str]) -> int:
    """Regenerate below the folder named on the command line; 2 when there is none."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python -m interlayer.sample_data FOLDER\n")
        return 2
    for file in regenerate(arguments[0]):
        sys.stdout.write(f"{file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
