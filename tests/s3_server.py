"""A small server of S3's API on loopback: objects of one bucket, each request's signature checked.

The check follows "Authenticating Requests: Using the Authorization Header" of the Amazon S3 API Reference, and shares
no line with the code that signs.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import quote, unquote

ACCESS_KEY, SECRET_KEY = "AKIDOFTHETEST", "secret/of+the=test"
BUCKET = "bucket"


@dataclass(slots=True)
class S3Server:
    """What is in the bucket, by key, and what has been asked."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    """Method, path and status of each request."""
    statuses: list[int] = field(default_factory=list)
    """What the next requests are answered with, whatever they ask."""

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        bucket, _, key = path.removeprefix("/").partition("/")
        if self.statuses:
            return self.statuses.pop(0), b"<Error/>"
        if not is_signed(method, path, headers, body):
            return 403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
        if bucket != BUCKET:
            return 404, b"<Error><Code>NoSuchBucket</Code></Error>"
        if method == "PUT":
            self.objects[unquote(key)] = body
            return 200, b""
        content = self.objects.get(unquote(key))
        return (404, b"<Error><Code>NoSuchKey</Code></Error>") if content is None else (200, content)


def is_signed(method: str, path: str, headers: dict[str, str], body: bytes) -> bool:
    """Say whether the request was signed with the key of this server, body and all."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256" or headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
        return False
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    access_key, day, region, service, end = parts["Credential"].split("/")
    if (access_key, service, end) != (ACCESS_KEY, "s3", "aws4_request"):
        return False
    names = parts["SignedHeaders"].split(";")
    if not {"host", "x-amz-content-sha256", "x-amz-date"} <= set(names):
        return False
    lines = [method, quote(unquote(path), safe="/-_.~"), ""]
    lines += [f"{name}:{headers[name].strip()}" for name in names]
    lines += ["", ";".join(names), headers["x-amz-content-sha256"]]
    canonical = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], f"{day}/{region}/s3/aws4_request", canonical])
    key = ("AWS4" + SECRET_KEY).encode()
    for message in (day, region, "s3", "aws4_request", text):
        key = hmac.digest(key, message.encode(), "sha256")
    return hmac.compare_digest(key.hex(), parts["Signature"])


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Serve for as long as the context is open."""
    told = S3Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content = told.answer(self.command, self.path, headers, body)
            told.asked.append((self.command, self.path, status))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", f"{told.url}/{BUCKET}/elsewhere")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = _serve  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
