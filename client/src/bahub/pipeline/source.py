"""The first stage of a backup: the source program, through its transport."""

from __future__ import annotations

from bahub.errors import ProgramFailed
from bahub.pipeline.parts import Parts
from bahub.pipeline.programs import Program
from bahub.pipeline.stages import Stages
from bahub.streams import Pipe


def dump(parts: Parts, stages: Stages, content: Pipe) -> None:
    """Run the source and write its content; the stream ends only when the source and its place have ended well.

    Raises:
        ProgramFailed: it could not be started, did not end with 0, or wrote nothing.
        Failed: the place is not there, or could not be put back.
    """
    definition = parts.definition
    some = False
    with parts.transport.opened():
        try:
            with Program(parts.transport, parts.adapter.backup(definition.spec), "the source", parts.warn) as program:
                stages.cut_by(program.kill)
                program.end_input()
                for block in program.output():
                    content.write(block)
                    some = True
                program.finish()
        except ProgramFailed as error:
            error.details += tuple(f"{definition.transport.name}: {line}" for line in parts.transport.last_words())
            raise
    if not some and not definition.allow_empty:
        raise ProgramFailed("the source ended well, but yielded nothing", hint="`allow_empty: true` accepts that")
    content.end()
