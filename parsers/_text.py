"""Decoding of text files: byte-order mark, Unicode, or the Windows code page of the instrument's PC."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import CorruptFile, LimitExceeded, TruncatedFile
from .findings import Finding
from .limits import DEFAULT, Limits

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SAME_IN_LATIN_1 = bytes(code for code in range(256) if not 0x80 <= code <= 0x9F)
_HARMLESS = bytes(code for code in range(256) if not _CONTROL.match(chr(code)))


@dataclass(frozen=True)
class Text:
    """A decoded text file.

    Parameters
    ----------
    lines : list of str
        Without line ends; line *n* of the file is ``lines[n - 1]``.
    encoding : str
        What it was decoded from.
    complete : bool
        Whether the last line ends with a line end. A file cut off by a full disk usually does not.
    """

    lines: list[str]
    encoding: str
    complete: bool = True


def decode(data: bytes, limits: Limits = DEFAULT) -> tuple[Text, Finding | None]:
    r"""Return the text of a file, and a finding when the encoding had to be inferred.

    Tried in order: byte-order mark, UTF-16 without a mark (every other byte is NUL), UTF-8, Windows-1252. The
    environment's locale is never looked at. ``CR``, ``LF``, ``CR LF`` and ``CR CR LF`` all end a line.

    Raises
    ------
    CorruptFile
        If it is not text.
    LimitExceeded
        If a line is longer than `Limits.line`.

    Examples
    --------
    >>> decode(b"\xb5A\r\n1,5\r\n")[0]
    Text(lines=['µA', '1,5'], encoding='cp1252', complete=True)
    """
    text, encoding = _characters(data)
    if encoding.startswith("utf-16") or data.translate(None, _HARMLESS):
        _check_text(text)
    finding = None
    if encoding == "cp1252":
        finding = Finding("inferred-encoding", "info", "The text is not Unicode; it was read as Windows-1252.")
    lines = _split(text)
    complete = lines[-1] == ""
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise TruncatedFile("the file holds only white space", expected="text")
    longest = max(map(len, lines))
    if longest > limits.line:
        raise LimitExceeded(f"a line of {longest} characters", expected=f"at most {limits.line}")
    return Text(lines, encoding, complete), finding


def _split(text: str) -> list[str]:
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "\r" in text:  # what is left of CR CR LF, or CR alone
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")


def _characters(data: bytes) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding), encoding
    head = data[:4096]
    if head.count(0) > len(head) // 3:
        encoding = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        return _strict(data, encoding), encoding
    try:
        text, encoding = data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":  # cut off within a character, which is no other encoding
            return data[: error.start].decode("utf-8"), "utf-8"
        # Both code pages agree but for 80 to 9F, and Latin-1 takes a tenth of the time.
        page = "cp1252" if data.translate(None, _SAME_IN_LATIN_1) else "latin-1"
        text, encoding = data.decode(page, errors="replace"), "cp1252"
    return text, encoding


def _check_text(text: str) -> None:
    # Some cyclers write a stray control character into a comment; a binary file is full of them.
    found = _CONTROL.search(text)
    if found and ("\0" in text or len(_CONTROL.findall(text)) > max(2, len(text) // 2000)):
        raise CorruptFile(
            f"the text holds the control character {found[0]!r}",
            line=text.count("\n", 0, found.start()) + 1,
            expected="a text file",
            remedy="copy it again in binary mode, or check that it is what its name says",
        )


def _strict(data: bytes, encoding: str) -> str:
    # An odd byte at the end is a cut-off file, not another encoding.
    whole = data[: len(data) // 2 * 2] if encoding.startswith("utf-16") else data
    try:
        return whole.decode(encoding)
    except UnicodeDecodeError as error:
        raise CorruptFile(
            f"the bytes are not {encoding}: {error.reason}", offset=error.start, expected="the encoding of its mark"
        ) from error
