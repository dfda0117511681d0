# SPDX-License-Identifier: BSD-2-Clause
"""What the README says to type: scripts/run as a command, and curl, nc, iperf3 and a browser of the host's, by IPv4 and by IPv6 (at ::1)."""
import random
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUEST = "udpsvd 0.0.0.0 9000 cat & throughput > /dev/null & exec httpd -r /www"


def call(*words, stdin=b"", seconds=60):
    return subprocess.run([str(w) for w in words], input=stdin, capture_output=True, timeout=seconds)


class Run:
    """scripts/run with what follows; `line` is the first line that it printed."""

    def __init__(self, *words):
        self.child = subprocess.Popen([ROOT / "scripts/run", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        watch = threading.Timer(120, self.child.kill)
        watch.start()
        self.line = self.child.stdout.readline()
        watch.cancel()

    def end(self):
        self.child.terminate()
        self.child.wait(timeout=30)
        return self.child.stderr.read()


def curl(tap, name, url, data):
    done = call("curl", "-sS", url + "/data.bin")
    tap(done.stdout == data, f"curl_{name}", done.stderr)
    done = call("curl", "-sS", "--parallel", *(f"{url}/data.bin?{i}" for i in range(8)))
    tap(len(done.stdout) == 8 * len(data) and done.stdout.count(data[:100]) == 8, f"curl_{name}_eight_at_once", done.stderr)


def nc(tap, name, address, port):
    done = call("nc", "-u", "-w", "2", address, port, stdin=b"datagram\n")
    tap(done.stdout == b"datagram\n", f"nc_u_{name}", done)


def browser(tap, url):
    with tempfile.TemporaryDirectory(prefix="aegis-browser-") as profile:
        done = call("chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--virtual-time-budget=3000", "--dump-dom", url,
                    seconds=180)
    tap(b"<p id=\"script\">ran, with a picture of 3 by 2</p>" in done.stdout, "browser_shows_page_script_and_picture", done.stdout[-1000:])


PAGE = b"""<!doctype html><title>page</title><p id="script"></p><img src="p.svg"
onload="document.getElementById('script').textContent = 'ran, with a picture of ' + this.naturalWidth + ' by ' + this.naturalHeight">
"""


def site(folder, data):
    folder.chmod(0o755)  # mini_httpd reads as nobody
    (folder / "index.html").write_bytes(PAGE)
    (folder / "p.svg").write_bytes(b'<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"/>')
    (folder / "data.bin").write_bytes(data)


def families():
    """(its name, the address in a URL, the address)."""
    found = [("ipv4", "localhost", "127.0.0.1")]
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        found.append(("ipv6", "[::1]", "::1"))
    except OSError:
        print("# the host has no IPv6")
    return found


def ask(tap, ports, data):
    tcp, udp, iperf = ports
    for name, place, address in families():
        curl(tap, name, f"http://{place}:{tcp}", data)
        nc(tap, name, address, udp)
        if shutil.which("iperf3"):
            for how in (("-n", "4M"), ("-n", "4M", "-R"), ("-u", "-b", "4M", "-t", "1")):
                done = call("iperf3", "-c", address, "-p", iperf, *how)
                tap(done.returncode == 0, f"iperf3_{name}_{''.join(how)}", done.stdout + done.stderr)
    if shutil.which("chromium"):
        browser(tap, f"http://localhost:{tcp}/")


def taken(tap, port):
    """A port of the host's that is somebody else's."""
    done = call(ROOT / "scripts/run", "--forward", f"tcp:{port}:80", "true")
    tap(done.returncode != 0 and str(port).encode() in done.stderr and b"Traceback" not in done.stderr, "taken_port_is_told", done)


def others(tap, folder, port, data):
    """The README's other web servers; and ours on the other machine, by its GEM."""
    for options, words in (((), ("lighttpd", "-D", "-f", "/etc/lighttpd.conf")), ((), ("mini_httpd", "-D", "-d", "/www")),
                           (("--machine", "sifive_u", "--smp", "4"), ("httpd", "-r", "/www"))):
        machine = Run(*options, "--put", f"{folder}=/www", "--forward", f"tcp:{port}:80", "--", "sh", "-c", "echo; exec " + " ".join(words))
        done = call("curl", "-sS", "--retry", "30", "--retry-delay", "1", "--retry-all-errors", f"http://localhost:{port}/data.bin")
        said = machine.end()
        tap(done.stdout == data and b"exist" not in said, f"typed_{words[0]}{'_on_sifive_u' if options else ''}", (done.stderr, said))


def ssh(tap, port):
    """In as the README has it, but for the host's list of known keys."""
    with tempfile.TemporaryDirectory(prefix="aegis-key-") as folder:
        call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/key")
        child = subprocess.Popen([ROOT / "scripts/run", "--put", f"{folder}/key.pub=/root/.ssh/authorized_keys", "--forward", f"tcp:{port}:22", "dropbear", "-R", "-F"],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        child.stderr.readline()  # it serves
        done = call("ssh", "-i", f"{folder}/key", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-tt", "-p", port, "root@localhost",
                    stdin=b"echo $((6*7)) by $0 on $(tty)\nexit\n")
        child.terminate()
        child.wait(timeout=30)
        tap(b"42 by -sh on /dev/pts/0" in done.stdout, "typed_dropbear", done)


def run(tap, ports):
    data = random.Random(12).randbytes(1 << 20)
    with tempfile.TemporaryDirectory(prefix="aegis-typed-") as name:
        site(Path(name), data)
        tcp, udp, iperf = ports
        machine = Run("--put", f"{name}=/www", "--forward", f"tcp:{tcp}:80", "--forward", f"udp:{udp}:9000", "--forward", f"tcp:{iperf}:5201",
                      "--forward", f"udp:{iperf}:5201", "--", "sh", "-c", GUEST)
        try:
            tap(machine.line.startswith(b"httpd: http://"), "typed_serves", machine.line)
            ask(tap, ports, data)
            taken(tap, tcp)
        except subprocess.TimeoutExpired as error:
            tap(False, "typed", repr(error))
        finally:
            machine.end()
        others(tap, name, tcp, data)
        if shutil.which("ssh"):
            ssh(tap, tcp)
