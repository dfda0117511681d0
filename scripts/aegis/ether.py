# SPDX-License-Identifier: BSD-2-Clause
"""Frames between the machine and the other end of its wire. Scapy makes them and takes them apart; its import takes a second, so only who
makes frames imports this. What is given wins over what is right: `ipv4(ihl=4)`, `udp(b"", len=7)`; a field that is None is made right."""
import logging

from . import proc

logging.getLogger("scapy").setLevel(logging.ERROR)  # it warns of what is wrong on purpose
try:
    from scapy.layers.dhcp import BOOTP, DHCP
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6
    from scapy.layers.l2 import ARP, Ether
    from scapy.packet import Packet, Raw
except ImportError as error:
    raise proc.Failure(f"no frames without scapy (Debian's python3-scapy, for /usr/bin/python3): {error}") from error

GUEST_MAC, OUR_MAC = "52:54:00:12:34:56", "52:54:00:aa:bb:cc"
GUEST_IP, OUR_IP = "10.0.0.2", "10.0.0.1"
GUEST_IP6, OUR_IP6 = "fe80::5054:ff:fe12:3456", "fe80::5054:ff:feaa:bbcc"  # made of the Ethernet addresses
EVERYBODY = "ff:ff:ff:ff:ff:ff"


def to_guest(packet, **fields):
    return Ether(**{"dst": GUEST_MAC, "src": OUR_MAC, **fields}) / packet


def ipv4(**fields):
    return to_guest(IP(**{"src": OUR_IP, "dst": GUEST_IP, "id": 0, **fields}))


def ipv6(**fields):
    return to_guest(IPv6(**{"src": OUR_IP6, "dst": GUEST_IP6, **fields}))


def udp(payload, port=7, source=4000, *, below=None, **fields):
    """Without a checksum, which IPv4 allows, unless chksum=None. `below`: what carries it."""
    return (below or ipv4()) / UDP(**{"sport": source, "dport": port, "chksum": 0, **fields}) / Raw(payload)


def tcp(payload=b"", port=80, source=4000, *, below=None, **fields):
    return (below or ipv4()) / TCP(**{"sport": source, "dport": port, "seq": 1000, "ack": 1, "flags": "PA", **fields}) / Raw(payload)


def ping(number=1, payload=bytes(56), **fields):
    return ipv4() / ICMP(**{"id": 77, "seq": number, **fields}) / Raw(payload)


def read(frame):
    """What came, by its layers; None stays None."""
    return frame if frame is None or isinstance(frame, Packet) else Ether(frame)


def data(got):
    """What the innermost header carries, without what pads the frame."""
    return got[Raw].load if got is not None and Raw in got else b""


def is_summed(got):
    """Whether each checksum in it is the one that belongs there; UDP's may be none by IPv4."""
    again = got.copy()
    layer = again
    while layer:
        for name in ("chksum", "cksum"):
            if layer.fields.get(name) is not None and not (UDP in got and IP in got and layer.name == "UDP" and not layer.chksum):
                delattr(layer, name)
        layer = layer.payload
    return bytes(again) == bytes(got)


def arp_answer(got, mac=OUR_MAC):
    """To who asks for an address."""
    asked = got[ARP]
    return Ether(dst=asked.hwsrc, src=mac) / ARP(op="is-at", hwsrc=mac, psrc=asked.pdst, hwdst=asked.hwsrc, pdst=asked.psrc)


def dhcp_answer(got, address=GUEST_IP):
    """To a machine that asks who it is: this address, with a mask of 24 bits. None: it did not ask."""
    asked = dict(option for option in got[DHCP].options if len(option) == 2).get("message-type")
    kind = {1: "offer", 3: "ack"}.get(asked)
    if not kind:
        return None
    options = [("message-type", kind), ("server_id", OUR_IP), ("lease_time", 65536), ("subnet_mask", "255.255.255.0"), ("router", OUR_IP),
               ("name_server", OUR_IP), "end"]
    body = BOOTP(op=2, xid=got[BOOTP].xid, yiaddr=address, siaddr=OUR_IP, chaddr=got[BOOTP].chaddr) / DHCP(options=options)
    return Ether(dst=got[Ether].src, src=OUR_MAC) / IP(src=OUR_IP, dst="255.255.255.255") / UDP(sport=67, dport=68) / body


def neighbour(made, frame):
    """Answers what a stack asks of its neighbours. False: it was a datagram for somebody."""
    got, answer = read(frame), None
    if ARP in got:
        answer = arp_answer(got) if got[ARP].op == 1 and got[ARP].pdst == OUR_IP else None
    elif ICMPv6ND_NS in got:
        if got[ICMPv6ND_NS].tgt == OUR_IP6:
            answer = ipv6(dst=got[IPv6].src, hlim=255) / ICMPv6ND_NA(tgt=OUR_IP6, R=0, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=OUR_MAC)
    elif DHCP in got:
        answer = dhcp_answer(got)
    elif IP in got and got[IP].proto == 17:
        return False
    if answer:
        made.send(answer)
    return True
