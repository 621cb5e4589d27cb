"""What is sent to change an account."""

from __future__ import annotations

from typing import Any

from backup_repository.users.model import User

NEW_PASSWORD = "another battery staple!"


def edit_fields(user: User, **changes: Any) -> dict[str, Any]:
    """The smallest body that leaves an account as it is, changed as wanted; a change to `...` leaves the field out."""
    body: dict[str, Any] = {
        "permissions": sorted(user.permissions),
        "data": {},
        "organization": user.organization,
        "about": user.about,
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


def password_fields(current: str | None = None, *, new: str = NEW_PASSWORD) -> dict[str, str]:
    """The fields that change a password; the current one only when it is given."""
    fields = {"password": new, "repeatPassword": new}
    return fields if current is None else fields | {"currentPassword": current}
