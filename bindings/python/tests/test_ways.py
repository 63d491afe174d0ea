"""Ways to the server: a Unix socket, a certificate of the client."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import socketserver
import sys
import threading
from pathlib import Path

import pytest
from django_api_orm import APIConnectionError, AsyncServiceClient, ConfigurationError, ServiceClient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b'{"host": "%s"}' % self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def listening(path):
    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_a_unix_socket_takes_the_place_of_the_host(tmp_path):
    path = tmp_path / "api.sock"
    with listening(path):
        with ServiceClient("http://api.test", unix_socket=path) as client:
            assert client.get("/x/").data == {"host": "api.test"}

        async def main():
            async with AsyncServiceClient("http://api.test", unix_socket=str(path)) as client:
                assert (await client.get("/x/")).data == {"host": "api.test"}

        asyncio.run(main())
    assert client._identity != ServiceClient("http://api.test")._identity
    with pytest.raises(ConfigurationError, match="`unix_socket` or `proxy`"):
        ServiceClient("http://api.test", unix_socket=path, proxy="http://127.0.0.1:1")


def test_a_client_s_certificate_is_read_when_the_client_is_made(testserver_tls, tmp_path):
    ca = testserver_tls.ca_file

    def client(**files):
        return ServiceClient(testserver_tls.base_url, ca_file=ca, **files)

    with pytest.raises(ConfigurationError, match=r"missing.pem \(`client_certificate_file`\) cannot be read"):
        client(client_certificate_file=tmp_path / "missing.pem")
    with pytest.raises(ConfigurationError, match="must be PEM with a certificate and a key"):
        client(client_certificate_file=Path(ca))
    with pytest.raises(ConfigurationError, match="without `client_certificate_file`"):
        client(client_key_file=ca)
    with pytest.raises(TypeError, match="`unix_socket` must be a str"):
        client(unix_socket=7)


def test_a_proxy_over_tls_is_trusted_by_the_same_authorities_as_the_server(testserver_tls):
    # The server takes whole URLs, as a proxy does, and answers by itself.
    through = {"proxy": testserver_tls.base_url, "max_retries": 0}
    with ServiceClient("http://api.test", ca_file=testserver_tls.ca_file, **through) as client:
        assert client.get("/info/").status_code == 200

    async def main():
        async with AsyncServiceClient("http://api.test", ca_file=testserver_tls.ca_file, **through) as client:
            assert (await client.get("/info/")).status_code == 200

    asyncio.run(main())
    with pytest.raises(APIConnectionError, match="certificate"):
        ServiceClient("http://api.test", **through).get("/info/")
