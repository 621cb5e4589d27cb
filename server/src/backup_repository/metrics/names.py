"""Every number the server reports, named in one list (contract 10.3; `docs/reference/metrics.md` explains them).

Names of Prometheus follow its conventions: base units, `_total` for what only grows, the product's name in front.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Numbers(Protocol):
    """What the names below stand for; sizes in bytes."""

    @property
    def declared_space(self) -> int:
        """Sum of the collections' maximum sizes; unlimited ones count 0."""

    @property
    def used_space(self) -> int:
        """Sum of all version sizes."""

    @property
    def active_accounts(self) -> int:
        """Accounts that are active and not expired."""

    @property
    def active_tokens(self) -> int:
        """Recorded tokens that are active and not expired."""

    @property
    def versions(self) -> int:
        """Stored versions."""

    @property
    def collections(self) -> int:
        """Collections."""

    @property
    def tags(self) -> int:
        """Distinct tags on stored versions."""


def influxdb_fields(numbers: Numbers) -> dict[str, int]:
    """Return the fields of the InfluxDB line, in their order."""
    return {
        "storage_declared_space": numbers.declared_space,
        "storage_used_space": numbers.used_space,
        "users_active_accounts": numbers.active_accounts,
        "users_active_jwt_keys": numbers.active_tokens,
        "backup_versions": numbers.versions,
        "backup_collections": numbers.collections,
        "resources_tags": numbers.tags,
    }


class Type(StrEnum):
    """What Prometheus calls the kinds of metrics."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as Prometheus sees it."""

    name: str
    type: Type
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, without the last one, which is infinite."""
    known: tuple[tuple[str, ...], ...] = ()
    """Label values that stand there from the start, as 0, so that the first event is seen as an increase."""
    newest: bool = False
    """A gauge of which the largest value counts where several processes have one; of others the sum."""


_OURS = "backup_repository_"
_SECONDS = (0.005, 0.025, 0.1, 0.5, 1, 5, 30, 120, 600, 3600)
_UPLOAD_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400)
_UPLOAD_BYTES = (1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 3e10, 1e11)


def _counter(name: str, text: str, *labels: str, known: tuple[tuple[str, ...], ...] = ()) -> Metric:
    return Metric(_OURS + name, Type.COUNTER, text, labels, known=known or (() if labels else ((),)))


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(_OURS + name, Type.GAUGE, text, labels)


REQUESTS = _counter("http_requests_total", "Answered requests.", "method", "route", "status")
REQUEST_SECONDS = Metric(
    f"{_OURS}http_request_duration_seconds",
    Type.HISTOGRAM,
    "From the head of a request to the end of its answer.",
    ("route",),
    bounds=_SECONDS,
)
RECEIVED = _counter("http_received_bytes_total", "Bytes of bodies that the server has read from connections.")
SENT = _counter("http_sent_bytes_total", "Bytes of bodies that the server has written to connections.")

UPLOAD_OUTCOMES = ("stored", "refused", "broken", "failed")
"""The version is there; a rule is against it; its bytes are not usable; the server could not."""
_ENDED_WITH = {
    "stored": ("",),
    "refused": ("404", "40109", "40308", "40324", "41010", "41011", "41012"),
    "broken": ("400", "408", "417", "42008", "42009", "42023", "42024"),
    "failed": ("500", "503", "42001", "42003", "42004", "42013"),
}
UPLOADS = _counter(
    "uploads_total",
    "Uploads that ended, by how and with which error code.",
    *("outcome", "code"),
    known=tuple((outcome, code) for outcome in UPLOAD_OUTCOMES for code in _ENDED_WITH[outcome]),
)
UPLOAD_SECONDS = Metric(
    f"{_OURS}upload_duration_seconds", Type.HISTOGRAM, "How long stored uploads took.", bounds=_UPLOAD_SECONDS
)
UPLOAD_BYTES = Metric(
    f"{_OURS}upload_size_bytes", Type.HISTOGRAM, "How large stored uploads were.", bounds=_UPLOAD_BYTES
)
UPLOADS_RUNNING = Metric(f"{_OURS}uploads_in_progress", Type.GAUGE, "Uploads that have not ended.", known=((),))

LOG_INS = _counter(
    "logins_total",
    "Log-ins by how they ended.",
    "outcome",
    known=(("accepted",), ("failed",), ("refused",), ("throttled",), ("error",)),
)

SWEEP_LAST_RUN = Metric(
    f"{_OURS}sweep_last_run_timestamp_seconds", Type.GAUGE, "When the sweep last reached its end.", newest=True
)
SWEEP_REMOVED = _counter(
    "sweep_removed_blobs_total", "Blobs the sweep has removed.", "kind", known=(("retired",), ("orphaned",))
)
SWEEP_ERRORS = _counter("sweep_errors_total", "Sweeps that stopped early.")

STORAGE_ERRORS = _counter(
    "storage_errors_total",
    "Failures of the storage, by error code.",
    "code",
    known=(("42001",), ("42002",), ("42003",), ("42004",), ("42013",)),
)
DATABASE_ERRORS = _counter("database_errors_total", "Times the database was out of reach.")

COUNTED = (
    *(REQUESTS, REQUEST_SECONDS, RECEIVED, SENT),
    *(UPLOADS, UPLOAD_SECONDS, UPLOAD_BYTES, UPLOADS_RUNNING),
    *(LOG_INS, SWEEP_LAST_RUN, SWEEP_REMOVED, SWEEP_ERRORS, STORAGE_ERRORS, DATABASE_ERRORS),
)
"""What processes count while they serve."""

BUILD = _gauge("build_info", "1, with what runs.", "version", "db_type", "python")
DATABASE_UP = _gauge("database_up", "1 when the database answered this scrape, else 0.")
STORAGE_BYTES = _gauge("storage_size_bytes", "Size of the file system of a local storage.")
STORAGE_FREE = _gauge("storage_free_bytes", "What is free of it.")

COLLECTION_SUCCESS = _gauge(
    "collection_last_success_timestamp_seconds",
    "When the newest version of a collection was stored.",
    "collection",
    "filename",
)
COLLECTION_BYTES = _gauge("collection_size_bytes", "Size of a collection's versions.", "collection", "filename")
COLLECTION_VERSIONS = _gauge("collection_versions", "Stored versions of a collection.", "collection", "filename")
COLLECTIONS_LEFT_OUT = _gauge(
    "collections_left_out", "Collections without series of their own here, because others need more attention."
)

_REPORTED = {
    _gauge("declared_space_bytes", "Sum of the collections' maximum sizes."): "storage_declared_space",
    _gauge("used_space_bytes", "Sum of all version sizes."): "storage_used_space",
    _gauge("active_accounts", "Accounts that are active and not expired."): "users_active_accounts",
    _gauge("active_tokens", "Recorded tokens that are active and not expired."): "users_active_jwt_keys",
    _gauge("versions", "Stored versions."): "backup_versions",
    _gauge("collections", "Collections."): "backup_collections",
    _gauge("tags", "Distinct tags on stored versions."): "resources_tags",
}
"""The numbers of the InfluxDB line, by what Prometheus calls them."""

PROCESS = (
    Metric("process_cpu_seconds_total", Type.COUNTER, "CPU time of the server's processes."),
    Metric("process_resident_memory_bytes", Type.GAUGE, "Resident memory of the server's processes."),
    Metric("process_virtual_memory_bytes", Type.GAUGE, "Virtual memory of the server's processes."),
    Metric("process_open_fds", Type.GAUGE, "Open files of the server's processes."),
    Metric("process_max_fds", Type.GAUGE, "How many files the server's processes may open."),
    Metric("process_start_time_seconds", Type.GAUGE, "When the oldest of the server's processes started."),
)

METRICS = (
    *COUNTED,
    *(COLLECTION_SUCCESS, COLLECTION_BYTES, COLLECTION_VERSIONS, COLLECTIONS_LEFT_OUT),
    *_REPORTED,
    *(BUILD, DATABASE_UP, STORAGE_BYTES, STORAGE_FREE),
    *PROCESS,
)
"""All of them, in the order in which they are shown."""


def gauges(numbers: Numbers) -> dict[Metric, int]:
    """Return the numbers of the InfluxDB line as Prometheus names them."""
    fields = influxdb_fields(numbers)
    return {metric: fields[field] for metric, field in _REPORTED.items()}
