"""A server of a test's own on a free port of the loopback interface, for what neither of the project's servers does."""

from __future__ import annotations

import http.server
import json
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """Keeps connections open, sends at once, and says nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        """Answers with the headers of Django REST Framework."""
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Allow", "GET, POST, HEAD, OPTIONS")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def answer_page(self, rows):
        """Answers with all rows in an envelope."""
        self.answer(200, {"count": len(rows), "next": None, "previous": None, "results": rows})

    def sent(self):
        """The JSON of the request's body."""
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))


class Loopback:
    """Serves by the handler until it is closed."""

    def __init__(self, handler):
        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 200

        self._server = Server(("127.0.0.1", 0), handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
