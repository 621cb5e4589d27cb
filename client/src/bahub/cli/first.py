"""The files of a first configuration: the configuration itself, a token, a secret key (contract B 3.1, 3.3).

Each is readable by its owner alone, and none replaces a file that is there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bahub.config.model import Encryption
from bahub.encryption.base import AlreadyCreated
from bahub.encryption.registry import method_of
from bahub.errors import Failed
from bahub.masking import Secret

_CONFIG_DIR = "${CONFIG_DIR}"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the user has said."""

    url: str
    collection: str
    token: str | None
    """To be written into a file of its own; None: there is one."""
    token_file: Path | None
    """The file that is there."""
    paths: Sequence[str]
    name: str
    schedule: str
    recipients: Sequence[str]
    """Public keys; empty: a key has to be made."""


@dataclass(frozen=True, slots=True)
class Written:
    """What there is now."""

    token_file: Path
    identity_file: Path | None
    """The secret key; None: it is elsewhere."""
    is_new_identity: bool
    recipients: Sequence[str]


def write_first(target: Path, answers: Answers) -> Written:
    """Make a key, and write the token and the configuration, which comes last.

    Args:
        target: the configuration file; the others stand beside it, named after it.
        answers: checked.

    Raises:
        Failed: a file is there already, or cannot be written.
    """
    identity, recipients, is_new = None, answers.recipients, False
    if not recipients:
        identity = target.parent / f"{target.stem}-identity.txt"
        recipients, is_new = _keys(identity)
    token_file = answers.token_file
    if token_file is None:
        token_file = target.parent / f"{target.stem}-token"
        _write_new(token_file, f"{Secret(answers.token or '').reveal()}\n")
    written = Written(token_file, identity, is_new, recipients)
    _write_new(target, _configuration(target, answers, written))
    return written


def _keys(identity: Path) -> tuple[Sequence[str], bool]:
    """Return the public keys of a secret key, which is made unless it is there, and whether it was made."""
    method = method_of(Encryption("strong", "age", {"identity_file": str(identity)}))
    try:
        return [key.recipient for key in method.generate()], True
    except AlreadyCreated:
        return [key.recipient for key in method.keys()], False  # noqa: SIM118 - a method of ours, no mapping


def _write_new(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Failed(f"already created: {path}; it is never overwritten") from None
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _configuration(target: Path, answers: Answers, written: Written) -> str:
    """Return the text of the configuration file, with comments that say what each part is for."""
    if written.identity_file is None:
        identity = "# identity_file: the secret key; only restoring needs it"
    else:
        identity = f"identity_file: {_place(written.identity_file, target)}  # the secret key; only restoring needs it"
    return f"""\
# Configuration of bahub. `bahub config check --online` says whether everything in it is right.
# ${{NAME}} stands for a variable of the environment, ${{CONFIG_DIR}} for the directory of this file.

accesses:
  main:
    url: {_text(answers.url)}
    token_file: {_place(written.token_file, target)}

encryption:
  strong:
    method: age
    # Archives can be opened with the secret key of any of these public keys, and with nothing else.
    recipients:
{_list(written.recipients, 6)}\
    {identity}

# Where commands run. `local` is this machine; for others see `bahub adapters list`.
# transports:
#   db_container: {{type: docker, spec: {{container: "db_1"}}}}

backups:
  {_text(answers.name)}:
    meta:
      type: filesystem  # for others see `bahub adapters list`
      access: main
      encryption: strong
      collection_id: {_text(answers.collection)}
      schedule: {_text(answers.schedule)}  # minute, hour, day, month, weekday; `bahub schedule run` does it
      # timezone: Europe/Warsaw  # without it: the machine's
    spec:
      paths:
{_list(answers.paths, 8)}\
      # exclude: ["*.tmp"]

# Who hears of what happens.
# notifiers:
#   chat: {{type: mattermost, url: "${{CHAT_HOOK}}", events: [backup.failed]}}
"""


def _list(items: Sequence[str], indent: int) -> str:
    return "".join(f"{' ' * indent}- {_text(item)}\n" for item in items)


def _place(path: Path, target: Path) -> str:
    """Name a file in quotes, beside the configuration by its directory, so that both can move together."""
    if path.parent == target.parent:
        return json.dumps(f"{_CONFIG_DIR}/{_escaped(path.name)}", ensure_ascii=False)
    return _text(str(path))


def _text(text: str) -> str:
    return json.dumps(_escaped(text), ensure_ascii=False)


def _escaped(text: str) -> str:
    return text.replace("${", "$${")
