"""Proves that a version can be restored, without restoring it: nothing is written anywhere (contract B 3.2)."""

from __future__ import annotations

from bahub.pipeline.archive import Fetch, opened
from bahub.pipeline.parts import Parts
from bahub.pipeline.stages import Stages
from bahub.streams import Pipe


def verify(parts: Parts, fetch: Fetch, *, allow_unencrypted: bool = False) -> str:
    """Fetch, compare the digest, decrypt, expand and look at the content; say in a few words what it is.

    Raises:
        Tampered: it is not what was stored, or no whole content.
        Misconfigured: keys are missing.
        BahubError: it could not be fetched.
    """
    with Stages() as stages:
        content = opened(parts, stages, fetch, allow_unencrypted=allow_unencrypted)()
        found = stages.run("content", lambda: _looked_at(parts, content))
        stages.wait()
    return found.value


def verify_digest(fetch: Fetch) -> str:
    """Fetch and compare the digest alone; return it in lower-case hex.

    Raises:
        Tampered: it differs.
        BahubError: it could not be fetched.
    """
    with Stages() as stages:
        digest = stages.run("download", lambda: fetch(stages, _Nowhere()))
        stages.wait()
    return digest.value


class _Nowhere:
    """Takes everything and keeps nothing."""

    def write(self, data: bytes, /) -> int:
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def _looked_at(parts: Parts, content: Pipe) -> str:
    inspector = parts.adapter.inspector(parts.definition.spec)
    size = 0
    while block := content.read():
        inspector.feed(block)
        size += len(block)
    return inspector.finish() if size else "no content"
