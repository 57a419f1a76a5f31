#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The web front end of the shop: answers each request with rows of PostgreSQL, as JSON.

It has no network of its own. systemd opened the listening socket and handed it over as descriptor 3
(LISTEN_FDS, sd_listen_fds(3)); PostgreSQL is reached through a Unix socket in a shared volume.
"""

import http.server
import json
import os
import signal
import socket
import sys
import time

import psycopg2

FIRST_DESCRIPTOR = 3
DATABASE = "host=/run/postgresql dbname=shop user=web connect_timeout=3"


def listening_socket():
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        sys.exit("shop-web: needs exactly one listening socket from the service manager")
    return socket.socket(fileno=FIRST_DESCRIPTOR)


def connect(patience=15.0):
    """PostgreSQL may have been started an instant ago: waits for it to answer."""
    give_up = time.monotonic() + patience
    while True:
        try:
            return psycopg2.connect(DATABASE)
        except psycopg2.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


def answer():
    database = connect()
    try:
        with database, database.cursor() as cursor:
            cursor.execute("INSERT INTO visit DEFAULT VALUES")
            cursor.execute("SELECT count(*) FROM visit")
            visits = cursor.fetchone()[0]
            cursor.execute("SELECT name, cents FROM product ORDER BY name")
            products = [{"name": name, "cents": cents} for name, cents in cursor.fetchall()]
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0]
    finally:
        database.close()
    return {"database": f"PostgreSQL {version}", "visits": visits, "products": products}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            self.send_error(404)
            return
        try:
            status, content = 200, answer()
        except psycopg2.Error as error:
            status, content = 503, {"error": str(error).strip()}
        body = (json.dumps(content, indent=2) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    sock = listening_socket()
    server = http.server.ThreadingHTTPServer(sock.getsockname()[:2], Handler, bind_and_activate=False)
    server.socket = sock
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("shop-web: ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
