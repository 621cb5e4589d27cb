"""Every act that contract 12 names leaves an entry that says who, from where, what, to what, how it ended, and when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from world.accounts import edit_fields, password_fields
from world.client import ADDRESS, API, COLLECTIONS, LOGIN, PASSWORD, TOKENS, USERS, Client, Served, user_fields

from backup_repository.access.accounts import NewAccount
from backup_repository.access.collections import Details
from backup_repository.access.settings import record_settings
from backup_repository.access.throttle import LIMIT
from backup_repository.audit.model import Event
from backup_repository.collections.model import Limits, Strategy

AUDIT = f"{API}/audit"
WRONG = "a wrong password!"
SYSTEM, CONSOLE = "system", "console"
NEW = "a brand new password!"


@dataclass(frozen=True, slots=True)
class Scene:
    """Who acts, and on what."""

    served: Served
    admin: Client
    alice: Client
    collection: dict[str, Any]

    @property
    def path(self) -> str:
        return f"{COLLECTIONS}/{self.collection['id']}"

    async def newest_version(self) -> str:
        version: str = (await self.admin.get(f"{self.path}/versions")).json()["versions"].popitem()[1]["details"]["id"]
        return version


@dataclass(frozen=True, slots=True)
class Expected:
    """What an entry says; its action and its time are the same for all."""

    actor: str
    target: str
    result: str = "ok"
    detail: str = ""
    """A part of it."""
    address: str = ADDRESS


Act: TypeAlias = Callable[[Scene], Awaitable[Expected]]


async def log_in(scene: Scene) -> Expected:
    await scene.served.guest().log_in(scene.alice.email)
    return Expected(scene.alice.id, scene.alice.id, detail="...")


async def fail_to_log_in(scene: Scene) -> Expected:
    await scene.served.guest().post(LOGIN, json={"username": scene.alice.email, "password": WRONG})
    return Expected("", scene.alice.id, "401")


async def fail_to_log_in_as_nobody(scene: Scene) -> Expected:
    await scene.served.guest().post(LOGIN, json={"username": "nobody@example.org", "password": WRONG})
    return Expected("", "nobody@example.org", "401")


async def fail_to_change_the_password(scene: Scene) -> Expected:
    assert scene.alice.user is not None
    body = edit_fields(scene.alice.user) | password_fields(WRONG)
    assert (await scene.alice.put(f"{USERS}/{scene.alice.id}", json=body)).json()["code"] == 40319
    return Expected(scene.alice.id, scene.alice.id, "40319")


async def be_throttled(scene: Scene) -> Expected:
    for _ in range(LIMIT + 1):
        await scene.served.guest().post(LOGIN, json={"username": scene.alice.email, "password": WRONG})
    return Expected("", scene.alice.id, "40325")


async def be_throttled_with_a_session(scene: Scene) -> Expected:
    for _ in range(LIMIT):
        await fail_to_change_the_password(scene)
    assert scene.alice.user is not None
    body = edit_fields(scene.alice.user) | password_fields(PASSWORD)
    assert (await scene.alice.put(f"{USERS}/{scene.alice.id}", json=body)).status_code == 429
    return Expected(scene.alice.id, scene.alice.id, "40325")


async def come_with_an_inactive_account(scene: Scene) -> Expected:
    assert scene.alice.user is not None
    await scene.served.change_user(scene.alice.user, active=False)
    await scene.alice.get(TOKENS)
    return Expected(scene.alice.id, scene.alice.id, "40322")


async def log_in_to_an_inactive_account(scene: Scene) -> Expected:
    assert scene.alice.user is not None
    await scene.served.change_user(scene.alice.user, active=False)
    await scene.served.guest().post(LOGIN, json={"username": scene.alice.email, "password": PASSWORD})
    return Expected(scene.alice.id, scene.alice.id, "40322")


async def come_from_elsewhere(scene: Scene) -> Expected:
    assert scene.alice.user is not None
    await scene.served.change_user(scene.alice.user, allowed_ip_addresses=("192.0.2.1",))
    await scene.alice.get(TOKENS)
    return Expected(scene.alice.id, scene.alice.id, "40323")


async def come_with_a_revoked_token(scene: Scene) -> Expected:
    await scene.alice.delete(f"{TOKENS}/current-session")
    await scene.alice.get(TOKENS)
    return Expected(scene.alice.id, scene.alice.id, "40324")


async def generate_a_token(scene: Scene) -> Expected:
    await scene.alice.generate("upload.all")
    newest = (await scene.alice.get(TOKENS)).json()["data"][0]
    return Expected(scene.alice.id, newest["event_id"], detail=newest["token_shortcut"])


async def revoke_a_token(scene: Scene) -> Expected:
    token = (await scene.alice.get(TOKENS)).json()["data"][0]
    await scene.admin.delete(f"{TOKENS}/{token['token_hash']}")
    return Expected(scene.admin.id, token["event_id"], detail=f"{token['token_shortcut']} of {scene.alice.id}")


async def revoke_tokens_by_the_console(scene: Scene) -> Expected:
    token = (await scene.alice.get(TOKENS)).json()["data"][0]
    await scene.served.instance.profiles.reset_password(scene.alice.id, NEW, keep_sessions=False)
    return Expected(SYSTEM, token["event_id"], detail=f"{token['token_shortcut']} of {scene.alice.id}", address=CONSOLE)


async def create_a_user(scene: Scene) -> Expected:
    created = (await scene.admin.post(USERS, json=user_fields())).json()["user"]
    return Expected(scene.admin.id, created["id"])


async def create_a_user_by_the_console(scene: Scene) -> Expected:
    created = await scene.served.instance.accounts.create_as_system(NewAccount("eve@example.org", NEW, ()))
    return Expected(SYSTEM, created.id, address=CONSOLE)


async def edit_a_user(scene: Scene) -> Expected:
    assert scene.alice.user is not None
    body = edit_fields(scene.alice.user, organization="Alice", data={"tags": ["a"]})
    assert (await scene.admin.put(f"{USERS}/{scene.alice.id}", json=body)).status_code == 200
    return Expected(scene.admin.id, scene.alice.id, detail="tags, organization")


async def delete_a_user(scene: Scene) -> Expected:
    await scene.admin.delete(f"{USERS}/{scene.alice.id}")
    return Expected(scene.admin.id, scene.alice.id, detail=scene.alice.email)


async def delete_a_user_by_the_console(scene: Scene) -> Expected:
    assert scene.alice.user is not None
    await scene.served.change_user(scene.alice.user, expires_at=scene.served.clock() - timedelta(seconds=1))
    assert [user.id async for user in scene.served.instance.accounts.delete_expired()] == [scene.alice.id]
    return Expected(SYSTEM, scene.alice.id, detail=scene.alice.email, address=CONSOLE)


async def change_a_password(scene: Scene) -> Expected:
    assert scene.alice.user is not None
    body = edit_fields(scene.alice.user) | password_fields(PASSWORD)
    assert (await scene.alice.put(f"{USERS}/{scene.alice.id}", json=body)).status_code == 200
    return Expected(scene.alice.id, scene.alice.id)


async def change_a_password_by_the_console(scene: Scene) -> Expected:
    await scene.served.instance.profiles.reset_password(scene.alice.id, NEW, keep_sessions=True)
    return Expected(SYSTEM, scene.alice.id, address=CONSOLE)


async def give_access(scene: Scene) -> Expected:
    await scene.admin.grant(scene.collection["id"], scene.alice, "collections.upload_to_allowed_collections")
    detail = f"{scene.alice.id}: collections.upload_to_allowed_collections"
    return Expected(scene.admin.id, scene.collection["id"], detail=detail)


async def give_access_by_the_console(scene: Scene) -> Expected:
    details = Details("db.tar", "", Strategy.ALERT, Limits(0, 0, 0))
    created = await scene.served.instance.collections.create_as_system(details, owners=[scene.alice.id])
    return Expected(SYSTEM, created.id, detail=f"{scene.alice.id}: collections.", address=CONSOLE)


async def withdraw_access(scene: Scene) -> Expected:
    await scene.admin.grant(scene.collection["id"], scene.alice)
    await scene.admin.delete(f"{scene.path}/access/{scene.alice.id}")
    return Expected(scene.admin.id, scene.collection["id"], detail=scene.alice.id)


async def create_a_collection(scene: Scene) -> Expected:
    return Expected(scene.admin.id, (await scene.admin.create_collection())["id"])


async def create_a_collection_by_the_console(scene: Scene) -> Expected:
    details = Details("db.tar", "", Strategy.ALERT, Limits(0, 0, 0))
    created = await scene.served.instance.collections.create_as_system(details, owners=[])
    return Expected(SYSTEM, created.id, address=CONSOLE)


async def edit_a_collection(scene: Scene) -> Expected:
    body = {"id": scene.collection["id"], "maxBackupsCount": 1, "maxOneVersionSize": "1MB", "maxCollectionSize": "5MB"}
    more = {"strategy": scene.collection["strategy"], "filename": "other.tar"}
    assert (await scene.admin.put(COLLECTIONS, json=body | more)).status_code == 200
    return Expected(scene.admin.id, scene.collection["id"])


async def delete_a_collection(scene: Scene) -> Expected:
    await scene.admin.delete(scene.path)
    return Expected(scene.admin.id, scene.collection["id"])


async def upload_a_version(scene: Scene) -> Expected:
    await scene.admin.upload(scene.collection["id"], b"one")
    return Expected(scene.admin.id, await scene.newest_version(), detail=f"v1 of {scene.collection['id']}, ")


async def rotate_a_version_out(scene: Scene) -> Expected:
    await scene.admin.upload(scene.collection["id"], b"one")
    oldest = await scene.newest_version()
    await scene.admin.upload(scene.collection["id"], b"two")
    return Expected(scene.admin.id, oldest, detail=f"v1 of {scene.collection['id']}")


async def delete_a_version(scene: Scene) -> Expected:
    await scene.admin.upload(scene.collection["id"], b"one")
    version = await scene.newest_version()
    await scene.admin.delete(f"{scene.path}/versions/latest")
    return Expected(scene.admin.id, version, detail=f"v1 of {scene.collection['id']}, ")


async def start_with_other_settings(scene: Scene) -> Expected:
    await record_settings(scene.served.instance.database, scene.served.keys, [], scene.served.clock())
    return Expected(SYSTEM, "settings", detail="defaults only", address=CONSOLE)


ACTS: dict[Event, tuple[Act, ...]] = {
    Event.LOGGED_IN: (log_in,),
    Event.LOGIN_FAILED: (fail_to_log_in, fail_to_log_in_as_nobody, fail_to_change_the_password),
    Event.LOGIN_THROTTLED: (be_throttled, be_throttled_with_a_session),
    Event.REFUSED: (
        come_with_an_inactive_account,
        log_in_to_an_inactive_account,
        come_from_elsewhere,
        come_with_a_revoked_token,
    ),
    Event.TOKEN_GENERATED: (generate_a_token,),
    Event.TOKEN_REVOKED: (revoke_a_token, revoke_tokens_by_the_console),
    Event.USER_CREATED: (create_a_user, create_a_user_by_the_console),
    Event.USER_EDITED: (edit_a_user,),
    Event.USER_DELETED: (delete_a_user, delete_a_user_by_the_console),
    Event.PASSWORD_CHANGED: (change_a_password, change_a_password_by_the_console),
    Event.ACCESS_GIVEN: (give_access, give_access_by_the_console),
    Event.ACCESS_WITHDRAWN: (withdraw_access,),
    Event.COLLECTION_CREATED: (create_a_collection, create_a_collection_by_the_console),
    Event.COLLECTION_EDITED: (edit_a_collection,),
    Event.COLLECTION_DELETED: (delete_a_collection,),
    Event.VERSION_UPLOADED: (upload_a_version,),
    Event.VERSION_ROTATED_OUT: (rotate_a_version_out,),
    Event.VERSION_DELETED: (delete_a_version,),
    Event.SETTINGS_CHANGED: (start_with_other_settings,),
}


@pytest.fixture
async def scene(served: Served, admin: Client, alice: Client) -> Scene:
    """An administrator with a collection for one version, and a customer; time stands still from now on."""
    scene = Scene(served, admin, alice, await admin.create_collection(maxBackupsCount=1))
    served.clock.advance(seconds=2)
    served.clock.hold()
    return scene


@pytest.mark.parametrize(
    ("event", "act"),
    [pytest.param(event, act, id=getattr(act, "__name__", "")) for event, acts in ACTS.items() for act in acts],
)
async def test_an_act_leaves_one_entry_with_everything(event: Event, act: Act, scene: Scene) -> None:
    expected = await act(scene)
    now = scene.served.clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    answer = await scene.admin.get(AUDIT, params={"action": event.value, "from": now})
    assert answer.status_code == 200, answer.text
    newest = answer.json()["data"][0]
    detail = newest.pop("detail")
    assert newest == {
        "time": now,
        "actor": expected.actor,
        "address": expected.address,
        "action": event.value,
        "target": expected.target,
        "result": expected.result,
    }
    assert expected.detail in detail
    for secret in (PASSWORD, WRONG, NEW, scene.alice.token, scene.admin.token):
        assert secret not in answer.text


def test_every_event_is_tried() -> None:
    assert set(ACTS) == set(Event)
