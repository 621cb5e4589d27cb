"""The document that describes the API: whole, true to the routes, in itself consistent (contract 11, case 116)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator
from world.document import document, operations, validator
from world.sources import ROOT

from backup_repository.api.app import ROUTES
from backup_repository.api.codes import CODES

_C = "/api/stable/repository/collection"
ROUTES_OF_THE_CONTRACT = {
    "/api/stable/login_check": {"POST"},
    "/api/stable/auth/token": {"POST", "GET"},
    "/api/stable/auth/token/{tokenHash}": {"DELETE"},
    "/api/stable/auth/user": {"POST", "GET"},
    "/api/stable/auth/user/{userId}": {"GET", "PUT", "DELETE"},
    "/api/stable/auth/permissions": {"GET"},
    _C: {"POST", "PUT", "GET"},
    f"{_C}/{{id}}": {"GET", "DELETE"},
    f"{_C}/{{id}}/access": {"GET", "POST", "PUT"},
    f"{_C}/{{id}}/access/{{userId}}": {"DELETE"},
    f"{_C}/{{id}}/{{naming}}": {"POST", "GET"},
    f"{_C}/{{id}}/{{naming}}/{{versionId}}": {"GET", "DELETE"},
    "/api/stable/repository": {"GET"},
    "/api/stable/repository/file/{filename}": {"GET"},
    "/api/stable/version": {"GET"},
    "/api/stable/metrics": {"GET"},
    "/metrics/backup_repository_report/influxdb": {"GET"},
    "/metrics": {"GET"},
    "/health": {"GET"},
    "/": {"GET"},
    "/api/stable/doc.json": {"GET"},
    "/api/stable/doc": {"GET"},
    "/api/stable/audit": {"GET"},
}
"""Contract 2, in its order, with the metrics for Prometheus, and the audit log."""

CODE_ROW = re.compile(r"^\| (\d{5}) \| (\d{3}) \| [^|]+ \| [^|]+ \| ?`?([^|`]*?)`? ?\|$", re.MULTILINE)


def media(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Give each schema that has examples beside it, with each example."""
    if isinstance(node, list):
        for item in node:
            yield from media(item)
    if not isinstance(node, dict):
        return
    if "schema" in node:
        if "example" in node:
            yield node["schema"], node["example"]
        for example in node.get("examples", {}).values():
            yield node["schema"], resolved(example)["value"]
    for value in node.values():
        yield from media(value)


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    found: Any = node
    while "$ref" in found:
        path = found["$ref"].removeprefix("#/").split("/")
        found = document()
        for part in path:
            found = found[part]
    whole: dict[str, Any] = found
    return whole


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_the_document_is_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_the_document_has_exactly_the_routes_of_the_contract() -> None:
    """Case 116."""
    found: dict[str, set[str]] = {}
    for operation in operations():
        found.setdefault(operation.path, set()).add(operation.method)
    assert found == ROUTES_OF_THE_CONTRACT


def test_the_document_has_every_route_that_is_served() -> None:
    assert len(operations()) == sum(len(route.endpoints) for route in ROUTES)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation.id for operation in operations()]
    assert len(names) == len(set(names))
    assert {"logIn", "createUser", "uploadVersion", "grantAccess", "grantAccessWithPut"} <= set(names)


def test_who_may_call_is_described() -> None:
    public = {operation.id for operation in operations() if not operation.schemes}
    assert public == {"logIn", "showLandingPage", "showDocument", "showDocumentPage"}
    codes = {operation.path: operation.schemes for operation in operations() if operation.schemes - {"bearer"}}
    assert codes == {
        "/health": {"healthCode"},
        "/metrics/backup_repository_report/influxdb": {"metricsCode"},
        "/metrics": {"metricsCode", "metricsBearer"},
    }


def test_every_component_is_used_and_there() -> None:
    components = {
        f"#/components/{kind}/{name}"
        for kind, members in document()["components"].items()
        if kind != "securitySchemes"
        for name in members
    }
    assert references(document()) == components


def test_every_example_fits_its_schema() -> None:
    found = list(media(document()))
    assert len(found) > 100
    for schema, example in found:
        assert [error.message for error in validator(schema, exact=True).iter_errors(example)] == []


def test_the_codes_are_those_of_the_page_of_error_codes() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    usual = {400: "validation.error", 403: "request.auth-error", 429: "request.auth-error"}
    documented = {
        int(code): (int(status), kind or usual.get(int(status))) for code, status, kind in CODE_ROW.findall(page)
    }
    assert {code: (it.status, it.type) for code, it in CODES.items() if code >= 40000} == documented


def test_every_code_is_described_somewhere() -> None:
    in_fields = {code for operation in operations() for code in numbers(operation.details["responses"])}
    shared = numbers(document()["components"]["responses"])
    assert {code for code in CODES if code not in in_fields | shared} == set()


def numbers(node: Any) -> set[int]:
    """Collect the codes that schemas allow."""
    if isinstance(node, dict):
        return set(filter(is_number, node.get("enum", ()))).union(*map(numbers, node.values()), described_status(node))
    return set().union(*map(numbers, node)) if isinstance(node, list) else set()


def is_number(value: Any) -> bool:
    return isinstance(value, int)


def described_status(node: dict[str, Any]) -> set[int]:
    return {401} if node.get("$ref") == "#/components/schemas/Unauthenticated" else set()
