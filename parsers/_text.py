"""Decoding of text files: byte-order mark, Unicode, or the Windows code page of the instrument's PC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import CorruptFile, LimitExceeded, TruncatedFile
from .findings import Finding
from .limits import DEFAULT, Limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ._lines import Bytes, Lines

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_TAB, _RETURN, _SPACE = b"\t\r "
_HARMLESS = bytes(code for code in range(256) if not (code < 9 or 14 <= code < 32) or code == 27)
_HEAD = 65_536
_IN_CHINESE = tuple(word.encode("gb18030") for word in ("电压", "电流"))
"""Voltage and current: both stand among the names of columns that a cycler's program writes in Chinese."""


@dataclass(frozen=True)
class Text:
    """A decoded text file.

    Parameters
    ----------
    lines : sequence of str
        Without line ends; line *n* of the file is ``lines[n - 1]``.
    encoding : str
        What it was decoded from.
    complete : bool
        Whether the last line ends with a line end. A file cut off by a full disk usually does not.
    """

    lines: Sequence[str]
    encoding: str
    complete: bool = True


def decode(data: bytes, limits: Limits = DEFAULT) -> tuple[Text, Finding | None]:
    r"""Return the text of a file, and a finding when the encoding had to be inferred.

    Tried in order: byte-order mark, UTF-16 without a mark (every other byte is NUL), UTF-8, GB 18030 where the bytes
    spell the Chinese words for voltage and current, Windows-1252. The environment's locale is never looked at.
    ``CR``, ``LF``, ``CR LF`` and ``CR CR LF`` all end a line.

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
    import numpy as np

    from ._lines import Lines, parts

    data, page, encoding = _characters(data)
    if page == "cp1252" and not any(map(_differs_in_latin_1, parts(np.frombuffer(data, np.uint8)))):
        page = "latin-1"  # which takes a tenth of the time
    finding = None
    if encoding == "cp1252":
        finding = Finding("inferred-encoding", "info", "The text is not Unicode; it was read as Windows-1252.")
    if encoding == "gb18030":
        finding = Finding("inferred-encoding", "info", "The text is not Unicode; it was read as GB 18030 (Chinese).")
    if b"\r" in data:
        data = data.translate(None, b"\r") if _has_pairs_only(data) else _with_one_line_end(data)
    lines = Lines(data, page)
    _check_characters(lines)
    count = len(lines)
    while count and not lines[count - 1].strip():
        count -= 1
    if not count:
        raise TruncatedFile("the file holds only white space", expected="text")
    if len(data) > limits.line:
        longest = int(np.diff(lines.stops, prepend=-1).max()) - 1
        if longest > limits.line and (longest := max(map(len, lines))) > limits.line:
            raise LimitExceeded(f"a line of {longest} characters", expected=f"at most {limits.line}")
    return Text(lines if count == len(lines) else lines.first(count), encoding, data.endswith(b"\n")), finding


def head_lines(data: bytes) -> list[str]:
    """Return the lines of the beginning of a text, without the checks and the speed that a whole one needs.

    Raises
    ------
    CorruptFile
        If it is not text.
    """
    data, page, _ = _characters(data)
    control = data.translate(None, _HARMLESS)
    if b"\0" in control or len(control) > max(2, len(data) // 2000):
        raise CorruptFile(f"the text holds the control character {chr(control[0])!r}", expected="a text file")
    return _with_one_line_end(data).decode(page, "replace").split("\n")


def _has_pairs_only(data: bytes) -> bool:
    """Whether every carriage return stands before a line feed."""
    import numpy as np

    from ._lines import NEWLINE, places

    codes = np.frombuffer(data, np.uint8)
    returns = places(codes, lambda part: part == _RETURN)
    return not data.endswith(b"\r") and bool((codes[returns + 1] == NEWLINE).all())


def _with_one_line_end(data: bytes) -> bytes:
    # CR CR LF, or CR alone
    return data.replace(b"\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _characters(data: bytes) -> tuple[bytes, str, str]:
    """Return the text in bytes of which the first 128 are ASCII, how to decode them, and what it was decoded from."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding), "utf-8", encoding
    head = data[:4096]
    if head.count(0) > len(head) // 3:
        encoding = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        return _strict(data, encoding), "utf-8", encoding
    if data.isascii():
        return data, "utf-8", "utf-8"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":  # cut off within a character, which is no other encoding
            return data[: error.start], "utf-8", "utf-8"
        if all(word in data[:_HEAD] for word in _IN_CHINESE):
            return data.decode("gb18030", "replace").encode(), "utf-8", "gb18030"
        return data, "cp1252", "cp1252"
    return data, "utf-8", "utf-8"


def _check_characters(lines: Lines) -> None:
    """Refuse what is no text: a binary file is full of control characters, of which cyclers write some in comments."""
    import numpy as np

    from ._lines import parts, places

    low = sum(np.count_nonzero(part < _SPACE) for part in parts(lines.bytes)) - len(lines)
    if low <= 0 or low == sum(np.count_nonzero(part == _TAB) for part in parts(lines.bytes)):
        return
    # UTF-16 has become UTF-8, and every code page agrees in these.
    found = places(lines.bytes, _is_control)
    if len(found) and (b"\0" in lines.data or len(found) > max(2, len(lines.data) // 2000)):
        first = int(found[0])
        raise CorruptFile(
            f"the text holds the control character {chr(lines.data[first])!r}",
            line=int(np.searchsorted(lines.stops, first)) + 1,
            expected="a text file",
            remedy="copy it again in binary mode, or check that it is what its name says",
        )


def _is_control(codes: Bytes) -> NDArray[np.bool_]:
    """Return which codes are those of control characters other than white space and escape."""
    found: NDArray[np.bool_] = (codes < 9) | ((codes >= 14) & (codes < 32) & (codes != 27))
    return found


def _differs_in_latin_1(codes: Bytes) -> bool:
    return bool(((codes >= 0x80) & (codes < 0xA0)).any())


def _strict(data: bytes, encoding: str) -> bytes:
    """Return text of a Unicode encoding as UTF-8."""
    # An odd byte at the end is a cut-off file, not another encoding.
    whole = data[: len(data) // 2 * 2] if encoding.startswith("utf-16") else data
    try:
        text = whole.decode(encoding)
    except UnicodeDecodeError as error:
        raise CorruptFile(
            f"the bytes are not {encoding}: {error.reason}", offset=error.start, expected="the encoding of its mark"
        ) from error
    return whole if encoding == "utf-8" else text.encode()
