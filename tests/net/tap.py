# SPDX-License-Identifier: BSD-2-Clause
"""aegis-tap: its captures, read as libpcap's are, against what was sent."""
import re
import shutil
import struct
import subprocess

from aegis import ether
from aegis.ether import ICMP, TCP


def frames(data):
    """[(seconds, what was in it)] of a capture."""
    magic, major, minor, _, _, snap, link = struct.unpack_from("<IHHiIII", data)
    if (magic, major, minor, snap, link) != (0xa1b2c3d4, 2, 4, 1518, 1):
        raise ValueError(f"not a capture: {data[:24]!r}")
    at, found = 24, []
    while at < len(data):
        seconds, micro, kept, length = struct.unpack_from("<IIII", data, at)
        if kept != length or micro >= 1000000 or at + 16 + kept > len(data):
            raise ValueError(f"frame {len(found)}: {kept} of {length} bytes")
        found.append((seconds + micro / 1e6, ether.read(data[at + 16:at + 16 + kept])))
        at += 16 + kept
    return found


def stream(found, port):
    """What was sent from a TCP port, put together again."""
    parts = {}
    for _, got in found:
        if TCP in got and got[TCP].sport == port:
            parts[got[TCP].seq] = ether.data(got)
    out, at = b"", min(parts, default=0) + 1  # behind the SYN
    while parts.get(at):
        out += parts[at]
        at += len(parts[at])
    return out


def others_read(tap, data, count):
    """tcpdump, where it is, sees as many frames, and no wrong sum."""
    if not shutil.which("tcpdump"):
        return
    done = subprocess.run(["tcpdump", "-vvnr", "-"], input=data, capture_output=True, timeout=60)
    lines = re.findall(rb"^\d\d:\d\d:\d\d\.\d{6} ", done.stdout, re.M)
    wrong = re.findall(rb".*(?:\(incorrect|bad cksum|\[\|).*", done.stdout)  # whatever the payload, of which it prints some, may say
    tap(done.returncode == 0 and len(lines) == count and not wrong, "tap_is_read_by_tcpdump", (len(lines), count, wrong, done.returncode, done.stderr))


def run(tap, ssh, fetch):
    """`fetch()` gets something from port 81 and returns it."""
    started = ssh("aegis-tap -w /tmp/tap.pcap 'icmp or tcp port 81' > /dev/null 2> /tmp/tap.said & sleep 1; ping -c 3 10.0.2.2 > /dev/null")
    got = fetch()
    data = ssh("kill -INT $(pidof aegis-tap); sleep 1; cat /tmp/tap.pcap")
    said = ssh("cat /tmp/tap.said") or b""
    try:
        found = frames(data or b"")
    except (ValueError, struct.error) as error:
        tap(False, "tap_is_a_capture", f"{error!r} {said!r}")
        return
    tap(started is not None and b" 0 lost" in said, "tap_ends_when_it_is_told", said)
    asked, answered = ([(got[ICMP].id, got[ICMP].seq, ether.data(got)) for _, got in found if ICMP in got and got[ICMP].type == kind] for kind in (8, 0))
    tap(len(asked) == 3 and asked == answered, "tap_sees_pings_and_answers", f"{len(asked)} {len(answered)}")
    tap(all(ICMP in got or TCP in got and 81 in (got[TCP].sport, got[TCP].dport) for _, got in found), "tap_shows_what_was_asked_for")
    tap(got in stream(found, 81), "tap_has_the_whole_stream", f"{len(got)} {len(stream(found, 81))} {said!r}")
    others_read(tap, data, len(found))
    tap([t for t, _ in found] == sorted(t for t, _ in found), "tap_in_order")
    out = ssh("(sleep 1; ping -c 1 10.0.2.2 > /dev/null) & aegis-tap -c 2 -x icmp 2> /dev/null") or b""
    tap(b"> 10.0.2.15 > 10.0.2.2: ICMP type 8" in out and b"  0000  " in out, "tap_prints_lines_and_bytes", out)
    tap(ssh("aegis-tap 'host nowhere.example' 2>&1", status=2) is not None and ssh("aegis-tap -c 0", status=2) is not None, "tap_refuses")
