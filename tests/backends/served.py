"""A server on 127.0.0.1 that runs in a thread while its `with` block does."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Keeps connections open, says nothing, and has the server's world as `cloud`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the body follows its headers at once, not 40 ms later

    def log_message(self, *words):
        pass


class Served:
    """What answers at `url`."""

    def __init__(self, handler):
        own = type("OwnHandler", (handler,), {"cloud": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), own)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
