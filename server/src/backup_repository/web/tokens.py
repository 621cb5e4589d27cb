"""`/security/access-tokens`: list, generate, revoke (contract B 5)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from backup_repository.access.decide import Action, may_list_tokens, may_revoke, require
from backup_repository.access.model import Permission, Token
from backup_repository.access.tokens import TokenPage, check_description, check_lifetime
from backup_repository.errors import DomainError, FieldError, InvalidFields
from backup_repository.users.model import User
from backup_repository.web.body import Fields
from backup_repository.web.collection_forms import note, read_integer
from backup_repository.web.notices import OK, Notice, Said, ends_session, explained, field_problems, status_of
from backup_repository.web.paging import PAGE_SIZE, Paging
from backup_repository.web.users import own_choices
from backup_repository.web.visit import SignedIn

_HOUR, _DAY = 3600, 86_400
LIFETIMES: tuple[tuple[str, tuple[tuple[int, str], ...]], ...] = (
    ("Hours", tuple((hours * _HOUR, f"+{hours} hour{'s' * (hours > 1)}") for hours in (1, 2, 4, 8, 12, 24))),
    ("Days", tuple((days * _DAY, f"+{days} day{'s' * (days > 1)}") for days in (1, 3, 7, 14, 30, 60, 90))),
    (
        "Months of 30 days",
        tuple(
            (months * 30 * _DAY, f"+{months} month{'s' * (months > 1)}")
            for months in (1, 2, 3, 6, 9, 12, 18, 24, 36, 60, 120)
        ),
    ),
)
"""What the form offers: seconds and words (contract B 5)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One granted access."""

    token: Token
    valid: bool
    may_revoke: bool


async def list_tokens(visit: SignedIn) -> Response:
    """List the tokens of the own account, or of the one that the address names."""
    return await _show(visit)


async def generate_token(visit: SignedIn, fields: Fields) -> Response:
    """Make a token and show it, once."""
    problems: dict[str, FieldError] = {}
    try:
        require(visit.actor, Action.GENERATE_TOKEN)
        lifetime = read_integer(fields, "ttl", check_lifetime, problems)
        description = fields.text("description")
        note(problems, "description", check_description(description))
        if problems:
            raise InvalidFields(problems)
        text = await visit.instance.tokens.generate(
            visit.actor, fields.every("permissions"), lifetime=lifetime, description=description
        )
    except DomainError as error:
        if ends_session(error):
            raise
        return await _show(visit, error=error, fields=fields)
    return await _show(visit, generated=text)


async def revoke_token(visit: SignedIn, fields: Fields) -> Response:
    """Revoke a token; the session's own one leads back to Login with the server's text."""
    try:
        await visit.instance.tokens.revoke(visit.actor, visit.path("token_hash"))
    except DomainError as error:
        if ends_session(error):
            raise
        return await _show(visit, error=error)
    return visit.go("/security/access-tokens", Said.TOKEN_REVOKED, user=fields.text("user"))


async def _show(
    visit: SignedIn, *, generated: str = "", error: DomainError | None = None, fields: Fields | None = None
) -> Response:
    owner = visit.query("user") or visit.actor.user.id
    paging = Paging.read(visit.query("page"))
    lists = may_list_tokens(visit.actor, owner.lower())
    if not lists and (visit.query("user") or not visit.may(Action.GENERATE_TOKEN)):
        visit.instance.tokens.require_listing(visit.actor, owner)
    page = TokenPage((), 0)
    if lists:
        page = await visit.instance.tokens.page(visit.actor, owner, offset=paging.offset, limit=PAGE_SIZE)
    account = await _account(visit, owner)
    administrator = account is None or Permission.ADMINISTRATOR.value in account.permissions
    notices = (Notice(OK, Said.TOKEN_GENERATED),) if generated else ()
    writable = not visit.instance.config.read_only
    own = owner.lower() == visit.actor.user.id
    return visit.page(
        "tokens.html",
        status=status_of(error) if error else 200,
        notices=(*notices, *([explained(error)] if error else [])),
        generated=generated,
        rows=_rows(visit, page, owner_is_administrator=administrator),
        listed=lists,
        paging=paging.of(page.total),
        account=account.email if account else owner,
        current=visit.actor.token.token_hash,
        owner=owner,
        own=own,
        lifetimes=LIFETIMES,
        choices=own_choices(visit, await visit.instance.tokens.owned(visit.actor)),
        may_generate=visit.may(Action.GENERATE_TOKEN) and own and writable,
        writable=writable,
        typed=fields or Fields(),
        problems=field_problems(error),
    )


def _rows(visit: SignedIn, page: TokenPage, *, owner_is_administrator: bool) -> tuple[Row, ...]:
    now = visit.instance.clock()
    return tuple(
        Row(
            token,
            token.active and token.expires_at > now,
            may_revoke(visit.actor, token, owner_is_administrator=owner_is_administrator),
        )
        for token in page.tokens
    )


async def _account(visit: SignedIn, owner: str) -> User | None:
    """Return the account whose tokens are shown; None for who may not look accounts up."""
    if owner.lower() == visit.actor.user.id:
        return visit.actor.user
    if not visit.may(Action.LOOK_UP_USER):
        return None
    return await visit.instance.accounts.look_up(visit.actor, owner)
