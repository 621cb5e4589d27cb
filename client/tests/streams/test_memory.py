"""Memory does not depend on the size (contract B 3.6)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from realm.methods import age_entry

from bahub.encryption.registry import method_of

MOST = 110 << 20
"""Bytes for the interpreter and one chain of stages, of the 128 MiB that the whole client may have."""
MEASURED = """
import os, sys, threading
from bahub.compression.registry import expand, method_of as compression_of
from bahub.config.model import Compression, Encryption
from bahub.encryption.registry import method_of as encryption_of
from bahub.streams import Pipe

method, identity, recipient, blocks = sys.argv[1:]
encryption = encryption_of(Encryption("e", "age", {"recipients": [recipient], "identity_file": identity}))
compression = compression_of(Compression(method, 3))

class Source:
    left, block = int(blocks), os.urandom(1 << 19) + bytes(1 << 19)
    def read(self, size=-1, /):
        self.left -= 1
        return self.block if self.left >= 0 else b""

def step(job, reader):
    pipe = Pipe()
    def work():
        job(reader, pipe)
        pipe.end()
    threading.Thread(target=work, daemon=True).start()
    return pipe

stream = Source()
for job in (compression.compress, encryption.encrypt, encryption.decrypt, expand):
    stream = step(job, stream)
size = 0
while block := stream.read():
    size += len(block)
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(size, int(peak) * 1024)
"""


@pytest.mark.parametrize("method", ["zstd", "gzip", "none"])
def test_a_huge_stream_passes_all_stages_both_ways_in_bounded_memory(method: str, tmp_path: Path) -> None:
    """Case 31, its stages."""
    identity = tmp_path / "identity.txt"
    (key,) = method_of(age_entry(identity)).generate()
    blocks = {"zstd": 600, "gzip": 200, "none": 600}[method]
    command = [sys.executable, "-c", MEASURED, method, str(identity), key.recipient, str(blocks)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    size, peak = map(int, ended.stdout.split())
    assert size == blocks << 20
    assert peak < MOST
