"""Azure behind NGINX: that the addresses the server signs lead to the bytes. Its stand-in checks no signature."""

from __future__ import annotations

from pathlib import Path

from world import front
from world.bodies import Body
from world.clouds import AZURE_KEY, stand_in_azure
from world.instance import Installation
from world.programs import require_program


def test_nginx_fetches_by_the_address_of_the_server(tmp_path: Path) -> None:
    require_program("nginx")
    for name in ("served", "fronted"):
        (tmp_path / name).mkdir()
    with stand_in_azure() as cloud:
        place = Installation.make(
            tmp_path / "served",
            FS_RW_NAME="CLOUD",
            FS_CLOUD_ADAPTER="azure",
            FS_CLOUD_ACCOUNT="account",
            FS_CLOUD_CONTAINER="backups",
            FS_CLOUD_KEY=AZURE_KEY,
            FS_CLOUD_ENDPOINT=f"{cloud.url}/account",
            TRUSTED_PROXIES="127.0.0.1",
        )
        values = {
            "backups.s3.eu-central-1.amazonaws.com": cloud.url.removeprefix("http://"),
            "proxy_pass https://": "proxy_pass http://",
        }
        application = front.fetching_objects(tmp_path / "objects.conf", values)
        with place.serve() as server, front.front(tmp_path / "fronted", server, application=application) as running:
            body = Body(100_161, 4711)
            versions = server.create_collection()
            assert server.direct.ask("POST", versions, server.bearer, body).status == 200
            assert running.public.fetch(f"{versions}/v1", server.bearer) == (200, body.size, body.sha256())
            part = running.public.ask("GET", f"{versions}/latest", server.bearer | {"Range": "bytes=-50"})
            assert (part.status, part.body) == (206, body.whole()[-50:])
            assert part.headers["Content-Range"] == "bytes 100111-100160/100161"
            assert "upstream_status=200 : 200 " in running.application.logged(f"{versions}/v1")
            assert "upstream_status=200 : 206 " in running.application.logged(f"{versions}/latest")
