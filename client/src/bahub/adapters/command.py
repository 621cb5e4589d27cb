"""Whatever a command writes (contract B 3.4)."""

from __future__ import annotations

import shlex

from bahub.adapters import base
from bahub.adapters.base import Inspector, RestoreOptions, RestorePlan, Script, Spec
from bahub.adapters.content.anything import Anything
from bahub.adapters.minimal import refuse_to
from bahub.errors import BadUsage

_COMMAND = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
    ],
    "description": "must be a text for the shell, or a list of the program and its arguments",
}

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {"command": _COMMAND, "restore_command": _COMMAND},
        "required": ["command"],
        "additionalProperties": False,
    },
    example="""\
meta:
  type: command
  access: main
  encryption: strong
  collection_id: 0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e
spec:
  command: [slapcat, -n, "1"]
  restore_command: slapadd -n 1
""",
)


class Adapter:
    """Runs what the user wrote."""

    def backup(self, spec: Spec) -> Script:
        """Return the command; its stdout is the content."""
        return Script(_text(spec["command"]))

    def restore(self, spec: Spec, options: RestoreOptions) -> RestorePlan:
        """Return the command that takes the content on stdin.

        Raises:
            BadUsage: none is configured.
        """
        refuse_to(options)
        if "restore_command" not in spec:
            raise BadUsage(
                "this backup has no `restore_command`",
                hint="use --download FILE to get the content as a file",
            )
        return RestorePlan(feed=Script(_text(spec["restore_command"])))

    def inspector(self, spec: Spec) -> Inspector:
        """Return a look that wants but a single byte."""
        del spec
        return Anything()

    def check(self, spec: Spec) -> Script:
        """Return what looks for the programs of commands given as lists; shell texts are nobody's to judge."""
        programs = [part[0] for part in (spec["command"], spec.get("restore_command")) if isinstance(part, list)]
        lines = (
            f"command -v {shlex.quote(program)} >/dev/null 2>&1 ||"
            f" {{ echo {shlex.quote(f'{program} is not there')} >&2; exit 127; }}\n"
            for program in programs
        )
        return Script("".join(lines) or ":")


def _text(command: str | list[str]) -> str:
    return command if isinstance(command, str) else shlex.join(command)
