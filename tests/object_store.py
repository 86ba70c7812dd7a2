"""An object store for tests: a server of the S3 API on a loopback port, with faults on demand.

The server is moto. If OBJECT_STORE_URL is the address of another server (such as LocalStack), requests are forwarded to it.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import boto3
import botocore.session
import httpx
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

BUCKET = "powerwalls"
REGION = "eu-west-1"
WRITES = {"PUT", "POST", "DELETE"}


class Quiet(WSGIRequestHandler):
    """Logs nothing, and keeps connections open."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """See `WSGIRequestHandler`."""


@dataclass
class ObjectStore:
    """The server.

    Attributes:
        requests: Method and path of every request, in order.
        fault: From method and path: the status with which a request is rejected, or None.
        is_careless: Whether conditions are ignored, as by some stores.
        lost: From method and path: whether a request is carried out, but gets status 500.
    """

    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Callable[[str, str], int | None] = lambda method, path: None
    lost: Callable[[str, str], bool] = lambda method, path: False
    is_careless: bool = False
    url: str = ""

    def __post_init__(self) -> None:
        other = os.environ.get("OBJECT_STORE_URL")
        self.app = DomainDispatcherApplication(create_backend_app) if other is None else ForwardingApplication(other)
        self._one_at_a_time = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve one request. As in S3, and unlike in moto alone, a condition and its write are atomic."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        with self._one_at_a_time:
            self.requests.append((method, path))
            status = self.fault(method, path)
            if status is not None:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                return Response(status=status)(environ, start_response)
            if self.is_careless:
                environ.pop("HTTP_IF_NONE_MATCH", None)
            if self.lost(method, path):
                list(self.app(environ, lambda status, headers: None))
                return Response(status=500)(environ, start_response)
            return list(self.app(environ, start_response))

    def since(self, count: int) -> Counter[str]:
        """Number of requests by method, without the first `count`."""
        return Counter(method for method, _ in self.requests[count:])

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which a process uses the store."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test-key",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    @cached_property
    def client(self) -> Any:
        """A client for tests."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="test-key",
            aws_secret_access_key="test-secret",
            region_name=REGION,
        )

    def keys(self, prefix: str = "") -> list[str]:
        """Every key below a prefix."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


class ForwardingApplication:
    """An application that forwards requests to another server.

    Args:
        url: Address of the other server.
    """

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Forward one request."""
        names = {name: name[5:].replace("_", "-") for name in environ if name.startswith("HTTP_")}
        headers = {names[name]: environ[name] for name in names} | {"Accept-Encoding": "identity"}
        if "CONTENT_TYPE" in environ:
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        response = self.client.request(environ["REQUEST_METHOD"], environ["REQUEST_URI"], headers=headers, content=body)
        left_out = {"connection", "transfer-encoding", "server", "date"}
        kept = [(name, value) for name, value in response.headers.items() if name not in left_out]
        return Response(response.content, response.status_code, kept)(environ, start_response)


@contextmanager
def serve_object_store() -> Iterator[ObjectStore]:
    """Serve an empty bucket; clients in this process use it by their standard credentials."""
    store = ObjectStore()
    server = make_server("127.0.0.1", 0, store, threaded=True, request_handler=Quiet)
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            # Each client would read a megabyte of API descriptions; they are cached.
            patch.setattr("botocore.session.create_loader", cache(botocore.session.create_loader))
            for name, value in store.environment.items():
                patch.setenv(name, value)
            with suppress(store.client.exceptions.BucketAlreadyOwnedByYou):
                store.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
            for key in store.keys(""):  # a server keeps its objects until its process ends
                store.client.delete_object(Bucket=BUCKET, Key=key)
            yield store
    finally:
        server.shutdown()
        if isinstance(store.app, ForwardingApplication):
            store.app.client.close()
        server.server_close()
        thread.join()
