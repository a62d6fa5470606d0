"""``python -m interlayer`` is the command ``interlayer``."""

from .cli import main

if __name__ == "__main__":
    main()
