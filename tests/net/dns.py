# SPDX-License-Identifier: BSD-2-Clause
"""Names: a server on the wire that answers, says that there is none, lies, or is silent; tests/net/names.c asks."""
import threading

from aegis import ether
from aegis.ether import UDP
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.packet import Raw
from scapy.fields import RawVal

FOUR, SIX = ("192.0.2.7", "192.0.2.99"), ("2001:db8::7", "2001:db8::99")  # what is true, what is not


def record(question, data, name=None, **fields):
    return DNSRR(**{"rrname": name or question.qd.qname, "type": question.qd.qtype, "ttl": 60, "rdata": data, **fields})


def answer(question, record=None, compress=True, **fields):
    made = DNS(**{"id": question.id, "qr": 1, "ra": 1, "qd": question.qd, "an": record, **fields})
    return made.compress() if compress else made


def answers(question):
    """What comes of a question, in order."""
    name, (true, false) = question.qd.qname, FOUR if question.qd.qtype == 1 else SIX
    right, wrong = record(question, true), record(question, false)
    if name == b"one.test.":
        return [answer(question, right)]
    if name == b"alias.test.":
        return [answer(question, record(question, b"one.test.", type="CNAME") / record(question, true, b"one.test."))]
    if name == b"four.test.":
        return [answer(question, right if question.qd.qtype == 1 else None)]
    if name == b"liar.test.":
        return [answer(question, wrong, id=question.id ^ 256), answer(question, record(question, false, b"two.test."), qd=DNSQR(qname="two.test", qtype=question.qd.qtype)),
                question, Raw(bytes(question)[:5]), Raw(b""), answer(question, wrong, qr=0), answer(question, right)]
    if name == b"broken.test.":
        return [answer(question, record(question, RawVal(b"\1\2"), rdlen=60000), compress=False)]
    if name == b"loop.test.":
        return [answer(question, record(question, RawVal(b"\xc0\x0c\xc0"), RawVal(b"?a?a?a"), rdlen=3), compress=False)]
    return [answer(question, rcode=3)] if name == b"none.test." else []


def run(tap, start, wire):
    machine = start(["one.test", "alias.test", "four.test", "liar.test", "broken.test", "loop.test", "none.test", "silent.test", "one.test.",
                     "x" * 64 + ".test", "a..test", "192.0.2.9", "localhost", "-one.test", "-liar.test", "-none.test", "-192.0.2.9", "-localhost"])
    over = threading.Event()

    def serve():
        while not over.is_set():
            got = ether.read(wire.receive(0.2))
            if got and not ether.neighbour(wire, got) and DNS in got:
                for said in answers(got[DNS]):
                    wire.send(ether.udp(bytes(said), got[UDP].sport, 53))
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        machine.join(60)
        said = dict(line.partition(" ")[::2] for line in machine.result[1].decode(errors="replace").splitlines()) if machine.result else {}
        both, six = "2001:db8::7 192.0.2.7", "192.0.2.7"
        tap("done" in said and said["one.test"] == said["one.test."] == both, "names_are_found", str(said))
        tap(said.get("alias.test") == both and said.get("four.test") == six, "names_with_another_name", str(said))
        tap(said.get("liar.test") == both, "names_whose_answers_are_somebody_elses", str(said))
        tap(said.get("broken.test") == said.get("loop.test") == "none", "names_whose_answers_are_broken", str(said))
        tap(said.get("none.test") == said.get("a..test") == said.get("x" * 64 + ".test") == "none" and said.get("silent.test") == "again",
            "names_that_are_none_and_no_server", str(said))
        tap([said.get("-" + n) for n in ("one.test", "liar.test", "none.test", "192.0.2.9", "localhost")] == [six, six, "none", "192.0.2.9", "127.0.0.1"],
            "names_by_gethostbyname", str(said))
        tap(said.get("192.0.2.9") == "192.0.2.9" and said.get("localhost") == "127.0.0.1", "names_that_nobody_asks_for", str(said))
    finally:
        over.set()
        thread.join()
        machine.stop()
