"""Directories and files, as one tar stream (contract B 3.4, 3.7).

GNU tar does the work on the other side, in the C locale: file names are bytes there and pass unchanged. Names are
relative to `/`. What changes while it is read is a warning unless `strict`; what cannot be read is a failure.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator, Sequence

from bahub.adapters import base
from bahub.adapters.base import WARNING, Inspector, RestoreOptions, RestorePlan, Script, Spec
from bahub.adapters.content.tar import Tar
from bahub.adapters.needs import missing, need

_PATH = {
    "type": "string",
    "pattern": r"^/(?!(?:[\s\S]*/)?\.\.(?:/|$))[^\x00]*$",
    "description": "an absolute path without `..`",
}
_FLAG = {"type": "boolean", "default": False}

Definition = base.Definition(
    schema={
        "type": "object",
        "properties": {
            "paths": {"type": "array", "items": _PATH, "minItems": 1},
            "exclude": {"type": "array", "items": {"type": "string", "minLength": 1}, "default": []},
            "one_file_system": _FLAG,
            "strict": _FLAG,
        },
        "required": ["paths"],
        "additionalProperties": False,
    },
    example="""\
meta:
  type: filesystem
  access: main
  encryption: strong
  collection_id: 0f4fa7a4-6e6c-4d0c-9a52-4f3d2a0c5b6e
spec:
  paths: [/etc, /srv/www]
  exclude: ["*.tmp", /srv/www/cache]
  one_file_system: false
  strict: false
""",
)

_GNU_TAR = (
    "LC_ALL=C; export LC_ALL\n"
    + need("tar", "tar")
    + f'case "$(tar --version 2>/dev/null)" in *GNU*) ;; *) {missing("GNU tar", "tar")} ;; esac\n'
)
_ATTRIBUTES = ("--xattrs", "--xattrs-include=*")
"""All of them: access lists are attributes too."""
_CHANGED = 1
"""The status of GNU tar that says: nothing is wrong but that files changed while they were read."""


class Adapter:
    """Saves directories and files."""

    def backup(self, spec: Spec) -> Script:
        """Return what writes the archive; a listed path that does not exist ends it before the first byte."""
        paths = _normal(spec["paths"])
        options = [
            "--create",
            "--file=-",
            "--blocking-factor=512",  # 256 KiB at a time: far fewer writes for tar, far fewer reads for us
            "--format=posix",
            "--sparse",
            *_ATTRIBUTES,
            "--warning=no-file-ignored",
            "--directory=/",
            "--no-unquote",  # otherwise a backslash in a listed path would begin an escape
            *_exclusions(spec.get("exclude", ())),
        ]
        if spec.get("one_file_system", False):
            options.append("--one-file-system")
        names = [path.lstrip("/") or "." for path in paths]
        run = _STRICT if spec.get("strict", False) else _TOLERANT
        return Script(_GNU_TAR + _look(paths) + run.replace("TAR", f"tar {shlex.join([*options, '--', *names])}"))

    def restore(self, spec: Spec, options: RestoreOptions) -> RestorePlan:
        """Return how the archive is extracted: into `/` as it arrives, or beside another directory, then renamed."""
        del spec
        if options.to is None:
            return RestorePlan(feed=_extract("/"), prepare=Script(_GNU_TAR))
        final = options.to.rstrip("/") or "/"
        final = final if final.startswith("/") else f"./{final}"
        target, partial = shlex.quote(final), shlex.quote(f"{final}.partial-{secrets.token_hex(6)}")
        return RestorePlan(
            prepare=Script(f"{_GNU_TAR}target={target}\n{_ABSENT_OR_EMPTY}umask 077\nmkdir -- {partial}\n"),
            feed=_extract(partial),
            finish=Script(
                f"target={target}\n{_ABSENT_OR_EMPTY}"
                f'if [ -d "$target" ]; then rmdir -- "$target" || exit 1; fi\nmv -- {partial} "$target"\n'
            ),
            undo=Script(f"chmod -R u+rwX -- {partial} 2>/dev/null\nrm -rf -- {partial}\n"),
            half_restored=False,
        )

    def inspector(self, spec: Spec) -> Inspector:
        """Return a look at the archive's headers, which also refuses names that lead elsewhere."""
        del spec
        return Tar()

    def check(self, spec: Spec) -> Script:
        """Return what looks for GNU tar."""
        del spec
        return Script(_GNU_TAR)


_STRICT = f"""\
TAR
status=$?
[ "$status" -ne {_CHANGED} ] || echo 'some files changed while they were read' >&2
exit "$status"
"""

_TOLERANT = f"""\
exec 3>&1
status=$({{ {{ TAR 2>&1 >&3 3>&- 4>&-; echo "$?" >&4; }} | sed \
  -e 's/^tar: \\(.*: file changed as we read it\\)$/{WARNING}\\1/' \
  -e 's/^tar: \\(.*: File removed before we read it\\)$/{WARNING}\\1/' \
  -e 's/^tar: \\(.*: File shrank by .*\\)$/{WARNING}\\1/' >&2; }} 4>&1)
[ "$status" != {_CHANGED} ] || {{ echo '{WARNING}some files changed while they were read' >&2; exit 0; }}
exit "${{status:-1}}"
"""
"""The archive goes out by descriptor 3, the words of `tar` through `sed`, its status by descriptor 4."""

_ABSENT_OR_EMPTY = """\
if [ -h "$target" ] || { [ -e "$target" ] && [ ! -d "$target" ]; }; then
  printf '%s is no directory\\n' "$target" >&2; exit 1
fi
if [ -d "$target" ]; then
  entries=$(ls -A -- "$target") || exit 1
  if [ -n "$entries" ]; then printf '%s is not empty\\n' "$target" >&2; exit 1; fi
fi
"""


def _extract(quoted_directory: str) -> Script:
    options = shlex.join(["--extract", "--file=-", "--preserve-permissions", "--delay-directory-restore", *_ATTRIBUTES])
    return Script(f"LC_ALL=C; export LC_ALL\ntar {options} --directory={quoted_directory}\n")


def _normal(paths: Sequence[str]) -> list[str]:
    """Return each path once, without doubled and trailing slashes: a trailing one would follow a symbolic link."""
    normal = ["/" + "/".join(part for part in path.split("/") if part not in {"", "."}) for path in paths]
    return list(dict.fromkeys(normal))


def _exclusions(patterns: Sequence[str]) -> Iterator[str]:
    """Give options: absolute patterns match whole names, others any part of them that begins after a slash."""
    for pattern in patterns:
        yield "--anchored" if pattern.startswith("/") else "--no-anchored"
        yield f"--exclude={pattern.strip('/') if pattern.startswith('/') else pattern.rstrip('/')}"


def _look(paths: Sequence[str]) -> str:
    """Return lines that say which paths are missing, and warn about symbolic links among them.

    A link with another listed path behind it is refused: the archive could not be extracted.
    """
    lines = ["absent=\n"]
    for path in paths:
        quoted = shlex.quote(path)
        if any(other.startswith(f"{path}/") for other in paths):
            linked = "printf '%s is a symbolic link, and a path behind it is listed\\n' " + quoted + " >&2; absent=yes"
        else:
            linked = f"printf '{WARNING}%s is a symbolic link; what it leads to is not saved\\n' {quoted} >&2"
        lines.append(
            f"if [ -h {quoted} ]; then {linked}\n"
            f"elif [ ! -e {quoted} ]; then printf '%s does not exist\\n' {quoted} >&2; absent=yes; fi\n"
        )
    lines.append('[ -z "$absent" ] || exit 1\n')
    return "".join(lines)
