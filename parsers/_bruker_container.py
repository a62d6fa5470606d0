"""The container of a Bruker file (.bcf): numbered chunks, each with the exclusive or of its 32-bit words.

What reads the file trusts every length in it, so one damaged byte may fill a map with zeros or end the process. Here a
file is held against its own table before anything else looks at it: the number of chunks, and the check word of each.

Source: layout found in five files of ESPRIT 1.9 to 2.1, of whose 1300 chunks every one has its check word.
"""

from __future__ import annotations

import struct

import numpy as np

from .errors import CorruptFile, TruncatedFile

_SIGNATURES = ((0, b"AAMVHFSS"), (0x118, b"AASFSSGN"))
_TABLE = struct.Struct("<4xI20xIII")  # at 0x124: version, bytes in a chunk; at 0x140: tree, items, chunks
_TABLE_AT = 0x124
_CHUNKS_AT = 0x118
_HEAD = 32  # bytes of a chunk before its words; the second word of them is the check
_MOST_ITEMS = 10_000


def check(data: bytes) -> int:
    """Return the number of bytes behind the last chunk.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    TruncatedFile
        If chunks are missing.
    CorruptFile
        If the table contradicts itself or a chunk is damaged.
    """
    if len(data) < _CHUNKS_AT + 2 * _HEAD:
        raise TruncatedFile(f"{len(data)} bytes", expected="the header of a Bruker container")
    for place, signature in _SIGNATURES:
        if data[place : place + len(signature)] != signature:
            raise CorruptFile("the container has lost its signature", offset=place, expected=repr(signature))
    size, tree, items, chunks = map(int, _TABLE.unpack_from(data, _TABLE_AT))
    if size % 4 or not 4 * _HEAD <= size <= 2**24 or not 0 < tree < chunks or not 0 < items <= _MOST_ITEMS:
        raise CorruptFile(
            f"{chunks} chunks of {size} bytes, {items} items in chunk {tree}", offset=_TABLE_AT, expected="a table"
        )
    need = _CHUNKS_AT + size * chunks
    if len(data) < need:
        raise TruncatedFile(f"{len(data)} bytes", expected=f"{need} for {chunks} chunks of {size}")
    words = np.frombuffer(data, "<u4", size // 4 * chunks, _CHUNKS_AT).reshape(chunks, size // 4)[1:]
    damaged = np.flatnonzero(np.bitwise_xor.reduce(words[:, _HEAD // 4 :], axis=1) != words[:, 1])
    if damaged.size:
        first = int(damaged[0]) + 1
        raise CorruptFile(
            f"{damaged.size} of {chunks} chunks do not agree with their check words, the first is chunk {first}",
            offset=_CHUNKS_AT + first * size,
            expected="whole chunks",
            remedy="copy the file again",
        )
    return len(data) - need
