# SPDX-License-Identifier: BSD-2-Clause
"""The build: set-up when something is missing, Meson, ninja."""
import os
import time

from . import packages, paths, ports, proc
from .proc import say


CROSS_FILE = """# For applications built by Meson: meson setup --cross-file THIS build
[binaries]
c = '{scripts}/aegis-cc'
ar = 'riscv64-unknown-elf-gcc-ar'
strip = 'riscv64-unknown-elf-strip'
exe_wrapper = ['{scripts}/run']

[host_machine]
system = 'aegis'
cpu_family = 'riscv64'
cpu = 'rv64gc'
endian = 'little'
"""


def write_cross_file():
    """Generated, since Meson wants absolute names in it."""
    text = CROSS_FILE.format(scripts=paths.SCRIPTS)
    if not paths.CROSS_FILE.exists() or paths.CROSS_FILE.read_text() != text:
        paths.CROSS_FILE.write_text(text)


def configured(options):
    stamp = paths.MACHINE / ".options"
    return (paths.MACHINE / "build.ninja").exists() and stamp.exists() and stamp.read_text() == options


def compile_all(targets):
    for attempt in range(60):
        status, output, _ = proc.run(["ninja", "-k", "0", "-C", paths.MACHINE, "--quiet", *targets], quiet=True, check=False)
        if not status:
            return
        # Somebody runs Meson or ninja by hand in the same folder: he will be done soon.
        if "already using this build directory" not in output:
            raise proc.Failure("the build failed:\n" + "\n".join(output.splitlines()[-60:]))
        time.sleep(1)
    raise proc.Failure(f"another program keeps using {paths.MACHINE}")


def build(targets=(), quiet=True):
    """Brings build/machine up to date. Says nothing when there is nothing to do."""
    if not packages.ready():
        packages.setup()
    newlib = str(paths.NEWLIB) if paths.NEWLIB.exists() else ""
    lua = str(paths.LUA) if (paths.LUA / "src/lua.c").exists() else ""
    lwip = str(paths.LWIP) if (paths.LWIP / "src/core/tcp.c").exists() else ""
    # The newlib that stands behind the link is part of what was configured: another one means another build.
    options = f"{newlib}\n{os.path.realpath(newlib) if newlib else ''}\n{lua}\n{lwip}\n"
    with proc.lock(paths.BUILD / ".build.lock"):
        write_cross_file()
        if not configured(options):
            say("configuring")
            command = ["meson", "setup", "--cross-file", paths.SCRIPTS / "cross.ini", f"-Dnewlib={newlib}", f"-Dlua={lua}",
                       f"-Dlwip={lwip}"]
            if (paths.MACHINE / "build.ninja").exists():
                command.append("--wipe")
            proc.run([*command, paths.MACHINE, paths.ROOT], quiet=quiet)
            (paths.MACHINE / ".options").write_text(options)
        if not quiet:
            proc.run(["ninja", "-C", paths.MACHINE, *targets])
        pending = proc.run(["ninja", "-C", paths.MACHINE, "-n", *targets], capture=True, check=False)[1]
        if "no work to do" not in pending:
            say("building")
            compile_all(targets)
        if newlib and not targets:
            ports.build()
