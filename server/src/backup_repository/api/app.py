"""The whole route table on one screen (contract 2)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from backup_repository.api import (
    audit,
    collections,
    errors,
    files,
    members,
    openapi,
    pages,
    permissions,
    sessions,
    system,
    users,
    versions,
)
from backup_repository.api.caller import (
    authenticated,
    public,
    scraping,
    with_health_code,
    with_metrics_code,
    writing,
)
from backup_repository.api.render import as_json
from backup_repository.api.request_log import RequestLog
from backup_repository.api.resource import Resource
from backup_repository.api.transport import Cut, KnownHosts, Linger
from backup_repository.errors import DomainError
from backup_repository.instance import Instance

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]
"""What runs around the serving of requests."""

_API = "/api/stable"
_COLLECTION = _API + "/repository/collection"
_VERSIONS = _COLLECTION + "/{collection_id}/{naming:naming}"

ROUTES = (
    Resource(_API + "/login_check", POST=public(sessions.log_in)),
    Resource(_API + "/auth/token", GET=authenticated(sessions.list_tokens), POST=writing(sessions.generate_token)),
    Resource(_API + "/auth/token/{token_hash}", DELETE=writing(sessions.revoke_token)),
    Resource(_API + "/auth/user", GET=authenticated(users.search_users), POST=writing(users.create_user)),
    Resource(
        _API + "/auth/user/{user_id}",
        GET=authenticated(users.look_up_user),
        PUT=writing(users.edit_user),
        DELETE=writing(users.delete_user),
    ),
    Resource(_API + "/auth/permissions", GET=authenticated(permissions.list_permissions)),
    Resource(
        _COLLECTION,
        GET=authenticated(collections.search_collections),
        POST=writing(collections.create_collection),
        PUT=writing(collections.edit_collection),
    ),
    Resource(
        _COLLECTION + "/{collection_id}",
        GET=authenticated(collections.view_collection),
        DELETE=writing(collections.delete_collection),
    ),
    Resource(
        _COLLECTION + "/{collection_id}/access",
        GET=authenticated(members.list_members),
        POST=writing(members.grant_access),
        PUT=writing(members.grant_access),
    ),
    Resource(_COLLECTION + "/{collection_id}/access/{user_id}", DELETE=writing(members.withdraw_access)),
    Resource(_VERSIONS, GET=authenticated(versions.list_versions), POST=writing(versions.upload_version)),
    Resource(
        _VERSIONS + "/{version_id}",
        GET=authenticated(versions.download_version),
        DELETE=writing(versions.delete_version),
    ),
    Resource(_API + "/repository", GET=authenticated(files.list_files)),
    Resource(_API + "/repository/file/{filename}", GET=authenticated(files.download_file)),
    Resource(_API + "/audit", GET=authenticated(audit.read_audit)),
    Resource(_API + "/version", GET=authenticated(system.show_version)),
    Resource(_API + "/metrics", GET=authenticated(system.report)),
    Resource("/health", GET=with_health_code(system.health)),
    Resource("/metrics", GET=scraping(system.prometheus_metrics)),
    Resource("/metrics/backup_repository_report/influxdb", GET=with_metrics_code(system.influxdb_report)),
    Resource("/", GET=public(pages.show_landing_page)),
    Resource(_API + "/doc.json", GET=public(pages.show_document)),
    Resource(_API + "/doc", GET=public(pages.show_document_page)),
)
"""Every path, and who may call which of its methods. HEAD comes with GET, OPTIONS with all."""


@functools.cache
def description() -> bytes:
    """Return the description of the API in OpenAPI, as it is served; made when it is asked for the first time."""
    return as_json(openapi.document(ROUTES))


def create_app(instance: Instance, lifespan: Lifespan) -> Starlette:
    """Build the HTTP application of an instance."""
    app = Starlette(
        routes=[resource.route() for resource in ROUTES],
        lifespan=lifespan,
        middleware=[
            Middleware(RequestLog, counters=instance.counters),
            Middleware(Cut),
            Middleware(KnownHosts, names=instance.config.trusted_hosts),
            Middleware(Linger),
        ],
        exception_handlers={
            DomainError: errors.domain_error,
            errors.ProtocolRefusal: errors.protocol_refusal,
            errors.RangeNotSatisfiable: errors.range_not_satisfiable,
            HTTPException: errors.http_error,
            Exception: errors.unexpected_error,
        },
    )
    app.router.redirect_slashes = False  # a trailing slash makes a different path (contract 1.1)
    app.state.instance = instance
    app.state.description = description
    return app
