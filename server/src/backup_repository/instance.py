"""One running instance: its settings and every job, wired by `main.py` and handed to the entrances."""

from __future__ import annotations

from dataclasses import dataclass

from backup_repository.access.accounts import Accounts
from backup_repository.access.audit import Audit
from backup_repository.access.collections import Collections
from backup_repository.access.first_run import FirstRun
from backup_repository.access.members import Members
from backup_repository.access.profile import Profiles
from backup_repository.access.sessions import Sessions
from backup_repository.access.tokens import Tokens
from backup_repository.access.upload_tokens import UploadTokens
from backup_repository.clock import Clock
from backup_repository.config.model import Config
from backup_repository.database.engine import Database
from backup_repository.health.check import Health
from backup_repository.health.report import Report
from backup_repository.health.running import RunningUploads
from backup_repository.health.scrape import Scrape
from backup_repository.health.survey import Surveys
from backup_repository.metrics.counters import Counters
from backup_repository.versions.check import Check
from backup_repository.versions.download import Downloads
from backup_repository.versions.files import Files
from backup_repository.versions.landing import LandingDirectory
from backup_repository.versions.remove import Removals
from backup_repository.versions.sweep import Sweep
from backup_repository.versions.upload import Uploads


@dataclass(frozen=True, slots=True)
class Instance:
    """Everything the entrances (`api`, `web`, `cli`) may call."""

    config: Config
    clock: Clock
    database: Database
    sessions: Sessions
    tokens: Tokens
    upload_tokens: UploadTokens
    accounts: Accounts
    profiles: Profiles
    collections: Collections
    members: Members
    audit: Audit
    first_run: FirstRun
    uploads: Uploads
    downloads: Downloads
    files: Files
    removals: Removals
    landing: LandingDirectory
    sweep: Sweep
    check: Check
    health: Health
    report: Report
    counters: Counters
    scrape: Scrape
    surveys: Surveys
    running: RunningUploads
