"""deploy/nginx/objects.conf and the guide to it as texts, and that NGINX takes the file as shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from world import front, nginx
from world.nginx import OBJECTS, Block
from world.programs import require_program
from world.sources import ROOT
from world.upstream import Upstream

GUIDE = (ROOT / "docs" / "howto" / "scale-out.md").read_text()


@pytest.fixture(scope="module")
def fetched() -> Block:
    (location,) = nginx.parse(OBJECTS.read_text()).find("location", "=", "/internal-objects/CLOUD")
    return location


@pytest.fixture(scope="module")
def streamed() -> Block:
    (location,) = nginx.parse(OBJECTS.read_text()).find("location", "@streamed")
    return location


def values(block: Block, name: str) -> list[tuple[str, ...]]:
    return [inner.words[1:] for inner in block.inner if inner.words[0] == name]


def sent(block: Block) -> dict[str, str]:
    return {words[0]: words[1] for words in values(block, "proxy_set_header")}


def test_nginx_takes_it_as_shipped_without_a_warning(tmp_path: Path) -> None:
    require_program("nginx")
    (tmp_path / "incoming").mkdir()
    authorities = {"/etc/ssl/certs/ca-certificates.crt": str(tmp_path / "fullchain.pem")}
    application = front.fetching_objects(tmp_path / "objects.conf", authorities)
    behind = Upstream(tmp_path / "server.sock", tmp_path / "incoming", tmp_path / "storage")
    files = front.Files.write(tmp_path, behind, application=application)
    result = nginx.check(files.application, as_us=True)
    assert result.returncode == 0, result.stderr
    assert "[warn]" not in result.stderr


def test_the_host_of_the_store_is_never_taken_from_an_answer(fetched: Block) -> None:
    assert values(fetched, "internal") == [()]
    assert values(fetched, "proxy_pass") == [("https://$object_store/$object",)]
    (host,) = (words[1] for words in values(fetched, "set") if words[0] == "$object_store")
    assert "$" not in host
    assert values(fetched, "proxy_ssl_verify") == [("on",)]


def test_the_store_gets_two_headers_and_no_body(fetched: Block) -> None:
    assert values(fetched, "proxy_pass_request_headers") == values(fetched, "proxy_pass_request_body") == [("off",)]
    said = {name: value for name, value in sent(fetched).items() if value}
    assert said == {"Host": "$object_store", "Range": "$object_range"}


def test_bytes_wait_in_memory_only_and_not_for_ever(fetched: Block) -> None:
    expected = {"proxy_buffering": "on", "proxy_max_temp_file_size": "0", "proxy_read_timeout": "60s"}
    assert {name: values(fetched, name) for name in expected} == {name: [(value,)] for name, value in expected.items()}


def test_every_status_but_success_leads_to_the_application(fetched: Block) -> None:
    """As far as NGINX can be told: 299 is its own bound, and 499 its own number."""
    assert values(fetched, "proxy_intercept_errors") == values(fetched, "recursive_error_pages") == [("on",)]
    caught: set[int] = set()
    for *codes, sign, place in values(fetched, "error_page"):
        assert (sign, place) == ("=", "@streamed")
        caught |= set(map(int, codes))
    registered = {
        *range(300, 309),
        *range(400, 418),
        421,
        422,
        425,
        426,
        428,
        429,
        431,
        451,
        *range(500, 509),
        510,
        511,
    }
    assert registered - caught == set()


def test_the_application_is_asked_again_as_before_but_for_the_offers(streamed: Block) -> None:
    (usual,) = nginx.parse(nginx.APPLICATION.read_text()).find("location", "/")
    headers = sent(usual)
    offers = {name for name in headers if name.startswith("X-Internal-")}
    assert sent(streamed) == headers | dict.fromkeys(offers, "")
    assert values(streamed, "proxy_pass") == [("http://application$request_uri",)]


def test_the_guide_has_every_line_that_an_operator_changes() -> None:
    text = OBJECTS.read_text()
    listed = re.findall(r"^#     (\S+)  +\S", text, re.MULTILINE)
    assert len(listed) == 4
    section = GUIDE.split("### Downloads past the server\n", 1)[1].split("\n## ", 1)[0]
    settings = text.split("\nset ", 1)[1]
    assert [value for value in listed if value not in settings or value not in section] == []
    assert "# include /etc/backup-repository/objects.conf;" in nginx.APPLICATION.read_text()
    assert "include /etc/backup-repository/objects.conf;" in section
