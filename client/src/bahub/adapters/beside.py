"""Shell for targets that are one file: written beside it, then renamed over it, with the owner and mode it had.

Scripts begin with `names(...)`, which sets `$target` (behind symbolic links) and `$partial`.
"""

from __future__ import annotations

import shlex

from bahub.adapters.base import WARNING


def names(path: str, mark: str) -> str:
    """Return lines that set the two names; `mark` is the same in all scripts of one restore."""
    return (
        f"target={shlex.quote(path)}\n"
        'if [ -h "$target" ]; then target=$(readlink -f -- "$target") || exit 1; fi\n'
        f'partial="$target".partial-{mark}\n'
    )


FIND_DIRECTORY = """\
directory=${target%/*}/
[ -d "$directory" ] || { printf '%s is no directory\\n' "$directory" >&2; exit 1; }
[ ! -d "$target" ] || { printf '%s is a directory\\n' "$target" >&2; exit 1; }
"""
"""Ends the script where no file can be."""

RECEIVE = """\
umask 077
cat >"$partial"
"""
"""Takes the content."""

LIKE_BEFORE = f"""\
if [ -e "$target" ]; then
  chown "$(stat -c %u:%g -- "$target")" "$partial" ||
    printf '{WARNING}%s now belongs to another account than before\\n' "$target" >&2
  chmod "$(stat -c %a -- "$target")" "$partial" || exit 1
else
  printf '{WARNING}%s is new: its owner is the account that restored it, its mode 0600\\n' "$target" >&2
fi
sync "$partial" 2>/dev/null || sync
"""
"""Gives the new file the owner and mode of the old one, and puts it on the disk."""

RENAME = 'mv -f -- "$partial" "$target" || exit 1\n'
FORGET = 'rm -f -- "$partial" "$partial"-wal "$partial"-shm "$partial"-journal\n'

PRIVATE_DIRECTORY = """\
umask 077
directory=$(mktemp -d "${TMPDIR:-/var/tmp}/bahub.XXXXXXXX") || exit 1
trap 'rm -rf -- "$directory"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 141' PIPE; trap 'exit 143' TERM
"""
"""Makes a directory for a copy that only this account can read, and removes it whatever happens."""

SEND_COPY = """\
exec 3<"$directory/copy" || exit 1
rm -rf -- "$directory"
cat <&3
"""
"""Sends the copy, whose name is gone before the first byte."""
