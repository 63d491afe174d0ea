"""Run the reference site on a free loopback port until stdin is closed or SIGTERM comes.

    python serve.py          gunicorn, plain HTTP/1.1
    python serve.py --tls    hypercorn, TLS, HTTP/2 by ALPN
    python serve.py --logins gunicorn, with logins by JWT, session and OAuth2 besides

Prints one line of JSON when it is ready:
`{"base_url": "http://127.0.0.1:PORT", "ca_file": null, "pid": N}`.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
STOP_WITHIN = 3  # Seconds from the end of stdin to the end of this process, at worst.


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tls", action="store_true", help="hypercorn with TLS and HTTP/2")
    parser.add_argument(
        "--keep-alive", type=int, default=2, help="seconds that an idle connection is kept"
    )
    parser.add_argument(
        "--logins", action="store_true", help="with logins by JWT, session and OAuth2 besides"
    )
    options = parser.parse_args()

    main_pid = os.getpid()
    directory = Path(tempfile.mkdtemp(prefix="drf-site-"))
    signal.signal(signal.SIGTERM, lambda *_: stop_now(directory))
    threading.Thread(target=stop_at_end_of_stdin, args=[directory], daemon=True).start()
    try:
        prepare(directory, options.logins)
        serve = serve_tls if options.tls else serve_plain
        serve(directory, options.keep_alive)
    finally:
        # gunicorn's forked worker comes by here too: it cleans up only when its parent was killed.
        if os.getpid() == main_pid or os.getppid() != main_pid:
            shutil.rmtree(directory, ignore_errors=True)


def stop_now(directory):
    """There is nothing to finish, and a graceful end would wait for idle connections."""
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)


def stop_at_end_of_stdin(directory):
    """End with whoever started this process, even when that one was killed."""
    # Not sys.stdin: its lock, held by this thread, would crash the interpreter at its end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_WITHIN)
    stop_now(directory)


def prepare(directory, logins):
    """Make the database before any server forks or opens a thread."""
    sys.path.insert(0, str(HERE))
    os.environ["REFERENCE_DB"] = str(directory / "site.sqlite3")
    settings = "site_.logins.settings" if logins else "site_.settings"
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    import django

    django.setup()
    from django.db import connections

    from site_.fixture import make_database

    make_database()
    connections.close_all()


def announce(base_url, pid, ca_file=None):
    line = {"base_url": base_url, "ca_file": ca_file, "pid": pid}
    print(json.dumps(line), flush=True)


def serve_plain(directory, keep_alive):
    from gunicorn.app.base import BaseApplication

    from site_.wsgi import application

    main_pid = os.getpid()

    def worker_ready(worker):
        if worker.age == 1:  # Not again for the successor of one that crashed.
            announce(f"http://127.0.0.1:{worker.sockets[0].sock.getsockname()[1]}", pid=main_pid)

    class Site(BaseApplication):
        def load_config(self):
            settings = {
                "bind": "127.0.0.1:0",
                "worker_class": "gthread",
                "workers": 1,  # One process, so that the throttle's cache is one.
                "threads": 8,
                "keepalive": keep_alive,
                "graceful_timeout": 1,
                "preload_app": True,
                "loglevel": "error",
                "worker_tmp_dir": str(directory),
                "control_socket_disable": True,
                "post_worker_init": worker_ready,
            }
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self):
            return application

    Site().run()


def serve_tls(directory, keep_alive):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from certificate import write_certificates
    from site_.asgi import application

    write_certificates(directory)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.certfile = str(directory / "cert.pem")
    config.keyfile = str(directory / "key.pem")
    config.keep_alive_timeout = keep_alive
    config.loglevel = "ERROR"

    async def run():
        # The trigger never fires: the handler of SIGTERM ends the process.
        never = asyncio.Event()
        announce(f"https://127.0.0.1:{port}", os.getpid(), str(directory / "ca.pem"))
        await serve(application, config, mode="asgi", shutdown_trigger=never.wait)

    asyncio.run(run())


if __name__ == "__main__":
    main()
