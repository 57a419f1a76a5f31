# SPDX-License-Identifier: Apache-2.0
"""What curl is tried against: HTTP on 8080 (both families), HTTPS on 8443, and on a Unix socket."""

import http.server
import pathlib
import socket
import ssl
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"hello" if self.path == "/hello" else pathlib.Path("/tmp/put").read_bytes())

    def do_PUT(self):
        pathlib.Path("/tmp/put").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(b"")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, family, address):
        self.address_family = family
        super().__init__(address, Handler)

    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", 0

    def get_request(self):
        connection, _ = self.socket.accept()
        return connection, ("", 0)


servers = [Server(socket.AF_INET, ("127.0.0.1", 8080)), Server(socket.AF_INET6, ("::1", 8080)),
           Server(socket.AF_INET, ("127.0.0.1", 8443)), Server(socket.AF_UNIX, "/tmp/socket")]
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("/tmp/cert", "/tmp/key")
servers[2].socket = tls.wrap_socket(servers[2].socket, server_side=True)
for server in servers[1:]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
pathlib.Path("/tmp/ready").touch()
servers[0].serve_forever()
