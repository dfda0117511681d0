# SPDX-License-Identifier: BSD-2-Clause
"""Where things are. Nothing here touches the disk."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
BUILD = ROOT / "build"
MACHINE = BUILD / "machine"  # the Meson build folder
CROSS_FILE = BUILD / "aegis-cross.ini"  # for applications built by Meson
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aegis-v"

KERNEL = MACHINE / "exokernel" / "kernel.elf"
LIBAEGIS = MACHINE / "libos" / "public" / "libaegis.a"  # as programs link it
CRT0 = MACHINE / "libos" / "public" / "crt0.o"
LINKER_SCRIPT = ROOT / "libos" / "aegis.ld"
INIT = MACHINE / "apps" / "init" / "init"
PROGRAMS = MACHINE / "apps"  # apps/NAME/NAME is /bin/NAME

NEWLIB = BUILD / "newlib"  # a link to the cached, built newlib
LUA = BUILD / "lua"  # Lua's unpacked source
LWIP = BUILD / "lwip"  # lwIP's unpacked source
STACK = MACHINE / "libos" / "net" / "lwip"  # /lib/aegis/lwip: the IP stack's image
LINGER = PROGRAMS / "init" / "linger"  # /lib/aegis/linger: sees to what programs that have ended left unacknowledged
PORTS = BUILD / "ports"  # linked programs of others
QEMU10 = BUILD / "qemu"  # QEMU 10 and its firmware, unpacked
CBMC = BUILD / "cbmc"  # CBMC and the C library under it, unpacked

TOOL = "riscv64-unknown-elf-"
