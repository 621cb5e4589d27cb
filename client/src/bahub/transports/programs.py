"""Programs of this machine that transports ask: containers' state, and what to start or stop."""

from __future__ import annotations

import subprocess
from queue import SimpleQueue
from threading import Thread

from bahub.errors import Failed


def ask(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with nothing to read, and return its status and words.

    It runs in a session of its own: a key pressed to interrupt us must not interrupt the putting back of things.

    Raises:
        Failed: there is no such program.
    """
    try:
        return subprocess.run(  # noqa: S603 - the commands are transports' own
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Failed(f"the program {command[0]} is not there", hint=f"install {command[0]} on this machine") from None
    except PermissionError:
        raise Failed(f"the program {command[0]} may not be started") from None


def ask_to_the_end(*command: str) -> subprocess.CompletedProcess[str]:
    """Do as `ask`, but when a signal's exception comes meanwhile, raise it only after the program has ended.

    What was begun is then either done or has failed, never left to itself.

    Raises:
        Failed: there is no such program.
    """
    answers: SimpleQueue[subprocess.CompletedProcess[str] | Failed] = SimpleQueue()
    thread = Thread(target=lambda: answers.put(_answer(command)))
    thread.start()
    interruption: BaseException | None = None
    while thread.is_alive():
        try:
            thread.join()
        except BaseException as error:  # noqa: BLE001 - kept, and raised below
            interruption = error
    if interruption is not None:
        raise interruption
    answer = answers.get()
    if isinstance(answer, Failed):
        raise answer
    return answer


def _answer(command: tuple[str, ...]) -> subprocess.CompletedProcess[str] | Failed:
    try:
        return ask(*command)
    except Failed as error:
        return error


def last_line(text: str) -> str:
    """Return the last line of what a program said, without what it calls itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
