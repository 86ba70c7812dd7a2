"""The signing proxy has a certificate of its own: the file that the settings name makes it trusted, and nothing else does."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from extract.commands.requests import day_of
from extract.errors import TransportFailed
from extract.requests import ACCOUNT, Request
from flows.errors import UsageError
from flows.fetch_session import FetchSession
from flows.run_context import RunContext
from flows.settings import Settings
from wattlog.series_spec import Series

NOW = datetime.now(UTC)
PATH = "/api/1/vehicles/TESTVIN0000000001/command/charge_start"


def certificate(directory: Path) -> Path:
    """A certificate for this machine that no authority has signed, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / "proxy.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def proxy(pem: Path) -> Iterator[tuple[str, list[str]]]:
    """A server with TLS that says yes to every command; its address, and the paths that came."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.path)
            body = b'{"response":{"result":true,"reason":""}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    class Server(HTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that does not trust the certificate ends the connection."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


def send(tmp_path: Path, url: str, authority: Path | None) -> None:
    facts = {
        "data_dir": tmp_path / "data",
        "config_dir": tmp_path / "config",
        "api_base_url": "https://api.invalid",
        "access_token": "a-token-of-the-tests",
        "vehicle_command_url": url,
        "vehicle_command_ca": authority,
    }
    context = RunContext(Settings.model_validate(facts), "a-run", clock=lambda: NOW)
    with FetchSession(context, context.open_archive()) as session:
        request = Request(ACCOUNT, Series.COMMAND, PATH, window=day_of(NOW), method="POST", body=b"{}")
        session.send_to_car(request)


def test_its_own_certificate_is_trusted_by_the_file_alone(tmp_path: Path) -> None:
    """Q88."""
    pem = certificate(tmp_path)
    with proxy(pem) as (url, received):
        send(tmp_path, url, pem)
        assert received == [PATH]
        with pytest.raises(TransportFailed):
            send(tmp_path, url, None)
        assert received == [PATH]


def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pem", tmp_path):
        with pytest.raises(UsageError, match="WATTLOG_VEHICLE_COMMAND_CA"):
            send(tmp_path, "https://127.0.0.1:9", path)
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(UsageError, match="WATTLOG_VEHICLE_COMMAND_CA"):
        send(tmp_path, "https://127.0.0.1:9", tmp_path / "empty.pem")
