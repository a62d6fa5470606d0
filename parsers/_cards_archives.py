"""Format cards of archives; a format that is itself a zip or gzip file, such as a workbook, stands before them."""

from __future__ import annotations

from ._card import Format, Magic

_PARSERS = "interlayer.parsers"
_ANY = ("eis", "cycling", "xanes", "xps", "image", "eds", "eels")

ARCHIVES: tuple[Format, ...] = (
    Format(
        name="zip",
        title="zip archive of instrument files",
        techniques=_ANY,
        module=f"{_PARSERS}.archive_zip",
        extensions=(".zip",),
        magic=(Magic(rb"\APK\x03\x04", name=r"\.zip$"),),
    ),
    Format(
        name="tar",
        title="tar archive of instrument files",
        techniques=_ANY,
        module=f"{_PARSERS}.archive_tar",
        extensions=(".tar",),
        magic=(
            Magic(rb"(?s)\A[^\0].{256}ustar"),
            Magic(rb"(?s)\A[^\0].{99}[0-7 ]{6,7}[\0 ]", name=r"\.tar$"),
        ),
    ),
    Format(
        name="gzip",
        title="gzip-compressed instrument file",
        techniques=_ANY,
        module=f"{_PARSERS}.archive_gzip",
        extensions=(".gz", ".tgz"),
        magic=(Magic(rb"\A\x1f\x8b\x08"),),
    ),
)
