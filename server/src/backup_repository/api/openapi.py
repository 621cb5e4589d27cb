"""The API's description in OpenAPI 3.1, made from the route table itself (contract 11, R30).

Paths, methods and who may call come from the routes; bodies from the forms that check them; the rest from what each
handler says of itself (`described.py`). HEAD, which comes with GET, and OPTIONS are not listed one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from backup_repository.api import schemas
from backup_repository.api.caller import Access, Endpoint
from backup_repository.api.described import JSON, Answer, Operation, Parameter, Tag, Upload
from backup_repository.api.form_schemas import components_of, field_codes
from backup_repository.api.refusals import NAMED, examples, headers, refusals
from backup_repository.api.render import JsonObject
from backup_repository.api.resource import NAMINGS, Resource
from backup_repository.api.shapes import Shape, one_of, text

_ABOUT = """\
A shared hosting for backups: stores finished, encrypted dumps and archives as numbered versions in collections.

- Bodies are JSON objects in UTF-8, whatever `Content-Type` says. Unknown keys and unknown query parameters are ignored.
- Where an integer is expected a string of digits is accepted; where an object is expected an empty list counts as `{}`.
  A text never contains U+0000.
- HEAD is offered wherever GET is, and sends the same headers without a body. OPTIONS answers 204 with `Allow`; any
  other method 405.
- Administrators hold every permission that an operation asks for.
- Judge a refusal by its status and its number, never by its text: texts may be improved.
- Every answer carries `X-Request-Id`, which the server's log repeats."""

_PARTS = {
    "token_hash": Parameter("tokenHash", "`token_hash` of the listing, or `current-session`", schemas.HASH_OR_SESSION),
    "user_id": Parameter("userId", "The id of an account", schemas.USER_ID),
    "collection_id": Parameter("id", "The id of a collection", schemas.UUID),
    "naming": Parameter("naming", "All four mean the same", one_of(*NAMINGS)),
    "version_id": Parameter(
        "versionId", "`latest`, `recent`, `first`, a number as `v3`, or an id", text("latest", minLength=1)
    ),
    "filename": Parameter("filename", "`filename` of a stored file", text("0a1b2c3d4e-db.tar-v1.gz", minLength=1)),
}
"""The variable parts of paths, by their names in the route table."""
_PART = re.compile(r"{(\w+)(?::\w+)?}")

_EVERYBODY = (400, 500, 503)
_BEARERS = (*_EVERYBODY, 401, 40322, 40323, 40324)
_COMMON: Mapping[Access, tuple[int, ...]] = {
    Access.PUBLIC: _EVERYBODY,
    Access.AUTHENTICATED: _BEARERS,
    Access.WRITING: (*_BEARERS, 42005),
    Access.HEALTH_CODE: (*_EVERYBODY, 403),
    Access.METRICS_CODE: (*_EVERYBODY, 403),
    Access.SCRAPING: (*_EVERYBODY, 403),
}
"""What everything refuses with that is called by these callers."""
_OF_JSON_BODIES = (50000, 408, 413)
_WRONG_TYPE = 50002

_SECURITY: Mapping[Access, list[JsonObject]] = {
    Access.PUBLIC: [],
    Access.AUTHENTICATED: [{"bearer": []}],
    Access.WRITING: [{"bearer": []}],
    Access.HEALTH_CODE: [{"healthCode": []}],
    Access.METRICS_CODE: [{"metricsCode": []}],
    Access.SCRAPING: [{"metricsBearer": []}, {"metricsCode": []}],
}
_SCHEMES: JsonObject = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A login session or a generated token",
    },
    "healthCode": {"type": "apiKey", "in": "query", "name": "code", "description": "`HEALTH_CHECK_CODE`"},
    "metricsCode": {"type": "apiKey", "in": "query", "name": "code", "description": "`METRICS_CODE`"},
    "metricsBearer": {"type": "http", "scheme": "bearer", "description": "`METRICS_CODE`, as a bearer"},
}


def document(resources: Iterable[Resource]) -> JsonObject:
    """Describe these paths. The same routes give the same document, key for key."""
    named: dict[str, JsonObject] = {**NAMED, **schemas.PERMISSION.named}
    codes: set[int] = set()
    names: set[str] = set()
    paths: dict[str, JsonObject] = {}
    shared: dict[str, JsonObject] = {}
    for resource in resources:
        item = paths[_path(resource)] = _path_item(resource)
        for method, endpoint in resource.endpoints.items():
            name = _operation_id(endpoint.name, method, names)
            item[method.lower()] = _operation(name, endpoint, shared)
            named |= _components(endpoint.operation)
            codes |= _codes(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Backup Repository",
            "version": "stable",
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag.value} for tag in Tag],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(named.items())),
            "responses": dict(sorted(shared.items())),
            "examples": examples(codes),
            "securitySchemes": _SCHEMES,
        },
    }


def _path(resource: Resource) -> str:
    return _PART.sub(lambda part: f"{{{_PARTS[part[1]].name}}}", resource.path)


def _path_item(resource: Resource) -> JsonObject:
    parts = [_parameter(_PARTS[name], "path") for name in _PART.findall(resource.path)]
    return {"parameters": parts} if parts else {}


def _operation_id(name: str, method: str, taken: set[str]) -> str:
    """Make an id of a handler's name, apart from the others: `grantAccess`, `grantAccessWithPut`."""
    first, *words = name.split("_")
    identifier = first + "".join(map(str.capitalize, words))
    if identifier in taken:
        identifier += f"With{method.capitalize()}"
    taken.add(identifier)
    return identifier


def _operation(name: str, endpoint: Endpoint, shared: dict[str, JsonObject]) -> JsonObject:
    operation = endpoint.operation
    parameters = [_parameter(parameter, "query") for parameter in operation.query]
    parameters += [_parameter(parameter, "header") for parameter in operation.headers]
    sentences = [f"Permission: {operation.needs}." if operation.needs else "", operation.details]
    described: JsonObject = {
        "operationId": name,
        "tags": [operation.tag.value],
        "summary": operation.summary,
        "description": "\n\n".join(filter(None, sentences)),
        "security": _SECURITY[endpoint.access],
        "parameters": parameters,
        "requestBody": _body(operation),
        "responses": _responses(endpoint, shared),
    }
    return {key: value for key, value in described.items() if value or key == "security"}


def _parameter(parameter: Parameter, place: str) -> JsonObject:
    described = {
        "name": parameter.name,
        "in": place,
        "required": place == "path",
        "description": parameter.meaning,
        "schema": parameter.shape.schema,
    }
    return described | ({"example": parameter.shape.example} if parameter.shape.example else {})


def _body(operation: Operation) -> JsonObject:
    body = operation.body
    if body is None:
        return {}
    if isinstance(body, Upload):
        part = {"type": "object", "properties": {"file": {"contentMediaType": "application/octet-stream"}}}
        content = {"application/octet-stream": {}, "multipart/form-data": {"schema": {**part, "required": ["file"]}}}
        return {"required": True, "description": body.meaning, "content": content}
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {"required": True, "content": {JSON: {"schema": schema, "example": body.example}}}


def _codes(endpoint: Endpoint) -> set[int]:
    operation = endpoint.operation
    of_the_body = _OF_JSON_BODIES if isinstance(operation.body, type) else ()
    return {*_COMMON[endpoint.access], *operation.codes, *of_the_body}


def _fields(operation: Operation) -> dict[str, tuple[int, ...]]:
    """Collect what may be wrong with which field, of the body and of the query."""
    fields = field_codes(operation.body) if isinstance(operation.body, type) else {}
    for parameter in operation.query:
        if parameter.codes:
            name = parameter.reported_as or parameter.name
            fields[name] = (*fields.get(name, ()), *parameter.codes)
            fields[parameter.name] = (*fields.get(parameter.name, ()), _WRONG_TYPE)
    return fields


def _responses(endpoint: Endpoint, shared: dict[str, JsonObject]) -> JsonObject:
    """Describe every answer; refusals that judge no field stand among the components, where operations share them."""
    described = {str(status): _response(answer) for status, answer in endpoint.operation.answers.items()}
    for refused in refusals(_codes(endpoint), _fields(endpoint.operation)):
        status = str(refused.status)
        if status in described:
            described[status] = _either(described[status], refused.response())
        elif refused.fields:
            described[status] = refused.response()
        else:
            shared[refused.name] = refused.response()
            described[status] = {"$ref": f"#/components/responses/{refused.name}"}
    return dict(sorted(described.items()))


def _response(answer: Answer) -> JsonObject:
    content = {media_type: _media(shape) for media_type, shape in answer.content.items()}
    response = {"description": answer.meaning, "headers": headers(answer.headers), "content": content}
    return {key: value for key, value in response.items() if value}


def _media(shape: Shape) -> JsonObject:
    return {"schema": shape.schema, "example": shape.example} if shape.schema else {}


def _either(answer: JsonObject, refusal: JsonObject) -> JsonObject:
    """Describe a status that may be an answer or a refusal, as the health route's 503."""
    media, other = answer["content"][JSON], refusal["content"][JSON]
    shown = {"answer": {"value": media["example"]}, **other["examples"]}
    content = {JSON: {"schema": {"anyOf": [media["schema"], other["schema"]]}, "examples": shown}}
    return {"description": f"{answer['description']}. {refusal['description']}", "content": content}


def _components(operation: Operation) -> dict[str, JsonObject]:
    named = components_of(operation.body) if isinstance(operation.body, type) else {}
    for shape in _shapes(operation):
        named |= shape.named
    return named


def _shapes(operation: Operation) -> Iterator[Shape]:
    for answer in operation.answers.values():
        yield from answer.content.values()
