# SPDX-License-Identifier: BSD-2-Clause
"""The checksums of all that a machine sends whose device makes them (the GEM's, of IPv4), looked at by the peer; and, in the machine's own
capture of the same frames, that it had left them to the device."""
import socket
import struct
import threading
import time

import tap as tapping
from aegis import ether, machine
from scapy.utils import checksum

OUR_4, GUEST_4 = map(socket.inet_aton, (ether.OUR_IP, ether.GUEST_IP))
OUR_6, GUEST_6 = (socket.inet_pton(socket.AF_INET6, a) for a in (ether.OUR_IP6, ether.GUEST_IP6))
GUEST_MAC = bytes.fromhex(ether.GUEST_MAC.replace(":", ""))
TCP, UDP, FRAGMENT, PORT = 6, 17, 44, 7
SIZES = (1, 2, 3, 63, 64, 211, 212, 213, 1000, 1001, 1452)


def packet(version, protocol, payload, cut=None):
    """A frame for the guest; `cut`: offset and whether more follow, of a fragment."""
    if version == 4:
        where = {"frag": cut[0] // 8, "flags": "MF" * cut[1]} if cut else {}
        return bytes(ether.ipv4(proto=protocol, **where) / payload)
    if cut:
        payload = struct.pack(">BBHI", protocol, 0, cut[0] | cut[1], 7) + payload
        protocol = FRAGMENT
    return bytes(ether.ipv6(nh=protocol) / payload)


def total(version, protocol, payload):
    """Over the pseudo-header too: 0 of what is right."""
    ends = (OUR_4, GUEST_4) if version == 4 else (OUR_6, GUEST_6)
    return checksum(b"".join(ends) + struct.pack(">II", len(payload), protocol) + payload)


def datagram(version, data):
    body = struct.pack(">HHHH", 4000, PORT, 8 + len(data), 0) + data
    return body[:6] + struct.pack(">H", total(version, UDP, body) or 0xffff) + body[8:]


def whole(frame):
    """(version, protocol, payload, cut) of what the guest sent, and whether IPv4's own checksum is right; None: neither IPv4 nor IPv6."""
    if frame[12:14] == b"\x08\0":
        length, mark = struct.unpack(">H2xH", frame[16:22])
        cut = ((mark & 0x1fff) * 8, mark >> 13 & 1) if mark & 0x3fff else None
        return 4, frame[23], frame[34:14 + length], cut, frame[14] == 0x45 and checksum(frame[14:34]) == 0
    if frame[12:14] == b"\x86\xdd":
        length, protocol = struct.unpack(">HB", frame[18:21])
        payload, cut = frame[54:54 + length], None
        if protocol == FRAGMENT:
            protocol, mark = struct.unpack(">BxH", payload[:4])
            payload, cut = payload[8:], (mark & 0xfff8, mark & 1)
        return 6, protocol, payload, cut, True
    return None


def is_right(version, protocol, payload):
    if protocol == UDP and payload[6:8] == b"\0\0":
        return False
    return total(version, protocol, payload) == 0


class Talk:
    def __init__(self, wire):
        self.wire, self.seen, self.wrong, self.pieces = wire, {}, [], {}

    def receive(self, seconds):
        """The next TCP or UDP from port 7: (version, protocol, payload), looked at. None: nothing came for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and (frame := self.wire.receive(left)) is not None:
            found = whole(frame)
            if not found or found[1] not in (TCP, UDP):
                ether.neighbour(self.wire, frame)
                continue
            version, protocol, payload, cut, head = found
            if version == 4 and frame[36:38] == b"\0\x43" and not cut:
                ether.neighbour(self.wire, frame)  # DHCP
                continue
            if version == 6 and frame[38:54] != OUR_6:
                continue
            kind = f"{'tcp' if protocol == TCP else 'udp'}{version}"
            if cut:
                kind, payload = kind + "_cut", self.joined(version, payload, *cut)
            if not head:
                self.wrong.append((kind, frame))
            if payload is None:
                continue
            self.seen[kind] = self.seen.get(kind, 0) + 1
            if not is_right(version, protocol, payload):
                self.wrong.append((kind, frame))
            return version, protocol, payload
        return None

    def joined(self, version, payload, offset, more):
        parts = self.pieces.setdefault(version, {})
        parts[offset] = payload, more
        out = b""
        while len(out) in parts:
            part, follow = parts[len(out)]
            out += part
            if not follow:
                self.pieces[version] = {}
                return out
        return None

    def echo(self, version, data):
        """A datagram, in fragments if it is long, until it comes back."""
        body = datagram(version, data)
        step = len(body) if len(body) <= 1460 else 1400
        for _ in range(20):
            for at in range(0, len(body), step):
                self.wire.send(packet(version, UDP, body[at:at + step], (at, at + step < len(body)) if step < len(body) else None))
            while (got := self.receive(2)) is not None:
                if got[:2] == (version, UDP) and got[2][8:] == data:
                    return True
        return False

    def stream(self, version, data):
        """A connection, by hand: all is sent in segments of 1000, each when the one before has come back."""
        mine, theirs, back = 1000, 0, b""

        def send(flags, payload=b""):
            head = struct.pack(">HHIIBBHHH", 5000 + version, PORT, mine, theirs, 5 << 4, flags, 65535, 0, 0) + payload
            self.wire.send(packet(version, TCP, head[:16] + struct.pack(">H", total(version, TCP, head)) + head[18:]))
        for _ in range(20):
            send(2)
            while (got := self.receive(1)) and not (got[:2] == (version, TCP) and got[2][13] == 0x12):
                pass
            if got:
                break
        else:
            return False
        mine, theirs = mine + 1, struct.unpack(">I", got[2][4:8])[0] + 1
        for at in range(0, len(data), 1000):
            part, tries = data[at:at + 1000], 0
            send(0x18, part)
            while len(back) < at + len(part):
                got = self.receive(2)
                if got is None:
                    tries += 1
                    if tries == 10:
                        return False
                    send(0x18, part)
                    continue
                sequence, payload = struct.unpack(">I", got[2][4:8])[0], got[2][(got[2][12] >> 4) * 4:]
                if got[:2] == (version, TCP) and payload and sequence == theirs:
                    back, theirs = back + payload, theirs + len(payload)
            mine += len(part)
            send(0x10)
        send(4)
        return back == data


def boot(elf, wire, over):
    """echo on the machine, and its capture; (thread, its output by name)."""
    out = {"capture": bytearray(), "said": bytearray()}
    made = machine.make_archive(["sh", "-c", "aegis-tap -w - & exec /srv/echo >&2"], env=machine.default_environment(None), put=[(elf.parent, "/srv")])

    def run():
        with machine.session(made, out=out["capture"].extend, err=out["said"].extend, machine="sifive_u", net=wire.netdev) as running:
            running.loop(None, 100, interrupted=lambda: 99 if over.is_set() else None)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, out


def left_to_the_device(capture):
    """(how many whole frames of IPv4's TCP and UDP the machine sent, those whose checksum was right in its own eyes)."""
    sent = [whole(bytes(f)) for _, f in tapping.frames(capture) if bytes(f)[6:12] == GUEST_MAC]
    sent = [f for f in sent if f and f[0] == 4 and f[1] in (TCP, UDP) and not f[3] and f[2][:2] == struct.pack(">H", PORT)]
    return len(sent), sum(is_right(*f[:3]) for f in sent)


def run(tap, elf, wire):
    over, talk = threading.Event(), Talk(wire)
    thread, out = boot(elf, wire, over)
    data = bytes(i * 7 % 251 for i in range(20000))
    for version in (4, 6):
        good = [size for size in SIZES if talk.echo(version, data[:size])]
        tap(good == list(SIZES), f"gem_udp{version}_comes_back", f"{good} {out['said']}")
        tap(talk.echo(version, data[:3000]) and talk.seen.get(f"udp{version}_cut"), f"gem_udp{version}_in_fragments_comes_back", talk.seen)
        tap(talk.stream(version, data), f"gem_tcp{version}_comes_back", talk.seen)
    kinds = {f"{kind}{version}" for kind in ("udp", "tcp") for version in (4, 6)} | {"udp4_cut", "udp6_cut"}
    tap(not talk.wrong and kinds == set(talk.seen), "gem_sends_right_checksums", f"{talk.seen} {[(k, f.hex()) for k, f in talk.wrong[:4]]}")
    time.sleep(1)
    over.set()
    thread.join(30)
    capture = bytes(out["capture"])
    end = 24  # the last frame may not be whole
    while end + 16 <= len(capture) and end + 16 + (size := struct.unpack_from("<I", capture, end + 8)[0]) <= len(capture):
        end += 16 + size
    four = left_to_the_device(capture[:end])
    tap(four[0] > 30 and four[1] == 0, "gem_makes_them_over_ipv4", four)
