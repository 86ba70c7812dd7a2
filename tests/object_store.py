"""An object store for tests: a real server on a loopback port that speaks S3 (moto), real bytes, and faults on demand."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
    """The server as tests see it.

    Attributes:
        requests: Method and path of every request, in order.
        fault: Given method and path, the status with which a request is refused, or None.
        is_careless: Whether conditions are ignored, as some stores do.
        lost: Given method and path, whether the request is done and yet answered with 500.
    """

    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Callable[[str, str], int | None] = lambda method, path: None
    lost: Callable[[str, str], bool] = lambda method, path: False
    is_careless: bool = False
    url: str = ""

    def __post_init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._one_at_a_time = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """One request. As in S3, and unlike in bare moto, a condition and its write are one."""
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
                list(self._app(environ, lambda status, headers: None))
                return Response(status=500)(environ, start_response)
            return list(self._app(environ, start_response))

    def since(self, count: int) -> Counter[str]:
        """Requests by method, the first `count` left out."""
        return Counter(method for method, _ in self.requests[count:])

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find the store."""
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
        """A client of the tests' own."""
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
        return [each["Key"] for page in pages for each in page.get("Contents", ())]


@contextmanager
def serve_object_store() -> Iterator[ObjectStore]:
    """Serve an empty bucket; in this process, the standard chain of credentials leads there."""
    store = ObjectStore()
    server = make_server("127.0.0.1", 0, store, threaded=True, request_handler=Quiet)
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            # Each client reads a megabyte of descriptions: once is enough.
            patch.setattr("botocore.session.create_loader", cache(botocore.session.create_loader))
            for name, value in store.environment.items():
                patch.setenv(name, value)
            httpx.post(
                f"{store.url}/moto-api/reset"
            ).raise_for_status()  # moto remembers for as long as the process lasts
            store.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
            yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
