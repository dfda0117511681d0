# SPDX-License-Identifier: BSD-2-Clause
"""What scripts/run does once the machine is there, with the toy guest: argument 1 is what the guest does."""
import sys

import support
from aegis import command, machine, proc

proc.standard_descriptors()

options = command.parser().parse_args(sys.argv[2:])
tty = command.os.isatty(0)
with machine.session(machine.Bytes(b"\0" * 512), kernel=support.guest(), append=[f"toy={sys.argv[1]}"], out=command.write_all(1),
                     err=command.write_all(2)) as running:
    print(f"qemu {running.qemu.pid}", file=sys.stderr, flush=True)
    status = command.drive(running, options, [], tty, [], set(), None)
sys.exit(status)
