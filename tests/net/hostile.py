# SPDX-License-Identifier: BSD-2-Clause
"""Frames that are wrong in every way, to a machine whose stack is lwIP: none is answered as if it were right, the kernel counts each, right
ones are answered behind each kind, the machine goes on, and has as many pages as before."""
import random
import time

from aegis import ether
from aegis.ether import ICMP, IP, TCP, UDP, Ether, IPv6, Raw, data, ipv4, ipv6
from scapy.fields import RawVal
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet6 import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6MLQuery, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_Redirect, ICMPv6NDOptMTU,
                                ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6ParamProblem, IPv6ExtHdrDestOpt,
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, ICMPv6ND_RA)
from scapy.layers.l2 import ARP
from scapy.packet import fuzz
from scapy.utils import checksum

MARK = b"never to be answered"
ICMP_WRONG = 999  # identifies echo requests that must not be answered
IPV4, IPV6 = 20, 40  # bytes of a header
ROOM = 1536  # that the driver gives the device for a frame: what is longer the device throws away


def datagram(payload, **fields):
    return UDP(**{"sport": 4000, "dport": 7, **fields}) / Raw(payload)


def segment(payload=b"", **fields):
    return TCP(**{"sport": 4100, "dport": 80, "seq": 1, "flags": "S", **fields}) / Raw(payload)


def ping6(**fields):
    return ICMPv6EchoRequest(**{"id": ICMP_WRONG, "seq": 1, "data": MARK, **fields})


def right_ones():
    """One of each kind, that would be answered."""
    return [ipv4() / datagram(MARK * 3), ipv4() / segment(), ether.ping(id=ICMP_WRONG), ipv6() / datagram(MARK * 3),
            ipv6() / segment(dport=7), ipv6() / ping6()]


# ---- what is wrong: each makes a list of frames, none of which may be answered unless it says so ----

def truncated():
    return [whole[:n] for whole in map(bytes, right_ones()) for n in range(len(whole))]


def oversized():
    """Longer than a frame can be, whatever their headers say; and the longest, whose headers say more."""
    frames = [(bytes(frame) + bytes(size))[:size] for frame in right_ones() for size in (1519, 1520, ROOM + 1, 1600, 2400)]
    longest = [ipv4(len=65535) / datagram(bytes(1476), chksum=0), ipv6(plen=65535) / datagram(bytes(1456))]
    return frames + [bytes(frame) for frame in longest]


def lengths():
    frames = [ipv4(len=n) / datagram(MARK) for n in (0, 1, 19, 20, 27, 60, 200, 1500, 65535)]
    frames += [ipv4() / datagram(MARK, len=n, chksum=0) for n in (0, 1, 7, 30, 60, 200, 65535)]
    frames += [ipv4(len=n) / segment() for n in (0, 19, 20, 39, 41, 60, 65535)]
    frames += [ipv4(len=n) / ICMP(id=ICMP_WRONG) / Raw(MARK) for n in (0, 19, 20, 21, 27, 60, 65535)]
    frames += [ipv4() / segment(dataofs=n) for n in (0, 1, 4, 6, 15)]
    frames += [ipv6(plen=n) / datagram(MARK) for n in (0, 1, 7, 8, 27, 60, 200, 1500, 65535)]
    frames += [ipv6() / datagram(MARK, len=n) for n in (0, 1, 7, 30, 60, 200, 65535)]
    frames += [ipv6(plen=n) / ping6() for n in (0, 1, 3, 7, 8, 60, 65535)]
    frames += [ipv6(plen=n) / segment(dport=7) for n in (0, 19, 21, 60, 65535)]
    frames += [ipv4(version=n) / datagram(MARK) for n in (0, 5, 6, 15)] + [ipv6(version=n) / datagram(MARK) for n in (0, 4, 5, 15)]
    return frames


def header_lengths():
    """IHL below 5, and beyond the packet. The checksum is right by the header that there is, and by the one that is said."""
    frames = [ipv4(ihl=n) / what for n in (0, 1, 2, 3, 4, 8, 15) for what in (datagram(MARK, chksum=0), segment(), ICMP(id=ICMP_WRONG))]
    for frame in list(frames):
        frame = frame.copy()
        frame[IP].chksum = 0
        frame[IP].chksum = checksum(bytes(frame[IP])[:4 * frame[IP].ihl])
        frames.append(frame)
    return frames


def sums():
    """Off by a bit, by all, and none where none is not allowed."""
    frames = []
    for frame in right_ones() + [ipv4() / segment(MARK, flags="PA", dport=7), ipv6() / ICMPv6ND_NS(tgt=ether.GUEST_IP6)]:
        for layer in (IP, UDP, TCP, ICMP, ICMPv6EchoRequest, ICMPv6ND_NS):
            if layer not in frame:
                continue
            name = "cksum" if layer in (ICMPv6EchoRequest, ICMPv6ND_NS) else "chksum"
            good = getattr(ether.read(bytes(frame))[layer], name)
            for wrong in (good ^ 1, good ^ 0x8000, good ^ 0xffff, 0):
                if wrong or layer is not UDP or IPv6 in frame:
                    frames.append(frame.copy())
                    setattr(frames[-1][layer], name, wrong)
    return frames


def pieces(packet):
    """What a packet carries, as bytes that may be cut."""
    return bytes(ether.read(bytes(packet))[UDP])


def fragment(carried, at, more, ident):
    """Of a packet `ident`; `at`: a multiple of 8."""
    return ipv4(id=ident, proto=17, flags="MF" if more else 0, frag=at // 8) / Raw(carried)


def fragment6(carried, at, more, ident):
    return ipv6() / IPv6ExtHdrFragment(nh=17, offset=at // 8, m=int(more), id=ident) / Raw(carried)


def fragments_of(fragment, whole, chance, count):
    """Overlapping, with holes, beyond the largest packet, of one byte, ends that contradict each other."""
    frames = []
    for ident in range(count):
        kind = ident % 7
        if kind == 0:  # the second begins in the first; one behind the other they would be right
            frames += [fragment(whole[:800], 0, True, ident), fragment(whole[800:], 400, False, ident)]
        elif kind == 1:  # it lies in the first
            frames += [fragment(whole[:800], 0, True, ident), fragment(whole[160:400], 160, False, ident)]
        elif kind == 2:
            frames += [fragment(whole[:1000], 65528, False, ident), fragment(whole[:1000], 65528, True, ident)]
        elif kind == 3:
            frames += [fragment(whole[:13], 8, True, ident), fragment(whole[:1], 0, True, ident)]
        elif kind == 4:  # two ends
            frames += [fragment(whole[800:], 800, False, ident), fragment(whole[400:800], 400, False, ident)]
        elif kind == 5:  # the first begins in the second, and ends behind it: whichever is kept, a part is missing
            frames += [fragment(whole[400:1200], 400, True, ident), fragment(whole[:808], 0, True, ident), fragment(whole[1208:], 1208, False, ident)]
        else:
            frames += [fragment(whole[n:n + 8], n, True, ident) for n in chance.sample(range(0, 1200, 8), 20)]
    return frames


def fragments():
    chance = random.Random(11)
    return (fragments_of(fragment, pieces(ipv4() / datagram(MARK * 66)), chance, 210)
            + fragments_of(fragment6, pieces(ipv6() / datagram(MARK * 66)), chance, 210))


OPTIONS = {  # of IPv4, 4 to 40 bytes: none of them is a reason not to take what the packet carries
    "a record of the route without room": b"\x07\xff\x04\0", "of length 0": b"\x83\0\0\0", "of length 1": b"\x83\1\0\0", "over the end": b"\x83\x27" + bytes(38),
    "of length 255": b"\x83\xff\4" + bytes(37), "a length that is cut off": b"\1\1\1\x83", "time stamps of length 3": b"\x44\3\0\0" * 10,
    "40 ends": bytes(40), "40 times nothing": b"\1" * 40, "security, streams, alerts": b"\x82\x0b" + bytes(9) + b"\x88\4\0\0\x94\4\0\0\0",
    "a route of ours": b"\x83\7\4\x0a\0\0\1\0", "a strict one": b"\x89\7\4\x0a\0\0\1\0",
}
TCP_OPTIONS = {  # of a SYN
    "of length 0": b"\xfd\0\0\0", "of length 1": b"\xfd\1\0\0", "over the end": b"\xfd\x28\0\0", "of length 255": b"\xfd\xff" + bytes(38),
    "no length": b"\1\1\1\xfd", "MSS of length 0": b"\2\0\5\xb4", "MSS of length 1": b"\2\1\5\xb4", "MSS over the end": b"\1\1\2\4", "MSS 0": b"\2\4\0\0",
    "MSS 1": b"\2\4\0\1", "scale over the end": b"\1\1\1\3", "scale 255": b"\3\3\xff\1", "SACK of length 40": b"\5\x28" + bytes(38), "no option": bytes(40),
    "nothing": b"\1" * 40, "all at once": (b"\2\4\5\xb4\4\2\3\3\x0e\x08\x0a" + bytes(20))[:40] + b"\xfd\0\xfd\xff\2\3\3\0\xfd",
}


NUMBERS = {IPv6ExtHdrHopByHop: 0, IPv6ExtHdrRouting: 43, IPv6ExtHdrFragment: 44, IPv6ExtHdrDestOpt: 60, UDP: 17}


def chain(*headers, behind=None):
    """Extension headers, each of which says what follows unless it says something else."""
    frame, following = ipv6(), [*(h.copy() for h in headers), behind or datagram(MARK)]
    frame[IPv6].nh = NUMBERS[type(following[0])]
    for header, behind in zip(following, following[1:]):
        if "nh" not in header.fields:
            header.nh = NUMBERS[type(behind)]
    for header in following:
        frame /= header
    return frame


def options(kind, raw, **fields):
    """A header with these bytes, 6 or 8 more each time, as options."""
    return kind(**{"len": (len(raw) + 2) // 8 - 1, "options": RawVal(raw), **fields})


def good_chains():
    """What is right behind them is answered."""
    unknown, plain, hops = options(IPv6ExtHdrDestOpt, b"\x1e\4" + bytes(4)), IPv6ExtHdrDestOpt(), IPv6ExtHdrHopByHop()
    return ([plain], [hops], [hops, plain, unknown], [plain] * 100, [unknown] * 10, [IPv6ExtHdrFragment()] * 20, [IPv6ExtHdrRouting(segleft=0)],
            [options(IPv6ExtHdrDestOpt, bytes(198))])


def chains():
    """Headers that end behind the packet, that never end, that stand where they must not, options over their header's end."""
    frames, plain, hops = [], IPv6ExtHdrDestOpt(), IPv6ExtHdrHopByHop()
    for kind in (IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt):
        frames += [chain(options(kind, b"\1\4" + bytes(4), len=n)) for n in (5, 30, 100, 254, 255)]
        frames += [chain(options(kind, bytes((option, 4)) + bytes(4))) for option in (0x40, 0x7f, 0x80, 0xbf, 0xc1, 0xff)]
        frames += [chain(options(kind, bytes((option, 255)) + bytes(4), len=255)) for option in (1, 5, 0xc2, 0xc9, 0x1e)]
        frames += [bytes(chain(kind(), plain))[:14 + IPV6 + n] for n in range(16)]
    frames += [ipv6(nh=60) / Raw(bytes(IPv6ExtHdrDestOpt(nh=60)) * n) for n in (1, 2, 50, 180)]  # one more follows, says the last one too
    frames += [ipv6(nh=60) / Raw(bytes((60, n)) + bytes(8 * n + 6)) for n in (0, 1, 63, 128)]
    frames += [chain(plain, hops), chain(hops, hops), chain(*[plain] * 100, hops)]
    frames += [chain(IPv6ExtHdrRouting(type=kind, segleft=left)) for kind in (0, 1, 4, 253) for left in (1, 255)]
    frames += [chain(IPv6ExtHdrRouting(len=n, segleft=n)) for n in (1, 3, 255)]
    frames += [chain(IPv6ExtHdrDestOpt(nh=n), behind=Raw(MARK)) for n in (59, 253, 255, 50, 51)]
    frames += [chain(IPv6ExtHdrFragment(nh=n, offset=at, m=more)) for n in (0, 43, 44, 60, 17) for at, more in ((0, 1), (8191, 0), (8191, 1))]
    return frames + [chain(plain, IPv6ExtHdrFragment(nh=60, m=1), options(IPv6ExtHdrDestOpt, bytes(6), len=200))]


# (code, where): what the machine says of these. Options of the kinds 2 and 3, by their place; routing headers' kind and length; what follows.
PROBLEMS = {(2, IPV6 + 2): 8, (0, IPV6 + 2): 8, (0, IPV6 + 1): 2, (1, IPV6): 6, (1, IPV6 + 8 * 99): 1}


def problems_are_told(heard):
    told = [(got[ICMPv6ParamProblem].code, got[ICMPv6ParamProblem].ptr) for got in heard if ICMPv6ParamProblem in got]
    return {problem: told.count(problem) for problem in PROBLEMS} == PROBLEMS or told


def segments():
    """Of connections that there are not, and SYNs of who never answers."""
    chance = random.Random(12)

    def any_segment(flags, offset=5, carried=b"", **fields):
        return ipv4() / segment(carried, sport=chance.randrange(1024, 65536), seq=chance.getrandbits(32), ack=chance.getrandbits(32), flags=flags,
                                dataofs=offset, **fields)
    frames = [any_segment(f, o, chance.randbytes(chance.choice((0, 3, 40)))) for f in range(64) for o in (0, 4, 5, 6, 15)]
    return frames + [any_segment("S") for _ in range(400)]


def others():
    """What is no packet of somebody's: ARP, neighbours' and control messages, other protocols, with whatever in them."""
    chance, to_guest = random.Random(13), ether.to_guest
    frames = [to_guest(Raw(chance.randbytes(n)), type=kind) for kind in (0x806, 0x86dd, 0x800) for n in range(0, 46, 3)]
    frames += [ipv6(nh=kind) / Raw(bytes((kind, n)) + chance.randbytes(38)) for kind in (0, 43, 44, 50, 51, 58, 60) for n in (0, 1, 4, 255)]
    for kind in range(128, 140):
        for option in (1, 3, 5, 200):
            frame = ipv6(nh=58) / ICMPv6EchoRequest(type=kind, data=bytes(16) + bytes((option, 0)) + bytes(14))  # its length: 0
            frames.append(frame)
    frames += [ipv4() / ICMP(type=kind, code=code) / Raw(chance.randbytes(26)) for kind in range(20) for code in (0, 3, 255) if kind != 8]
    return frames + [to_guest(Raw(chance.randbytes(64)), type=kind) for kind in (0, 46, 0x8100, 0x88a8, 0x0800, 0x86dd)]


def mutated():
    """Right ones, some of whose bytes are not."""
    chance, whole, frames = random.Random(14), bytes(ipv4() / datagram(MARK)), []
    while len(frames) < 1500:
        frame = bytearray(whole)
        for _ in range(chance.randrange(1, 5)):
            frame[chance.randrange(12, len(frame))] = chance.randrange(256)
        if frame[14 + IPV4:] != whole[14 + IPV4:]:
            frames.append(bytes(frame))
    return frames


def fuzzed():
    """Scapy's fuzz: each field that has a default has a value by chance, lengths and checksums are right. Who may be answered does not carry the mark."""
    random.seed(15)  # scapy's chance too
    hops = {"hlim": 255}
    kinds = [
        lambda: ipv4() / fuzz(UDP(dport=7)) / Raw(b"fuzzed"), lambda: ipv4() / fuzz(TCP(dport=80)) / Raw(b"fuzzed"), lambda: ipv4() / fuzz(TCP(dport=7)),
        lambda: ipv4() / fuzz(ICMP()) / Raw(b"fuzzed"), lambda: ether.to_guest(fuzz(IP(src=ether.OUR_IP, dst=ether.GUEST_IP)) / datagram(b"fuzzed")),
        lambda: ether.to_guest(fuzz(IP()) / UDP(dport=7)), lambda: ether.to_guest(fuzz(ARP(hwlen=6, plen=4))), lambda: ether.to_guest(fuzz(ARP(pdst=ether.GUEST_IP))),
        lambda: ipv4() / UDP(sport=67, dport=68) / fuzz(BOOTP(op=2)) / DHCP(options=[("message-type", 2), ("router", ether.OUR_IP), "end"]),
        lambda: ether.to_guest(fuzz(IPv6(src=ether.OUR_IP6, dst=ether.GUEST_IP6)) / datagram(b"fuzzed")), lambda: ipv6() / fuzz(TCP(dport=7)) / Raw(b"fuzzed"),
        lambda: ipv6() / fuzz(ICMPv6EchoRequest()), lambda: ipv6(**hops) / fuzz(ICMPv6ND_NS()) / fuzz(ICMPv6NDOptSrcLLAddr()),
        lambda: ipv6(**hops) / fuzz(ICMPv6ND_NA()) / fuzz(ICMPv6NDOptSrcLLAddr(type=2)),
        lambda: ipv6(**hops) / fuzz(ICMPv6ND_RA(routerlifetime=0)) / fuzz(ICMPv6NDOptMTU()) / fuzz(ICMPv6NDOptPrefixInfo(validlifetime=0)),
        lambda: ipv6(**hops) / fuzz(ICMPv6ND_Redirect()), lambda: ipv6(**hops) / fuzz(ICMPv6PacketTooBig()) / IPv6(src=ether.GUEST_IP6, dst=ether.OUR_IP6),
        lambda: ipv6() / fuzz(ICMPv6MLQuery()), lambda: ipv6() / fuzz(IPv6ExtHdrFragment()) / Raw(b"fuzzed"), lambda: ipv6() / fuzz(IPv6ExtHdrRouting()) / Raw(b"fuzzed"),
    ]
    return [kind() for _ in range(50) for kind in kinds]


# (what is wrong, what may be heard of it: nothing, or what a function finds good).
CASES = ((truncated, None), (oversized, None), (lengths, None), (header_lengths, None), (sums, None), (chains, problems_are_told),
         (fragments, lambda heard: True), (others, lambda heard: True), (mutated, lambda heard: True), (fuzzed, lambda heard: True),
         (segments, lambda heard: True))


# ---- the other end ----

class Talk:
    """`ask` gets an answer to a datagram while the stack's other questions are answered; what should not have come is kept."""

    def __init__(self, wire):
        self.wire, self.sent, self.alien, self.heard, self.dead = wire, 0, [], [], False

    def send(self, frame):
        """A frame, made or whole. Here each is counted, also the neighbour's answers. A machine that takes none for long is dead."""
        end = time.monotonic() + (0 if self.dead else 10)
        while not self.wire.send(frame):
            if time.monotonic() > end:
                self.dead = True
                return
            time.sleep(0.01)
        self.sent += 1

    def next(self, seconds=0.3):
        """(whether something came, what of it was no question of a neighbour's)"""
        got = ether.read(self.wire.receive(seconds))
        if got is None or IP not in got and IPv6 not in got or ether.DHCP in got or ICMPv6ND_NS in got:
            return got is not None and (ether.neighbour(self, got) or True), None
        if got[Ether].dst == ether.EVERYBODY or got[Ether].dst.startswith(("33:33", "01:00:5e")):
            return True, None
        self.heard.append(got)
        if MARK[:8] in bytes(got) and not (got.haslayer(ICMP) and got[ICMP].type or IPv6 in got and got[IPv6].nh == 58 and ICMPv6EchoReply not in got):
            self.alien.append(got)
            return True, None
        return True, got

    def ask(self, frame, good, tries=60, patience=0.3):
        """What comes back and is good; asked again when nothing has come for so long."""
        frame = bytes(frame)
        for _ in range(1 if self.dead else tries):
            self.send(frame)
            more = True
            while more:
                more, got = self.next(patience)
                if got is not None and good(got):
                    return got
        return None

    def echo(self, payload, below=None, patience=0.3):
        """The answer to a datagram, by IPv4 or by what is below."""
        below = below or ipv4()
        got = self.ask(below / datagram(payload), lambda got: UDP in got and got[UDP].sport == 7 and (IPv6 in got) == (IPv6 in below) and
                       (payload in (b"pages", b"counts") or data(got) == payload), patience=patience)
        return got and data(got) if got is not None and ether.is_summed(got) and got[UDP].chksum else None

    def send_all(self, frames):
        for i, frame in enumerate(frames):
            if frame:
                self.send(frame)
            if i % 16 == 15:
                while self.next(0.002)[0]:
                    pass

    def counts(self):
        """How many frames the kernel has had beyond what was sent, and how many that cannot be. What is asked twice would be counted as lost."""
        while self.next(0.1)[0]:
            pass
        received, nonsense = map(int, (self.echo(b"counts", patience=5) or b"0 0").split())
        return received - self.sent, nonsense


def case(tap, talk, machine, wrong, may_be):
    """Once: what comes of it, what is counted, what works behind it."""
    name = wrong.__name__
    frames = [frame for frame in map(bytes, wrong()) if frame]
    before = max(talk.counts() for _ in range(2))
    while talk.next(0.1)[0]:
        pass
    talk.heard, talk.alien = [], []
    talk.send_all(frames)
    while talk.next(0.1)[0]:
        pass
    heard, alien = talk.heard, talk.alien
    good = not alien and (may_be(heard) is True if may_be else not heard)
    tap(good, f"hostile_{name}_answered_as_it_should", f"{[h.summary() for h in heard][:20]} {alien[:2]} {may_be and may_be(heard)}")
    behind = [talk.echo(f"behind {name}".encode(), below) for below in (ipv4(), ipv6())]
    tap(machine.result is None and behind == [f"behind {name}".encode()] * 2, f"hostile_{name}_right_ones_go_on", f"{behind} {machine.result}")
    cannot_be, lost = sum(len(frame) < 14 or 1518 < len(frame) <= ROOM for frame in frames), sum(len(frame) > ROOM for frame in frames)
    wanted = before[0] - lost, before[1] + cannot_be
    for _ in range(5):  # a neighbour's question may come between
        if (after := talk.counts()) == wanted:
            break
    tap(after == wanted, f"hostile_{name}_each_is_counted", f"{before} {after} {wanted} of {len(frames)}")
    return frames


def exact(talk):
    """Sizes whose answers differ from what was asked, or have a wrong checksum, or do not come."""
    wrong = []
    for below in (ipv4(), ipv6()):
        for size in [*range(64), *range(64, 300, 7), 1000, 1452, 1472]:
            if IPv6 in below and size > 1452:
                continue
            payload = bytes((size + i * 5) % 251 for i in range(size))
            if talk.echo(payload, below) != payload:
                wrong.append((size, below.summary()))
    return wrong


def with_options(raw, what):
    frame = ether.read(bytes(ipv4() / what))
    frame[IP].options, frame[IP].ihl, frame[IP].len, frame[IP].chksum = RawVal(raw), 5 + len(raw) // 4, None, None
    return frame


def options_are_passed_over(tap, talk):
    """IPv4's say nothing against what is carried; headers of IPv6 that are right neither; TCP's that are wrong do not keep a connection from being made."""
    lost = [name for name, raw in OPTIONS.items()
            if talk.ask(with_options(raw, datagram(name.encode())), lambda got: data(got) == name.encode(), 10) is None]
    tap(not lost, "hostile_options_of_ipv4_are_passed_over", lost)
    lost = []
    for number, headers in enumerate(good_chains()):
        if talk.ask(chain(*headers, behind=datagram(b"behind headers %d" % number)), lambda got: data(got) == b"behind headers %d" % number, 10) is None:
            lost.append(number)
    tap(not lost, "hostile_headers_that_are_right_are_passed_over", lost)
    lost = []
    for port, (name, raw) in enumerate(TCP_OPTIONS.items(), 4200):
        raw = raw[:40]
        got = talk.ask(ipv4() / segment(sport=port, seq=port, options=RawVal(raw), dataofs=5 + len(raw) // 4),
                       lambda got: TCP in got and got[TCP].dport == port, 10)
        if got is None or got[TCP].flags != "SA" or got[TCP].ack != port + 1 or not ether.is_summed(got):
            lost.append(name)
        else:  # no more of it
            talk.send(ipv4() / segment(sport=port, seq=port + 1, ack=got[TCP].seq + 1, flags="RA"))
    tap(not lost, "hostile_options_of_tcp_do_not_keep_it_from_connecting", lost)


class Connection:
    """With port 7, which echoes."""

    def __init__(self, talk, port, below):
        self.talk, self.port, self.below, self.at, self.theirs = talk, port, below, 1000, 0

    def segment(self, payload=b"", **fields):
        return self.below / segment(payload, **{"sport": self.port, "dport": 7, "seq": self.at, "ack": self.theirs, "flags": "PA", **fields})

    def mine(self, got):
        return TCP in got and got[TCP].dport == self.port and (IPv6 in got) == (IPv6 in self.below)

    def open(self):
        got = self.talk.ask(self.segment(flags="S", ack=0), lambda got: self.mine(got) and got[TCP].flags == "SA", 150)
        if got is None:
            return False
        self.at, self.theirs = self.at + 1, got[TCP].seq + 1
        self.talk.send(self.segment(flags="A"))
        return True

    def echo(self, payload, **fields):
        """Whether it came back, in as many pieces as it likes, all of it acknowledged."""
        asked, came, end = self.segment(payload, **fields), b"", self.at + len(payload)
        while len(came) < len(payload):
            got = self.talk.ask(asked, lambda got: self.mine(got) and got[TCP].seq == self.theirs and data(got), 20)
            if got is None or not ether.is_summed(got) or got[TCP].ack != end:
                return False
            came, self.at, self.theirs = came + data(got), end, self.theirs + len(data(got))
            asked = self.segment(flags="A")
        self.talk.send(asked)
        return came == payload

    def wrong_ones(self):
        """Of this connection and in its window, but for one thing. The offset is what TCP takes for its header's length."""
        right = self.segment(MARK)
        sums = [ether.read(bytes(right)) for _ in range(3)]
        for frame, wrong in zip(sums, (1, 0x8000, 0xffff)):
            frame[TCP].chksum ^= wrong
        frames = sums + [self.segment(MARK, dataofs=n) for n in (0, 1, 4, 12, 15)] + [self.segment(MARK, seq=self.at + n) for n in (-100, 1 << 20, 1 << 31)]
        frames += [self.segment(MARK, ack=self.theirs + n) for n in (100, 1 << 20)]
        if IP in right:
            wrong = ether.read(bytes(right))
            wrong[IP].chksum ^= 0x100
            frames.append(wrong)
        return frames

    def survives(self):
        """Wrong segments change nothing; right ones, whatever their options, go on behind each."""
        for i, frame in enumerate(self.wrong_ones()):
            self.talk.send(frame)
            if not self.echo(b"right %d" % i):
                return f"behind {i}"
        for name, raw in TCP_OPTIONS.items():
            raw = raw[:40]
            if not self.echo(name.encode(), options=RawVal(raw), dataofs=5 + len(raw) // 4):
                return name
        return True


def connections(tap, talk, port, when):
    for version, below in (("ipv4", ipv4()), ("ipv6", ipv6())):
        connection = Connection(talk, port, below)
        opened = connection.open()
        good = opened and connection.survives()
        tap(good is True, f"hostile_segments_leave_a_connection_alone_{version}_{when}", f"{opened} {good}")
        talk.send(connection.segment(flags="RA"))


def together(talk, frames_of, is_piece, good, tries=20):
    """Asks in pieces; whether a whole datagram comes back, in pieces too. Parts of wrong ones may still be waited for: so there are tries."""
    for ident in range(40000, 40000 + tries):
        found = {}
        for frame in frames_of(ident):
            talk.send(frame)
        more = True
        while more:
            more, got = talk.next()
            if got is not None and (piece := is_piece(got)):
                found.setdefault(piece[0], {})[piece[1]] = piece[2]
                for parts in found.values():
                    if good(b"".join(parts[at] for at in sorted(parts))):
                        return True
    return False


def piece4(got):
    return (got[IP].id, got[IP].frag, bytes(got[IP].payload)[:got[IP].len - IPV4]) if IP in got and got[IP].proto == 17 else None


def piece6(got):
    if IPv6ExtHdrFragment in got:
        return got[IPv6ExtHdrFragment].id, got[IPv6ExtHdrFragment].offset, bytes(got[IPv6ExtHdrFragment].payload)
    return (-1, 0, bytes(got[UDP])) if IPv6 in got and UDP in got else None


def reassembly(tap, talk):
    big = bytes(range(250)) * 12
    for version, fragment_of, below, piece in (("ipv4", fragment, ipv4(), piece4), ("ipv6", fragment6, ipv6(), piece6)):
        whole = pieces(below / datagram(big))
        tap(together(talk, lambda ident: [fragment_of(whole[at:at + 1200], at, at + 1200 < len(whole), ident) for at in (1200, 0, 2400)], piece,
                     lambda got: got[8:] == big), f"hostile_fragments_go_together_again_{version}")


def narrow_paths(tap, talk, machine):
    """Who says that a path takes less than IPv6 asks for is not believed: nothing is sent in smaller pieces, or for ever."""
    payload, smallest, answered = bytes(i % 251 for i in range(1400)), [], []
    for mtu in (0, 1, 40, 47, 48, 49, 55, 56, 68, 576, 1279, 1280):
        talk.send(ipv6() / ICMPv6PacketTooBig(mtu=mtu) / IPv6(src=ether.GUEST_IP6, dst=ether.OUR_IP6) / UDP())
        talk.heard = []
        answered.append(not talk.dead and together(talk, lambda ident: [ipv6() / datagram(payload)], piece6, lambda got: got[8:] == payload))
        smallest.append(min((len(got[IPv6]) for got in talk.heard if IPv6ExtHdrFragment in got and got[IPv6ExtHdrFragment].m), default=None))
        if not answered[-1]:
            break
    tap(len(answered) == 12 and all(answered) and machine.result is None, "hostile_path_that_takes_nothing", f"{answered} {machine.result}")
    tap(len(smallest) == 12 and all(size is None or 1200 < size <= 1280 for size in smallest) and smallest[-1], "hostile_path_that_takes_as_little_as_it_may",
        str(smallest))


def run(tap, start, wire):
    """`start()`: the machine with tests/net/frames.c on this wire."""
    machine, talk = start(), Talk(wire)
    try:
        first = talk.echo(b"hello")
        wrong = exact(talk)
        tap(first == b"hello" and not wrong, "datagrams_come_back_whole_and_summed", str(wrong))
        narrow_paths(tap, talk, machine)
        if talk.dead:
            return
        options_are_passed_over(tap, talk)
        connections(tap, talk, 4300, "before")
        frames = [frame for wrong, may_be in CASES for frame in case(tap, talk, machine, wrong, may_be)]  # memory that a stack takes once is taken now
        talk.alien = []
        before = talk.echo(b"pages")
        talk.send_all(frames * 2)
        after = talk.echo(b"pages")
        tap(machine.result is None and after is not None, "hostile_frames_the_machine_goes_on", str(machine.result))
        tap(before is not None and before == after, "hostile_frames_no_page_is_lost", f"{before} {after}")
        tap(not talk.alien, "hostile_frames_none_is_answered", str(talk.alien[:3]))
        reassembly(tap, talk)
        connections(tap, talk, 4301, "behind")
    finally:
        machine.stop()
