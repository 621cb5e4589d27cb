"""Lines of shell that look for the programs a script needs, and say what to install.

Status 127 is what the shell itself gives for a program that is missing.
"""

from __future__ import annotations

import shlex


def need(program: str, package: str) -> str:
    """Return lines that end the script when a program is missing; the package is named as Debian does."""
    return f"command -v {program} >/dev/null 2>&1 || {{ {missing(program, package)}; }}\n"


def need_either(variable: str, programs: tuple[str, ...], package: str) -> str:
    """Return lines that put the first program that is there into a variable, or end the script."""
    lines = "".join(
        f"{'el' if position else ''}if command -v {program} >/dev/null 2>&1; then {variable}={program}\n"
        for position, program in enumerate(programs)
    )
    return f"{lines}else {missing(' or '.join(programs), package)}; fi\n"


def missing(program: str, package: str) -> str:
    """Return the command that says so and ends the script."""
    sentence = f"{program} is not there: install {package}"
    return f"echo {shlex.quote(sentence)} >&2; exit 127"
