"""Homes with a configuration of a real server, or of none."""

from __future__ import annotations

from dataclasses import dataclass

from realm.configs import COLLECTION, RECIPIENT
from realm.program import Place, collection_of, url_of
from world.instance import Server


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition of the file that `configure` writes."""

    name: str = "files"
    collection: str = COLLECTION
    meta: str = ""
    """Further keys of `meta`, each behind a comma."""
    kind: str = "filesystem"
    spec: str = "{paths: [/etc/hostname]}"


def configure(place: Place, *definitions: Definition, url: str = "https://backups.example.org", more: str = "") -> None:
    """Write a configuration file; the token comes from the variable TOKEN."""
    place.environment.setdefault("TOKEN", "a-token-of-nobody")
    entries = "".join(
        f"  {one.name}:\n"
        f"    meta: {{type: {one.kind}, access: main, encryption: strong, collection_id: {one.collection}{one.meta}}}\n"
        f"    spec: {one.spec}\n"
        for one in definitions
    )
    place.file.write_text(
        f'accesses: {{main: {{url: "{url}", token: "${{TOKEN}}"}}}}\n'
        f"encryption: {{strong: {{method: age, recipients: [{RECIPIENT}]}}}}\n"
        f"backups:\n{entries}{more}"
    )


def configure_on(place: Place, server: Server, *definitions: Definition, more: str = "") -> list[str]:
    """Write a configuration for a real server, a new collection for each definition; return their ids."""
    place.environment["TOKEN"] = server.token
    made = [collection_of(server, f"{one.name}.tar") for one in definitions]
    chosen = [
        Definition(one.name, identifier, one.meta, one.kind, one.spec)
        for one, identifier in zip(definitions, made, strict=True)
    ]
    configure(place, *chosen, url=url_of(server), more=more)
    return made
