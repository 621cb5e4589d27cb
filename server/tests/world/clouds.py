"""Stand-ins for Azure Blob Storage and Google Cloud Storage: as much of their public protocols as a storage needs.

Azure: Put Blob, Put Block, Put Block List, Get Blob with ranges, Get Blob Properties, Delete Blob, List Blobs.
Google: the XML API with objects, multipart uploads and listings. Both know their conditions for "only if it is new".
Neither checks signatures; Azure's is checked by the emulator where that is installed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4
from xml.sax.saxutils import escape

AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key that Microsoft's emulator has for everybody."""
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Kept:
    """What a stand-in holds."""

    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    parts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """By upload (Google) or object (Azure)."""
    begun: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Upload → its object and when it began (Google)."""
    part_times: dict[str, datetime] = field(default_factory=dict)
    """Upload → when its last part came, where it has one (Google)."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    headers: list[dict[str, str]] = field(default_factory=list)
    """Those of every request, names in lower case."""
    answers_to_lose: int = 0
    """Of so many of the next requests that make an object, the effect stays and the answer is an error."""
    busy: int = 0
    """So many of the next requests are refused for the moment, without an effect."""
    flaps: bool = False
    """Every other request is refused so."""
    speaks: threading.Event = field(default_factory=threading.Event)
    """Cleared, requests get no answer, and have no effect, until it is set."""
    knows_conditions: bool = True
    """Without, a request that has one is answered 501, without an effect (Google)."""
    together: threading.Barrier | None = None
    """Parts are taken only when so many are on their way."""

    def __post_init__(self) -> None:
        """Speak at first."""
        self.speaks.set()


@dataclass(frozen=True)
class Cloud:
    """A stand-in that is running."""

    url: str
    kept: Kept


class _Cloud(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kept: Kept

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    @property
    def place(self) -> str:
        """The path, decoded."""
        return unquote(urlsplit(self.path).path)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        self.kept.headers.append({name.lower(): value for name, value in self.headers.items()})
        if not self.kept.speaks.is_set():
            self.kept.speaks.wait()
            self.close_connection = True
            return False
        with self.kept.lock:
            busy = self.kept.busy > 0
            self.kept.busy -= busy
            busy = busy or (self.kept.flaps and len(self.kept.headers) % 2 == 1)
        if busy:
            self.body()
            self.say(503)
        return not busy

    def made(self, status: int, body: str = "", **headers: str) -> None:
        """Answer that an object is there now, or lose that answer."""
        with self.kept.lock:
            lost = self.kept.answers_to_lose > 0
            self.kept.answers_to_lose -= lost
        if lost:
            self.say(500)
        else:
            self.say(status, body, **headers)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def say(self, status: int, body: bytes | str = b"", **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", headers.get("Length") or str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def give(self, missing: str) -> None:
        """Answer GET and HEAD of an object."""
        with self.kept.lock:
            found = self.kept.objects.get(self.place)
        if found is None:
            self.say(404, missing)
            return
        content, changed = found
        facts = {
            "ETag": etag(content),
            "Last_Modified": format_datetime(changed, usegmt=True),
            "x_goog_generation": "1",
        }
        if self.command == "HEAD":
            self.say(200, Length=str(len(content)), **facts)
            return
        match = _RANGE.fullmatch(self.headers.get("Range", self.headers.get("x-ms-range", "")))
        if match is None:
            self.say(200, content, **facts)
            return
        start, end = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
        if start >= len(content):
            self.say(416)
            return
        self.say(206, content[start : end + 1], Content_Range=f"bytes {start}-{end}/{len(content)}", **facts)

    def keep(self, content: bytes, *, only_new: bool) -> bool:
        with self.kept.lock:
            if only_new and self.place in self.kept.objects:
                return False
            self.kept.objects[self.place] = (content, datetime.now(UTC))
            return True

    def listed(self, folder: str) -> list[tuple[str, bytes, datetime]]:
        wanted = folder + self.query.get("prefix", "")
        with self.kept.lock:
            return [
                (name.removeprefix(folder), *found)
                for name, found in sorted(self.kept.objects.items())
                if name.startswith(wanted)
            ]


class _Azure(_Cloud):
    MISSING = "<?xml version='1.0'?><Error><Code>BlobNotFound</Code></Error>"

    def do_GET(self) -> None:
        if self.query.get("comp") == "list":
            blobs = "".join(
                f"<Blob><Name>{escape(name)}</Name><Properties>"
                f"<Last-Modified>{format_datetime(changed, usegmt=True)}</Last-Modified><Etag>{etag(content)}</Etag>"
                f"<Content-Length>{len(content)}</Content-Length><Content-Type>x</Content-Type></Properties></Blob>"
                for name, content, changed in self.listed(f"{self.place}/")
            )
            self.say(200, f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>")
            return
        self.give(self.MISSING)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        body, query = self.body(), self.query
        match query.get("comp"):
            case "block":
                with self.kept.lock:
                    self.kept.parts.setdefault(self.place, {})[query["blockid"]] = body
                self.say(201)
                return
            case "blocklist":
                names = re.findall(r"<Uncommitted>([^<]*)</Uncommitted>", body.decode())
                with self.kept.lock:
                    blocks = self.kept.parts.pop(self.place)
                body = b"".join(blocks[name] for name in names)
        if self.keep(body, only_new=self.headers.get("If-None-Match") == "*"):
            self.made(201, ETag=etag(body), Last_Modified=formatdate(usegmt=True))
        else:
            self.say(409, "<?xml version='1.0'?><Error><Code>BlobAlreadyExists</Code></Error>")

    def do_POST(self) -> None:
        """Delete a batch of blobs, which are named in requests within the request."""
        names = re.findall(r"(?m)^DELETE (\S+) HTTP/1.1", self.body().decode())
        answers = ""
        for number, name in enumerate(names):
            with self.kept.lock:
                found = self.kept.objects.pop(f"/account{unquote(urlsplit(name).path).removeprefix('/account')}", None)
            status = (
                "404 The specified blob does not exist.\r\nx-ms-error-code: BlobNotFound"
                if found is None
                else "202 Accepted"
            )
            answers += f"--batch\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\nHTTP/1.1 {status}\r\n\r\n\r\n"
        self.say(202, f"{answers}--batch--\r\n", Content_Type="multipart/mixed; boundary=batch")


class _Google(_Cloud):
    """Amazon's S3 speaks the same, but for the names of some headers; what Google shares with it is enough for both."""

    MISSING = "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"

    def do_GET(self) -> None:
        if "uploads" in self.query:
            self.say(200, self.unfinished())
            return
        if "uploadId" in self.query:
            came = self.kept.part_times.get(self.query["uploadId"])
            part = "" if came is None else f"<Part><LastModified>{came.isoformat()}</LastModified></Part>"
            self.say(200, f"<ListPartsResult>{part}</ListPartsResult>")
            return
        if "list-type" in self.query:
            contents = "".join(
                f"<Contents><Key>{escape(name)}</Key><LastModified>{changed.isoformat()}</LastModified>"
                f"<ETag>{escape(etag(content))}</ETag><Size>{len(content)}</Size></Contents>"
                for name, content, changed in self.listed(f"{self.place}/")
            )
            self.say(200, f"<ListBucketResult>{contents}</ListBucketResult>")
            return
        self.give(self.MISSING)

    def do_HEAD(self) -> None:
        self.do_GET()

    def unfinished(self) -> str:
        """List unfinished uploads, two on a page."""
        folder = f"{self.place}/"
        with self.kept.lock:
            found = sorted(
                (place.removeprefix(folder), upload, begun)
                for upload, (place, begun) in self.kept.begun.items()
                if upload in self.kept.parts and place.startswith(folder + self.query["prefix"])
            )
        marker = (self.query.get("key-marker", ""), self.query.get("upload-id-marker", ""))
        rest = [entry for entry in found if entry[:2] > marker]
        page = "".join(
            f"<Upload><Key>{escape(key)}</Key><UploadId>{upload}</UploadId><Initiated>{begun.isoformat()}</Initiated></Upload>"
            for key, upload, begun in rest[:2]
        )
        if len(rest) > 2:
            page += (
                f"<IsTruncated>true</IsTruncated><NextKeyMarker>{escape(rest[1][0])}</NextKeyMarker>"
                f"<NextUploadIdMarker>{rest[1][1]}</NextUploadIdMarker>"
            )
        return f"<ListMultipartUploadsResult>{page}</ListMultipartUploadsResult>"

    def do_PUT(self) -> None:
        body, query = self.body(), self.query
        if "uploadId" in query:
            if self.kept.together is not None:
                self.kept.together.wait(30)
            with self.kept.lock:
                parts = self.kept.parts.get(query["uploadId"])
                if parts is not None:
                    parts[query["partNumber"]] = body
                    self.kept.part_times[query["uploadId"]] = datetime.now(UTC)
            self.say(404 if parts is None else 200, ETag=etag(body))
        elif not self.kept.knows_conditions and "x-goog-if-generation-match" in self.headers:
            self.say(501)
        elif self.keep(body, only_new=self.headers.get("x-goog-if-generation-match") == "0"):
            self.made(200, ETag=etag(body), x_goog_generation="1")
        else:
            self.say(412)

    def do_POST(self) -> None:
        body, query = self.body(), self.query
        if "uploads" in query:
            upload = uuid4().hex
            with self.kept.lock:
                self.kept.parts[upload] = {}
                self.kept.begun[upload] = (self.place, datetime.now(UTC))
            self.say(
                200, f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            )
            return
        numbers = re.findall(r"<PartNumber>(\d+)</PartNumber>", body.decode())
        with self.kept.lock:
            parts = self.kept.parts.pop(query["uploadId"], None)
        if parts is None:
            self.say(404, "<Error><Code>NoSuchUpload</Code></Error>")
            return
        content = b"".join(parts[number] for number in numbers)
        self.keep(content, only_new=False)
        result = f"<CompleteMultipartUploadResult><ETag>{escape(etag(content))}</ETag></CompleteMultipartUploadResult>"
        self.made(200, result, x_goog_generation="1")

    def do_DELETE(self) -> None:
        with self.kept.lock:
            place = self.kept.parts if "uploadId" in self.query else self.kept.objects
            found = place.pop(self.query.get("uploadId", self.place), None)
        self.say(404 if found is None else 204, self.MISSING if found is None else "")


def etag(content: bytes) -> str:
    """Give a tag in quotes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


@contextmanager
def stand_in_azure() -> Iterator[Cloud]:
    """Serve Azure's protocol for the account `account`."""
    with _serving(_Azure) as cloud:
        yield cloud


@contextmanager
def stand_in_google() -> Iterator[Cloud]:
    """Serve Google's protocol."""
    with _serving(_Google) as cloud:
        yield cloud


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that hang up, as those of cancelled uploads do."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def _serving(handler: type[_Cloud]) -> Iterator[Cloud]:
    kept = Kept()
    named = type(handler.__name__, (handler,), {"kept": kept})
    with _Server(("127.0.0.1", 0), named) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield Cloud(f"http://127.0.0.1:{server.server_port}", kept)
        kept.speaks.set()
        server.shutdown()
        thread.join()


def create_container(url: str, account: str, container: str) -> None:
    """Create a container in Azure's emulator, with a signature of its Shared Key scheme."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    canonical = "".join(f"{name}:{value}\n" for name, value in headers.items())
    words = "PUT" + "\n" * 12 + canonical + f"/{account}/{account}/{container}\nrestype:container"
    signature = base64.b64encode(hmac.digest(base64.b64decode(AZURE_KEY), words.encode(), "sha256")).decode()
    headers |= {"Authorization": f"SharedKey {account}:{signature}", "Content-Length": "0"}
    request = urllib.request.Request(f"{url}/{container}?restype=container", method="PUT", headers=headers)
    with urllib.request.urlopen(request):
        pass
