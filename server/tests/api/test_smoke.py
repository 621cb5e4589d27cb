from __future__ import annotations
from world.client import *


async def test_x(served, admin, alice, bob, charlie, guest):
    c = await alice.create_collection()
    assert (await alice.get(f"{COLLECTIONS}/{c['id']}")).status_code == 200
    assert (await charlie.get(f"{COLLECTIONS}/{c['id']}")).status_code == 403
    assert (await guest.get(f"{COLLECTIONS}/{c['id']}")).status_code == 401
    s = await guest.log_in("alice@example.org")
    assert (await s.get(f"{COLLECTIONS}/{c['id']}")).status_code == 200
    assert (await s.upload(c["id"], b"abc")).status_code == 200
