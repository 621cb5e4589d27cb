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
    lock: threading.Lock = field(default_factory=threading.Lock)


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
            self.say(201, ETag=etag(body), Last_Modified=formatdate(usegmt=True))
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
    MISSING = "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"

    def do_GET(self) -> None:
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

    def do_PUT(self) -> None:
        body, query = self.body(), self.query
        if "uploadId" in query:
            with self.kept.lock:
                parts = self.kept.parts.get(query["uploadId"])
                if parts is not None:
                    parts[query["partNumber"]] = body
            self.say(404 if parts is None else 200, ETag=etag(body))
        elif self.keep(body, only_new=self.headers.get("x-goog-if-generation-match") == "0"):
            self.say(200, ETag=etag(body), x_goog_generation="1")
        else:
            self.say(412)

    def do_POST(self) -> None:
        body, query = self.body(), self.query
        if "uploads" in query:
            upload = uuid4().hex
            with self.kept.lock:
                self.kept.parts[upload] = {}
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
        self.say(200, result, x_goog_generation="1")

    def do_DELETE(self) -> None:
        with self.kept.lock:
            place = self.kept.parts if "uploadId" in self.query else self.kept.objects
            found = place.pop(self.query.get("uploadId", self.place), None)
        self.say(404 if found is None else 204, self.MISSING if found is None else "")


def etag(content: bytes) -> str:
    """Give a tag in quotes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


@contextmanager
def stand_in_azure() -> Iterator[str]:
    """Serve Azure's protocol and give the address of the account."""
    with _serving(_Azure) as address:
        yield f"{address}/account"


@contextmanager
def stand_in_google() -> Iterator[str]:
    """Serve Google's protocol and give its address."""
    with _serving(_Google) as address:
        yield address


@contextmanager
def _serving(handler: type[_Cloud]) -> Iterator[str]:
    named = type(handler.__name__, (handler,), {"kept": Kept()})
    with ThreadingHTTPServer(("127.0.0.1", 0), named) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
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
