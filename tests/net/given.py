# SPDX-License-Identifier: BSD-2-Clause
"""A service that holds the TCP ports 8000 to 8099 and nothing else: a session apart, to which its parent has given their filter."""
import socket
import threading

START = """\
session -n tcp:8000-8099 /srv/given inside 10.0.2.2 {port} &
S=$!
/srv/given outside
nc -l -p 8500 > /dev/null &
sleep 1
for ports in tcp:8050-8200 tcp:8400-8600 tcp:8000-8099 tcp:90-80 icmp:1 udp:0-5; do
    session -n $ports true 2> /tmp/why
    echo "session -n $ports: $?" $(cat /tmp/why)
done
echo serving
wait $S
echo "session ended $?"
/srv/given free
echo over
"""
TAKEN = ": 125 session: ports: Address already in use"
WRONG = ": 125 session: ports are tcp:FIRST-LAST or udp:FIRST-LAST"
WHY = {"tcp:8050-8200": TAKEN, "tcp:8400-8600": TAKEN, "tcp:8000-8099": TAKEN, "tcp:90-80": WRONG, "icmp:1": WRONG, "udp:0-5": WRONG}


def run(tap, start, port, folder, elf):
    """`start()` is a machine that runs /srv/start, whose port 8000 is the host's `port`."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        threading.Thread(target=lambda: s.accept()[0].sendall(b"hello"), daemon=True).start()
        (folder / "start").write_text(START.format(port=s.getsockname()[1]))
        (folder / "given").write_bytes(elf.read_bytes())
        (folder / "given").chmod(0o755)
        machine = start()
        try:
            tap(machine.ready.wait(90) and machine.result is None, "given_serves", str(machine.result))
            data = bytes(range(97)) * 3
            with socket.create_connection(("127.0.0.1", port), timeout=30) as c:
                c.sendall(data)
                got = b""
                while len(got) < len(data) and (part := c.recv(1000)):
                    got += part
            tap(got == data, "given_is_reached_from_outside", got)
            with socket.create_connection(("127.0.0.1", port), timeout=30) as c:
                c.sendall(b"end")
            machine.join(60)
        except OSError as error:
            tap(False, "given", repr(error))
        finally:
            machine.stop()
    lines = machine.result[1].decode(errors="replace").splitlines() if machine.result else []
    for line in lines:
        if line.startswith(("ok ", "not ok ")):
            tap(line.startswith("ok "), line.split()[-1])
    tap(sum(line.startswith("ok given") for line in lines) == 10 and "over" in lines and "session ended 0" in lines, "given_ends_well", lines)
    tap(all(f"session -n {ports}{why}" in lines for ports, why in WHY.items()), "given_only_what_is_free", lines)
