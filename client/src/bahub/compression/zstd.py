"""Zstandard, in several threads (contract B 3.3); `zstd -d` opens what comes out."""

from __future__ import annotations

import os
import sys
from typing import Final

from bahub.compression.frames import expand_frames
from bahub.streams import Reader, Writer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MAX_THREADS: Final = 4
"""Each holds a job in memory."""
_JOB: Final = 3 << 19
"""Bytes that a thread works on at a time: it bounds the memory and costs some 1 % of the size."""
_MAX_WINDOW_LOG: Final = 27
"""128 MiB, as far as the program `zstd` goes without being asked: more would let an archive claim any memory."""


class Zstd:
    """Compression with Zstandard."""

    def __init__(self, level: int) -> None:
        self._level = level

    def compress(self, plain: Reader, packed: Writer) -> None:
        """Compress everything into one frame with a checksum."""
        option = zstd.CompressionParameter
        packer = zstd.ZstdCompressor(
            options={
                option.compression_level: self._level,
                option.checksum_flag: 1,
                option.nb_workers: min(_MAX_THREADS, len(os.sched_getaffinity(0))),
                option.job_size: _JOB,
            }
        )
        while block := plain.read():
            packed.write(packer.compress(block))
        packed.write(packer.flush())

    def expand(self, packed: Reader, plain: Writer) -> None:
        """Expand all frames.

        Raises:
            Tampered: they are damaged or cut short, or something else follows.
        """
        expand_frames(packed, plain, _frame, name="zstd", damage=zstd.ZstdError)


def _frame() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG})
