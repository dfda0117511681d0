# SPDX-License-Identifier: BSD-2-Clause
"""apps/httpd from the host: files byte for byte, kept connections, and what a rude client gets."""
import email.utils
import os
import random
import socket
import tempfile
import threading
from pathlib import Path

SIZES = {"empty.txt": 0, "small.txt": 1024, "edge.bin": 64 << 10, "over.bin": (64 << 10) + 1, "big.bin": 3_000_001}


def site(folder):
    """Files of all kinds; {path: bytes}."""
    chance, files = random.Random(7), {}
    (folder / "sub").mkdir()
    for name, size in SIZES.items():
        files[f"/{name}"] = chance.randbytes(size)
    files["/index.html"] = files["/"] = b"<p>here\n"
    files["/sub/"] = b"<p>beneath\n"
    files["/sub/a b.txt"] = b"a name with a blank\n"
    for path, content in files.items():
        (folder / (path[1:] + "index.html" if path.endswith("/") else path[1:])).write_bytes(content)
    return files


class Client:
    """One connection; `get` reads one answer by its own lengths."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.rest = b""

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, head_only=False):
        """(status, {field: value}, body)."""
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        size = 0 if head_only else int(fields.get("content-length", 0))
        while len(self.rest) < size:
            self.more()
        body, self.rest = self.rest[:size], self.rest[size:]
        return int(lines[0].split()[1]), fields, body

    def more(self):
        if not (part := self.socket.recv(1 << 16)):
            raise OSError("the connection ended")
        self.rest += part

    def ended(self):
        try:
            return not self.rest and self.socket.recv(1) == b""
        except OSError:
            return False

    def get(self, path, method="GET", fields="Host: machine\r\n", version="1.1"):
        self.send(f"{method} {path} HTTP/{version}\r\n{fields}\r\n".encode("latin-1"))
        return self.answer(method == "HEAD")


def once(port, path, **how):
    client = Client(port)
    try:
        return client.get(path, **how)
    finally:
        client.socket.close()


def raw(port, data):
    client = Client(port)
    try:
        client.send(data)
        return client.answer()[0]
    finally:
        client.socket.close()


def contents(tap, port, files, changed):
    client = Client(port)
    wrong = [p for p, content in files.items() if client.get(p.replace(" ", "%20"))[::2] != (200, content)]
    tap(not wrong, "httpd_files_are_whole_on_one_connection", str(wrong))
    status, fields, _ = client.get("/big.bin", "HEAD")
    tap(status == 200 and int(fields["content-length"]) == len(files["/big.bin"]) and client.get("/small.txt")[2] == files["/small.txt"],
        "httpd_head_has_no_body")
    kinds = {p: client.get(p, "HEAD")[1]["content-type"].split(";")[0] for p in ("/", "/small.txt", "/big.bin")}
    tap(kinds == {"/": "text/html", "/small.txt": "text/plain", "/big.bin": "application/octet-stream"}, "httpd_types", str(kinds))
    status, fields, _ = client.get("/sub")
    tap(status == 301 and fields["location"] == "/sub/", "httpd_folder_without_a_slash", str(fields))
    since = client.get("/", "HEAD")[1]["last-modified"]
    tap(since == email.utils.formatdate(changed, usegmt=True), "httpd_tells_when_a_file_changed_on_the_host", since)
    client.send(f"GET / HTTP/1.1\r\nHost: x\r\nIf-Modified-Since: {since}\r\n\r\n".encode())
    tap(client.answer()[0] == 304 and client.get("/")[2] == files["/"], "httpd_not_modified")
    client.send(b"".join(b"GET /%s HTTP/1.1\r\nhOsT: x\r\n\r\n" % n for n in (b"small.txt", b"nothing", b"over.bin", b"empty.txt", b"sub/")) * 10)
    good = all(client.answer()[::2] == want for _ in range(10) for want in (
        (200, files["/small.txt"]), (404, b"404 Not Found\n"), (200, files["/over.bin"]), (200, b""), (200, files["/sub/"])))
    tap(good, "httpd_fifty_requests_in_a_row")
    answer = client.get("/", fields="Host: x\r\nConnection: close\r\n")
    tap(answer[1].get("connection") == "close" and answer[2] == files["/"] and client.ended(), "httpd_closes_when_told")
    old = Client(port)
    tap(old.get("/", version="1.0", fields="")[2] == files["/"] and old.ended(), "httpd_1_0_closes")


def rude(tap, port):
    climbing = ("/../etc/passwd", "/sub/../../etc/passwd", "/%2e%2e/etc/passwd", "/..%2fetc/passwd", "/sub/%2E./../x", "/./", "/..")
    got = {p: once(port, p)[0] for p in climbing}
    tap(set(got.values()) == {400}, "httpd_climbing_is_refused", str(got))
    requests = {
        b"\0\xff\r\n\r\n": 400, b"GET\r\n\r\n": 400, b"GET / HTTP/1.1\r\n\r\n": 400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": 400,
        b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n": 400, b"GET x HTTP/1.1\r\nHost: x\r\n\r\n": 400, b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n": 400,
        b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n": 400, b"GET /a%2 HTTP/1.1\r\nHost: x\r\n\r\n": 400, b"GET / HTTP/2.0\r\nHost: x\r\n\r\n": 505,
        b"GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n": 400, b"GET / HTTP/1.1\r\nHost : x\r\n\r\n": 400, b"\r\n\r\n": 400,
        b"GET / HTTP/1.1\nHost: x\n\n\r\n\r\n": 400, b"G\x7fT / HTTP/1.1\r\nHost: x\r\n\r\n": 400, b"GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n": 400,
        b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n": 405, b"GET /" + b"x" * 5000: 414, b"GET / HTTP/1.1\r\nX: " + b"x" * 5000: 431,
        b"GET http://machine/ HTTP/1.1\r\nHost: x\r\n\r\n": 200, b"GET /?a=../.. HTTP/1.1\r\nHost: x\r\n\r\n": 200,
    }
    got = {r[:40]: raw(port, r) for r in requests}
    tap(list(got.values()) == list(requests.values()), "httpd_rubbish_is_refused", str(got))
    body = Client(port)
    body.send(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nGET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n")
    tap(body.answer()[0] == 200 and body.ended(), "httpd_a_body_is_no_request")


def crowd(tap, port, files):
    """Half requests, answers that nobody reads, and twenty who want the same at once."""
    held = [Client(port) for _ in range(60)]
    for i, client in enumerate(held):
        client.send(b"GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n" if i % 3 == 0 else b"GET / HT")
    right = [None] * 20

    def fetch(i):
        right[i] = once(port, "/big.bin" if i % 4 == 0 else "/over.bin")[2] == files["/big.bin" if i % 4 == 0 else "/over.bin"]
    threads = [threading.Thread(target=fetch, args=(i,)) for i in range(len(right))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    tap(all(right), "httpd_twenty_at_once_beside_sixty_that_do_not_read", str(right))
    for client in held:
        client.socket.close()
    tap(once(port, "/")[2] == files["/"], "httpd_goes_on")


def run(tap, start, port):
    """`start(folder)`: the machine, with the folder as /www; it serves when it is ready."""
    with tempfile.TemporaryDirectory(prefix="aegis-site-") as name:
        files = site(Path(name))
        os.utime(Path(name) / "index.html", (1, 1234567890))
        machine = start(name)
        try:
            tap(machine.ready.wait(40) and machine.result is None, "httpd_serves", str(machine.result))
            contents(tap, port, files, 1234567890)
            rude(tap, port)
            crowd(tap, port, files)
        except (OSError, ValueError, KeyError) as error:
            tap(False, "httpd", repr(error))
        finally:
            machine.stop()
