#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""offload.py ECHO: a device that makes checksums and believes them, as QEMU offers with a tap of the host's; the host's kernel is the peer and
looks at all sums that are made. To be run in a network namespace of its own; status 77: there can be no tap here."""
import random
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "tests/machine"))
import guests  # noqa: E402
from aegis import ether, machine  # noqa: E402

NETDEV = "tap,ifname=aegis0,script=no,downscript=no"
TAP, LINK = "aegis0", "fe80::5054:ff:fe12:3456%aegis0"  # the address is made of QEMU's usual Ethernet address


def tap_make(more=""):
    for command in ("link set lo up", f"tuntap add dev {TAP} mode tap {more}", f"addr add {ether.OUR_IP}/24 dev {TAP}", f"addr add fe80::1/64 dev {TAP} nodad", f"link set {TAP} up"):
        if subprocess.run(["ip", *command.split()], capture_output=True).returncode:
            sys.exit(77)


def lend_addresses():
    """What asks by DHCP is the guest."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind((TAP, 0))
    while True:
        got = ether.read(wire.recv(2048))
        if ether.DHCP in got and (answer := ether.dhcp_answer(got)):
            wire.send(bytes(answer))


def stream(address, data):
    with socket.create_connection((address, 7), timeout=20) as s:
        threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)), daemon=True).start()
        got = bytearray()
        while part := s.recv(1 << 16):
            got += part
        return bytes(got) == data


def datagrams(address, data):
    where = socket.getaddrinfo(address, 7, type=socket.SOCK_DGRAM)[0]
    with socket.socket(where[0], socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        for size in (1, 2, 63, 64, 214, 215, 1000, 1452, 4000):
            s.sendto(data[:size], where[4])
            if s.recv(20000) != data[:size]:
                return False
    return True


def echoed(port, data, tries, seconds):
    """A datagram by a socket of its own, sent again when nothing comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        s.connect((ether.GUEST_IP, port))
        for _ in range(tries):
            s.send(data)
            try:
                return s.recv(2000) == data
            except TimeoutError:
                pass
    return False


def ask(name, kind, address, data):
    try:
        good, why = kind(address, data), "other bytes came back"
    except OSError as error:
        good, why = False, error
    tell(name, good, why)


def typed():
    """scripts/run with that network, and curl and nc: IPv6 from end to end; FTP, whose second connection QEMU's user network would not let in."""
    guest = "tcpsvd 0.0.0.0 21 ftpd -A -w / & udpsvd :: 9000 cat & exec httpd -r /etc"
    with subprocess.Popen([ROOT / "scripts/run", f"--net={NETDEV}", "sh", "-c", guest], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as child:
        child.stdout.readline()
        seen = {url: call("curl", "-sS", "-m", "20", "--retry", "5", "--retry-connrefused", url) for url in (f"http://[{LINK}]/passwd", f"http://{ether.GUEST_IP}/passwd")}
        tell("curl_by_ipv6_and_ipv4_over_a_tap", all(b"root:" in s for s in seen.values()), seen)
        call("curl", "-sS", "-T", "-", f"ftp://{ether.GUEST_IP}/tmp/put", stdin=b"put by ftp\n" * 3000)
        got = call("curl", "-sS", f"ftp://{ether.GUEST_IP}/tmp/put")
        tell("curl_by_ftp_there_and_back_over_a_tap", got == b"put by ftp\n" * 3000, got[-200:])
        if shutil.which("nc"):
            tell("nc_u_by_ipv6_over_a_tap", (got := call("nc", "-6", "-u", "-w", "2", LINK, "9000", stdin=b"six\n")) == b"six\n", got)
        child.terminate()


def call(*words, stdin=b""):
    done = subprocess.run(words, input=stdin, capture_output=True, timeout=60)
    return done.stdout or done.stderr


def tell(name, good, why=""):
    print(f"{'ok' if good else 'not ok'} {name}" if good else f"# {why}\nnot ok {name}", flush=True)


def main():
    tap_make()
    threading.Thread(target=lend_addresses, daemon=True).start()
    out, ready, over = bytearray(), threading.Event(), threading.Event()

    def take(part):
        out.extend(part)
        if b"\n" in out:
            ready.set()

    def run():
        made = machine.make_archive([sys.argv[1]], env=machine.default_environment(None))
        with machine.session(made, out=take, err=take, net=NETDEV) as running:
            running.loop(None, 90, interrupted=lambda: 99 if over.is_set() else None)
        ready.set()
    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(60)
    print(f"{'ok' if b'sums by the device' in out else 'not ok'} device_makes_checksums", flush=True)
    data = random.Random(9).randbytes(1 << 20)
    for name, address in (("4", ether.GUEST_IP), ("6", LINK)):
        ask(f"device_makes_checksums_tcp{name}", stream, address, data)
        ask(f"device_makes_checksums_udp{name}", datagrams, address, data)
    over.set()
    thread.join()
    if shutil.which("curl"):
        typed()
    guests.boot(guests.build("machine-offload", guests.OFFLOAD), "a device that makes checksums", harts=1, memory=256, net=NETDEV)


if __name__ == "__main__":
    main()
