"""What is sent to create and to change an account (contract 5.2, 5.6)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema

from backup_repository.access.model import Permission
from backup_repository.api.body import Form
from backup_repository.api.fields import (
    CHOSEN_ID,
    INTEGER,
    OPTIONAL_TEXT,
    PERMISSIONS,
    TEXT,
    TEXTS,
    JsonSchema,
    OptionalText,
    Texts,
    broken,
    checked_integer,
    checked_text,
    checked_texts,
    is_text,
    optional_text,
    required_text,
    shown,
    wrong_type,
)
from backup_repository.errors import FieldError
from backup_repository.users.expiry import parse_expiry
from backup_repository.users.rules import (
    ABOUT_MAX_LENGTH,
    EMAIL_MAX_LENGTH,
    ORGANIZATION_MAX_LENGTH,
    PASSWORD_MAX_LENGTH,
    PASSWORD_MIN_LENGTH,
    TAG_MAX_LENGTH,
    check_about,
    check_addresses,
    check_email,
    check_max_file_size,
    check_organization,
    check_password,
    check_tags,
    check_user_id,
)

_EMPTY_LIST: JsonSchema = {"type": "array", "maxItems": 0}
_PASSWORD_RULES = (
    f"{PASSWORD_MIN_LENGTH} to {PASSWORD_MAX_LENGTH} characters, a special one among them, no white space at the ends"
)
_PASSWORD_CODES = (40006, 40007, 40008, 40009)

_TAGS = shown(
    {**TEXTS, "items": {**TEXT, "minLength": 1, "maxLength": TAG_MAX_LENGTH}},
    "Labels that uploads may be made to carry",
)
_MAX_FILE_SIZE = shown(
    {**INTEGER, "type": [*INTEGER["type"], "null"]}, "Largest upload in bytes; 0: unlimited", 42016, minimum=0
)
_ADDRESSES = shown(TEXTS, "Addresses and networks the account may come from; empty: any")
_USER_AGENTS = shown(TEXTS, "Values of `User-Agent` the account may send; empty: any")
_PERMISSIONS = shown(PERMISSIONS, "What the account may do; any other name is 40010")
_EXPIRES = shown(OPTIONAL_TEXT, "`never`, a date, or a step such as `+1 year`; absent: never", 41014)
_OPTIONAL_PASSWORD = shown(
    {**OPTIONAL_TEXT, "pattern": rf"^$|^[\s\S]{{{PASSWORD_MIN_LENGTH},{PASSWORD_MAX_LENGTH}}}$"},
    f"Empty: unchanged; {_PASSWORD_RULES}",
    *_PASSWORD_CODES,
)


def _expiry(value: object, info: ValidationInfo) -> datetime | None:
    """Read `expires` (contract 5.8)."""
    try:
        if value is None or (isinstance(value, str) and is_text(value)):
            return parse_expiry(value, (info.context or {})["now"])
    except ValueError:
        pass
    raise broken(FieldError("The expiration date is not understood, expected for example 2031-05-01 or +1 year", 41014))


def _active(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, bool):
        raise wrong_type("true or false")
    return value


def _chosen_id(value: object) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not is_text(value):
        raise wrong_type("a text")
    problem = check_user_id(value)
    if problem is not None:
        raise broken(problem)
    return value.lower()


class UserData(Form):
    """`data` of R5 and R8."""

    tags: Annotated[tuple[str, ...], checked_texts(check_tags), _TAGS] = ()
    max_allowed_file_size: Annotated[int, checked_integer(check_max_file_size, null_is=0), _MAX_FILE_SIZE] = 0
    allowed_ip_addresses: Annotated[tuple[str, ...], checked_texts(check_addresses), _ADDRESSES] = ()
    allowed_user_agents: Annotated[Texts, _USER_AGENTS] = ()


class UserForm(Form):
    """Body of R5."""

    reported_as: ClassVar[dict[str, str]] = {"expires": "expirationDate"}
    example: ClassVar[dict[str, Any]] = {
        "email": "alice@example.org",
        "password": "correct horse battery!",
        "permissions": [Permission.ROLE_USER.value, Permission.UPLOAD_ALL.value],
        "data": {"tags": ["nightly"], "maxAllowedFileSize": 0, "allowedIpAddresses": [], "allowedUserAgents": []},
        "organization": "Example collective",
        "about": "Backs up the wiki",
        "expires": "+10 years",
    }

    email: Annotated[
        str,
        checked_text(check_email),
        Field(validate_default=True),
        shown(TEXT, "The account logs in with it", 40005, maxLength=EMAIL_MAX_LENGTH, pattern="^[!-?A-~]+@[^@]+$"),
    ] = None  # type: ignore[assignment] # missing is 40005
    password: Annotated[
        str,
        checked_text(check_password),
        Field(validate_default=True),
        shown(TEXT, _PASSWORD_RULES, *_PASSWORD_CODES, minLength=PASSWORD_MIN_LENGTH, maxLength=PASSWORD_MAX_LENGTH),
    ] = None  # type: ignore[assignment] # missing is 40006
    permissions: Annotated[Texts, _PERMISSIONS]
    data: Annotated[
        UserData,
        BeforeValidator(
            lambda value: {} if value == [] else value,
            json_schema_input_type=UserData | Annotated[list[Any], WithJsonSchema(_EMPTY_LIST)],
        ),
    ]
    organization: Annotated[
        str,
        optional_text(check_organization),
        shown(OPTIONAL_TEXT, "Whose account it is", 40003, maxLength=ORGANIZATION_MAX_LENGTH),
    ] = ""
    about: Annotated[
        str,
        optional_text(check_about),
        shown(OPTIONAL_TEXT, "What it is for", 40003, maxLength=ABOUT_MAX_LENGTH),
    ] = ""
    expires: Annotated[datetime | None, PlainValidator(_expiry), _EXPIRES] = None
    active: Annotated[
        bool, PlainValidator(_active), shown({"type": ["boolean", "null"]}, "Whether it may be used; absent: yes")
    ] = True
    id: Annotated[
        str | None,
        PlainValidator(_chosen_id),
        shown(CHOSEN_ID, "Choose the id; a taken id or e-mail is reported here", 40021, 40001),
    ] = None


class EditedData(Form):
    """`data` of R8; what is left out is told apart from what is empty."""

    tags: Annotated[Annotated[tuple[str, ...], checked_texts(check_tags)] | None, _TAGS] = None
    max_allowed_file_size: Annotated[
        Annotated[int, checked_integer(check_max_file_size, null_is=0)] | None, _MAX_FILE_SIZE
    ] = None
    allowed_ip_addresses: Annotated[Annotated[tuple[str, ...], checked_texts(check_addresses)] | None, _ADDRESSES] = (
        None
    )
    allowed_user_agents: Annotated[Texts | None, _USER_AGENTS] = None


def _optional_password(value: object) -> str:
    if value is None or value == "":
        return ""
    text = value if isinstance(value, str) and is_text(value) else None
    if text is None:
        raise wrong_type("a text")
    problem = check_password(text)
    if problem is not None:
        raise broken(problem)
    return text


class EditForm(Form):
    """Body of R8."""

    reported_as: ClassVar[dict[str, str]] = {"expires": "expirationDate", "repeatPassword": "password"}
    example: ClassVar[dict[str, Any]] = {
        "permissions": [Permission.ROLE_USER.value, Permission.UPLOAD_ALL.value],
        "data": {},
        "organization": "Example collective",
        "about": "Backs up the wiki and the forum",
    }

    permissions: Annotated[Texts, _PERMISSIONS]
    data: Annotated[
        EditedData,
        BeforeValidator(
            lambda value: {} if value == [] else value,
            json_schema_input_type=EditedData | Annotated[list[Any], WithJsonSchema(_EMPTY_LIST)],
        ),
    ]
    organization: Annotated[
        str,
        required_text(check_organization),
        shown(TEXT, "Whose account it is", 40003, maxLength=ORGANIZATION_MAX_LENGTH),
    ]
    about: Annotated[str, required_text(check_about), shown(TEXT, "What it is for", 40003, maxLength=ABOUT_MAX_LENGTH)]
    expires: Annotated[datetime | None, PlainValidator(_expiry), _EXPIRES] = None
    active: Annotated[
        bool | None,
        PlainValidator(lambda value: None if value is None else _active(value)),
        shown({"type": ["boolean", "null"]}, "Whether it may be used; absent: unchanged"),
    ] = None
    password: Annotated[str, PlainValidator(_optional_password), _OPTIONAL_PASSWORD] = ""
    repeat_password: Annotated[str, PlainValidator(_optional_password), _OPTIONAL_PASSWORD] = ""
    current_password: Annotated[
        OptionalText, shown(OPTIONAL_TEXT, "The present password; only administrators may leave it out")
    ] = ""
