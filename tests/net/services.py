# SPDX-License-Identifier: BSD-2-Clause
"""Other people's servers and clients, all on one machine: two web servers, an SSH server in which the shell is dash on a
pseudo-terminal, iperf, busybox's ping, wget, nc and ftpd."""
import http.client
import http.server
import json
import random
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import remote
import tap as tapping

START = """\
mkdir -p /var/tmp
dropbear -R -p 22
mini_httpd -p 81 -d /www -dd /www -l /dev/null
lighttpd -f /srv/lighttpd.conf
tcpsvd 0.0.0.0 21 ftpd -A -w /www &
iperf -s > /dev/null &
throughput > /dev/null &
echo serving
wait
"""
LIGHTTPD = """\
server.document-root = "/www"
server.port = 80
server.modules = ("mod_indexfile", "mod_dirlisting", "mod_cgi", "mod_status", "mod_staticfile")
index-file.names = ("index.html")
status.status-url = "/status"
cgi.assign = (".sh" => "/bin/sh")
dir-listing.activate = "enable"
"""
CGI = """\
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo "asked for $QUERY_STRING by $REQUEST_METHOD"
"""


def files(folder, data):
    """What is put into the machine: [(host, guest)]."""
    for sub in ("srv", "www/sub", "ssh"):
        (folder / sub).mkdir(parents=True)
    (folder / "srv/start").write_text(START)
    (folder / "srv/lighttpd.conf").write_text(LIGHTTPD)
    (folder / "www/index.html").write_bytes(b"<p>here\n")
    (folder / "www/data.bin").write_bytes(data)
    (folder / "www/sub/one.txt").write_bytes(b"one\n")
    (folder / "www/ask.sh").write_text(CGI)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    shutil.copy(folder / "key.pub", folder / "ssh/authorized_keys")
    return [(folder / "srv", "/srv"), (folder / "www", "/www"), (folder / "ssh", "/root/.ssh")]


class Host(threading.Thread):
    """A web server of the host's, at 127.0.0.1 or ::1."""

    def __init__(self, data, family=socket.AF_INET):
        super().__init__(daemon=True)

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = family
        self.server = Server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), Answer)
        self.port = self.server.server_address[1]
        self.start()

    def run(self):
        self.server.serve_forever()


def get(port, path, method="GET"):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    c.request(method, path)
    r = c.getresponse()
    return r.status, r.read()


def web(tap, name, port, data):
    tap(get(port, "/") == (200, b"<p>here\n"), f"{name}_index")
    tap(get(port, "/data.bin") == (200, data), f"{name}_300_kib")
    tap(get(port, "/nothing")[0] == 404 and get(port, "/%2e%2e/etc/passwd")[0] in (400, 403, 404), f"{name}_refuses")
    got = [None] * 8
    threads = [threading.Thread(target=lambda i=i: got.__setitem__(i, get(port, "/data.bin") == (200, data))) for i in range(len(got))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    tap(all(got), f"{name}_eight_at_once", str(got))


class Ssh:
    def __init__(self, key, port):
        self.command = ["ssh", "-i", key, "-p", str(port), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                        "-o", "LogLevel=ERROR", "root@127.0.0.1"]

    def __call__(self, *words, tty=False, stdin=b"", status=0):
        """What the command printed, or None when its status was another."""
        done = subprocess.run([*self.command, *(["-tt"] if tty else []), *words], input=stdin, capture_output=True, timeout=120)
        if done.returncode != status:
            print(f"# {words}: status {done.returncode}: {done.stdout!r} {done.stderr!r}")
            return None
        return done.stdout


def shell(tap, ssh):
    out = ssh(tty=True, stdin=b"tty; echo $((6 * 7)) of $0; exit 3\n", status=3) or b""
    tap(b"/dev/pts/" in out and re.search(rb"42 of -?(dash|sh)", out), "ssh_ends_in_dash_on_a_pseudo_terminal", out)
    noise = random.Random(2).randbytes(200_000)
    tap(ssh("cat", stdin=noise) == noise, "ssh_carries_200_kb_there_and_back")
    tap(ssh("exit 7", status=7) == b"", "ssh_status_is_the_commands")


def clients(tap, ssh, data):
    ours = Host(data)
    tap(ssh(f"wget -q -O - http://10.0.2.2:{ours.port}/x") == data, "wget_from_the_host")
    if socket.has_ipv6:
        six = Host(data, socket.AF_INET6)
        tap(ssh(f"wget -q -O - 'http://[fec0::2]:{six.port}/x'") == data, "wget_from_the_host_ipv6")
    out = ssh("ping -c 3 10.0.2.2") or b""
    tap(b"3 packets transmitted, 3 packets received" in out, "ping", out)
    out = ssh("ping6 -c 3 fe80::2") or b""
    tap(b"3 packets transmitted, 3 packets received" in out and len(re.findall(rb" ttl=\d+ ", out)) == 3, "ping6", out)
    with socket.create_server(("127.0.0.1", 0)) as s:
        s.settimeout(60)
        threading.Thread(target=lambda: ssh(f"echo to the host | nc 10.0.2.2 {s.getsockname()[1]}"), daemon=True).start()
        c = s.accept()[0]
        tap(c.recv(100) == b"to the host\n", "nc_to_the_host")
        c.close()


def netcat(tap, ssh, tcp, udp):
    """busybox's nc and udpsvd as servers."""
    tap(ssh("(nc -l -p 90 > /tmp/got) > /dev/null 2>&1 & udpsvd 0.0.0.0 90 cat > /dev/null 2>&1 & sleep 1") is not None, "nc_listens")
    with socket.create_connection(("127.0.0.1", tcp), timeout=30) as s:
        s.sendall(b"from the host\n")
    tap(ssh("sleep 1; cat /tmp/got") == b"from the host\n", "nc_from_the_host")
    if not shutil.which("nc"):
        return
    done = subprocess.run(["nc", "-u", "-w", "3", "127.0.0.1", str(udp)], input=b"datagram\n", capture_output=True, timeout=60)
    tap(done.stdout == b"datagram\n", "nc_u_of_the_host", done)


class Ftp:
    """A client in active mode: behind QEMU's user network the server reaches us, not we it."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.lines = self.socket.makefile("rb")
        self.answer()
        for line in ("USER root", "PASS x", "TYPE I"):
            self.say(line)

    def answer(self):
        line = self.lines.readline()
        while line[3:4] == b"-":
            line = self.lines.readline()
        return int(line[:3])

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.answer()

    def transfer(self, line, data=None):
        with socket.create_server(("127.0.0.1", 0)) as s:
            s.settimeout(60)
            self.say("PORT 10,0,2,2,%d,%d" % divmod(s.getsockname()[1], 256))
            self.say(line)
            got, c = bytearray(), s.accept()[0]
            if data is None:
                while part := c.recv(1 << 16):
                    got += part
            else:
                c.sendall(data)
            c.close()
            return bytes(got), self.answer()


def ftp(tap, ssh, port, data):
    client = Ftp(port)
    tap(client.transfer("RETR data.bin") == (data, 226), "ftpd_gives_a_file")
    tap(client.transfer("STOR put.bin", data[::-1])[1] == 226 and client.transfer("RETR put.bin") == (data[::-1], 226), "ftpd_takes_a_file")
    tap(b"sub" in client.transfer("NLST")[0], "ftpd_lists")
    tap(client.say("QUIT") == 221, "ftpd_ends")


def iperf(tap, tcp, words=(), name=""):
    done = subprocess.run(["iperf", "-c", "127.0.0.1", "-p", str(tcp), "-t", "1", "-f", "m", *words], capture_output=True, text=True, timeout=60)
    found = re.findall(r"([\d.]+) Mbits/sec", done.stdout)
    tap(done.returncode == 0 and found and float(found[-1]) > 1, f"iperf_from_the_host{name}", done.stdout + done.stderr)


def iperf3(tap, port):
    """apps/throughput, driven in each way that there is; the client believes its server's results only when they are whole."""
    for words in ("", "-R", "-P 4", "--bidir", "-n 20M", "-u -b 5M", "-u -R -b 5M", "-u -P 3"):
        command = ["iperf3", "-c", "127.0.0.1", "-p", str(port), "-J", *(words if "-n" in words else words + " -t 1").split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        try:
            end = json.loads(done.stdout)["end"]
            sums = [end[k] for k in end if k.startswith("sum")]
            good = sums and all(s["bytes"] > 1e5 for s in sums)
        except (ValueError, KeyError):
            good = False
        tap(done.returncode == 0 and good, f"iperf3_from_the_host{words.replace(' ', '')}", done.stdout[-3000:] + done.stderr)


def rude_to_throughput(tap, port):
    """Clients that stop half way, lie about sizes, or ask for what there is not; the next one is served."""
    cookie = b"c" * 37
    for said in (b"", cookie[:9], cookie + b"\xff\xff\xff\xff", cookie + b"\0\0\0\5{\"le", cookie + b"\0\0\0\2{}\1", cookie + b"\0\0\0\x12{\"parallel\":9999} "):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
            s.sendall(said)
    done = subprocess.run(["iperf3", "-c", "127.0.0.1", "-p", str(port), "-n", "1M"], capture_output=True, text=True, timeout=60)
    tap(done.returncode == 0, "iperf3_after_rude_clients", done.stdout + done.stderr)


def run(tap, start, ports):
    """`start(forward, put)` is a machine that runs /srv/start; `ports(n)` are free ones of the host."""
    if not shutil.which("ssh"):
        print("ok services # left out: there is no ssh")
        return
    data = random.Random(3).randbytes(300 << 10)
    host = ports(7)
    guest = ["tcp:22", "tcp:81", "tcp:80", "tcp:21", "tcp:5001", "tcp:90", "tcp:5201"]
    forward = [f"tcp:{h}:{g.split(':')[1]}" for h, g in zip(host, guest)] + [f"udp:{host[5]}:90", f"udp:{host[4]}:5001", f"udp:{host[6]}:5201"]
    with tempfile.TemporaryDirectory(prefix="aegis-services-") as name:
        folder = Path(name)
        machine = start(forward, files(folder, data))
        try:
            tap(machine.ready.wait(60) and machine.result is None, "services_start", str(machine.result))
            ssh = Ssh(folder / "key", host[0])
            shell(tap, ssh)
            remote.run(tap, ssh, folder, data)
            web(tap, "mini_httpd", host[1], data)
            web(tap, "lighttpd", host[2], data)
            tap(get(host[2], "/ask.sh?me") == (200, b"asked for me by GET\n"), "lighttpd_cgi")
            tap(b"one.txt" in get(host[2], "/sub/")[1], "lighttpd_lists_a_folder")
            clients(tap, ssh, data)
            netcat(tap, ssh, host[5], host[5])
            ftp(tap, ssh, host[3], data)
            tapping.run(tap, ssh, lambda: get(host[1], "/data.bin")[1])
            if shutil.which("iperf"):
                iperf(tap, host[4])
                iperf(tap, host[4], ("-P", "4"), "_four_at_once")
                iperf(tap, host[4], ("-r",), "_both_ways")
            if shutil.which("iperf3"):
                iperf3(tap, host[6])
                rude_to_throughput(tap, host[6])
        except (OSError, http.client.HTTPException, subprocess.TimeoutExpired) as error:
            tap(False, "services", repr(error))
        finally:
            machine.stop()
