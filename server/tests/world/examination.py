"""An installation as `doctor` is pointed at it, and what is found there with short waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from world.front import Front
from world.instance import COLLECTIONS
from world.nginx import HOST

from backup_repository.doctor.case import Case
from backup_repository.doctor.conversation import Patience
from backup_repository.doctor.examine import examine
from backup_repository.doctor.found import Finding, Verdict
from backup_repository.doctor.target import parse_target

NAME = "localhost"
"""The public name here: one that every machine finds."""
HEALTH_CODE = "code-of-the-health-endpoint"
METRICS_CODE = "code-of-the-metrics"
QUICK = Patience(answer=10, pacing=0.6, verdict=0.5, tidying=2)

FrontMaker = Callable[..., Front]
Found = dict[str, Finding]
Examine = Callable[..., Found]


def with_certificate(chain: Path, key: Path) -> dict[str, str]:
    """The lines of router.conf that give it the public name and a certificate."""
    return {
        HOST: NAME,
        "/etc/ssl/backup-repository/fullchain.pem": str(chain),
        "/etc/ssl/backup-repository/privkey.pem": str(key),
    }


def public(running: Front) -> str:
    """The address of the router."""
    return f"https://{NAME}:{running.router.address[1]}"


def inner(running: Front) -> str:
    """The address of the application's NGINX."""
    return f"http://127.0.0.1:{running.application.address[1]}"


def collection_id(versions: str) -> str:
    """The id in a path of versions."""
    return versions.removeprefix(f"{COLLECTIONS}/").removesuffix("/versions")


def examined(url: str, *, pause: float = 0, patience: Patience = QUICK, **fields: Any) -> Found:
    """Examine an address in this process and give every finding by the name of its check.

    Args:
        url: the address.
        pause: seconds; 0: the time-outs are left out.
        patience: how long things may take.
        fields: further ones of the case.
    """
    case = Case(parse_target(url), pause=pause, patience=patience, **fields)
    return {finding.check: finding for finding in examine(case)}


def troubles(found: Found) -> Found:
    """Give what is neither well nor left out."""
    return {name: finding for name, finding in found.items() if finding.verdict not in {Verdict.OK, Verdict.SKIP}}
