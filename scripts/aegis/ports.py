# SPDX-License-Identifier: BSD-2-Clause
"""Programs that others wrote, from Debian's source packages: apps/NAME/compile makes objects, which are kept in the user's cache;
linking them to the libOS of this tree is all that is done again when it changes.

compile runs in the unpacked source with CC, AR, RANLIB, CFLAGS, HOST (a configure triplet), JOBS, HERE (apps/NAME), OUT and, for
each port that it needs, its OUT under the port's name. What it leaves in OUT:
    PROGRAM.link   the objects and archives of build/ports/bin/PROGRAM, relative to OUT
    links          lines `PROGRAM NAME`: /bin/NAME is a symbolic link to /bin/PROGRAM
    root/          files of the guest
    link           a script that runs after linking, with TO a folder of files of the guest"""
import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

from . import packages, paths, proc
from .proc import Failure, say

Port = namedtuple("Port", "name needs")

PORTS = [
    Port("libedit", []),
    Port("dash", ["libedit"]),
    Port("busybox", []),
    Port("sqlite", ["libedit"]),
    Port("bzip2", []),
    Port("zlib", []),
    Port("tcc", []),
    Port("mini-httpd", []),
    Port("dropbear", []),
    Port("lighttpd", []),
    Port("iperf", []),
]

FLAGS = "-O2 -MD"
FORM = 3  # of what this file makes of a recipe's objects
HEADERS = paths.ROOT / "libos" / "include"


def folder(port):
    return paths.ROOT / "apps" / port.name


def digest(*parts):
    state = hashlib.sha256()
    for part in parts:
        state.update(part if isinstance(part, bytes) else str(part).encode())
        state.update(b"\0")
    return state.hexdigest()[:32]


def key(port, outs):
    """What decides the objects, but for the headers of the libOS: those that were read stand in `headers`."""
    files = [b for path in sorted(folder(port).rglob("*")) if path.is_file() for b in (path.name, path.read_bytes())]
    driver = (paths.SCRIPTS / "aegis-cc").read_bytes()
    site = (paths.ROOT / "apps" / "config.site").read_bytes()
    return digest(packages.table()[port.name].sha256, FLAGS, FORM, packages.compiler_version(), packages.newlib_key(), driver, site,
                  *files, *(outs[name].name for name in port.needs))


# --- objects ---------------------------------------------------------------------------------

def header_sums(names):
    return {name: digest((HEADERS / name).read_bytes()) if (HEADERS / name).exists() else "" for name in names}


def headers_read(source):
    """The libOS's headers that the compiler says it has read, for this build and its neighbours."""
    pattern = re.compile(re.escape(str(HEADERS)) + r"/(\S+\.h)")
    names = set()
    for path in [*source.rglob("*.d"), *source.rglob(".*.cmd")]:
        if path.is_file():
            names.update(pattern.findall(path.read_text(errors="replace")))
    return sorted(names)


def kept(port, outs):
    """The cached objects that were made from these very headers."""
    for out in sorted((paths.CACHE / "ports").glob(f"{port.name}-{key(port, outs)}-*")):
        with contextlib.suppress(OSError, ValueError):
            sums = json.loads((out / "headers").read_text())
            if header_sums(sums) == sums:
                return out
    return None


def environment(port, outs, out):
    env = dict(os.environ, CC=str(paths.SCRIPTS / "aegis-cc"), AR=paths.TOOL + "ar", RANLIB=paths.TOOL + "ranlib",
               HOST="riscv64-unknown-elf", JOBS=packages.jobs(), HERE=str(folder(port)), OUT=str(out),
               CONFIG_SITE=str(paths.ROOT / "apps" / "config.site"), LC_ALL="C", SOURCE_DATE_EPOCH="0")
    env.pop("MAKEFLAGS", None)
    env.update({name: str(outs[name]) for name in port.needs})
    return env


def compile_port(port, outs):
    source = packages.table()[port.name]
    tarball = packages.cached(source)
    if not tarball:
        raise Failure(f"its source was not downloaded (scripts/setup tries again); {source.without}")
    say(f"compiling {port.name} {source.version}")
    with tempfile.TemporaryDirectory(prefix=f"aegis-{port.name}-") as scratch:
        source, out = Path(scratch) / "source", Path(scratch) / "out"
        source.mkdir()
        out.mkdir()
        proc.run(["tar", "-C", source, "-xf", tarball], quiet=True)
        inside = list(source.iterdir())
        source = inside[0] if len(inside) == 1 and inside[0].is_dir() else source
        env = environment(port, outs, out)
        env["CFLAGS"] = f"{FLAGS} -ffile-prefix-map={source}=. -ffile-prefix-map={paths.ROOT}=."
        proc.run(["bash", "-eu", folder(port) / "compile"], cwd=source, env=env, quiet=True)
        for recipe in out.glob("*.link"):
            combine(recipe)
        sums = header_sums(headers_read(source))
        (out / "headers").write_text(json.dumps(sums))
        target = paths.CACHE / "ports" / f"{port.name}-{key(port, outs)}-{digest(json.dumps(sums))[:16]}"
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(out, partial, symlinks=True)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    return target


def combine(recipe):
    """One object for the program, in which only main is global: neither can its names get in the libOS's way nor theirs in its."""
    whole = recipe.with_suffix(".program.o")
    proc.run([paths.SCRIPTS / "aegis-cc", "-r", "-Wl,-d", "-o", "combined", *recipe.read_text().split()], cwd=recipe.parent, quiet=True)
    proc.run([paths.TOOL + "objcopy", "--keep-global-symbol=main", "combined", whole.name], cwd=recipe.parent, quiet=True)
    (recipe.parent / "combined").unlink()
    recipe.write_text(whole.name)


# --- programs --------------------------------------------------------------------------------

def linked_from(out):
    """What a program is linked from: the objects by name, the libOS by contents."""
    libos = [path.read_bytes() for path in (paths.LIBAEGIS, paths.CRT0, paths.LINKER_SCRIPT)]
    return digest(out.name, packages.newlib_key(), *libos)


def undefined(text):
    """The names that a linker misses, in order, each once."""
    return list(dict.fromkeys(re.findall(r"undefined reference to `([^']+)'", text)))


def link(out, recipe, stamp):
    """Makes one program; returns what is wrong, or '' (also if that was said before)."""
    program = paths.PORTS / "bin" / recipe.stem
    mark = paths.PORTS / "linked" / recipe.stem
    if mark.exists() and mark.read_text().split("\n", 1)[0] == stamp:
        return ""
    command = [paths.SCRIPTS / "aegis-cc", *recipe.read_text().split(), "-o", program]
    program.unlink(missing_ok=True)
    status, text, _ = proc.run(command, cwd=out, quiet=True, check=False)
    if status and (missing := undefined(text)):
        text = "the libOS lacks " + " ".join(missing)
    wrong = text.strip() if status else ""
    mark.write_text(f"{stamp}\n{wrong}")
    return wrong


def link_port(out):
    for sub in ("bin", "linked"):
        (paths.PORTS / sub).mkdir(parents=True, exist_ok=True)
    stamp = linked_from(out)
    for recipe in sorted(out.glob("*.link")):
        if wrong := link(out, recipe, stamp):
            say(f"warning: {recipe.stem} could not be linked: {wrong}")
    if (out / "link").exists():
        link_root(out, stamp)


def link_root(out, stamp):
    """Files of the guest that are made of the libOS."""
    name = out.name.split("-")[0]
    root, mark = paths.PORTS / "root" / name, paths.PORTS / "linked" / (name + ".root")
    headers = {str(p.relative_to(HEADERS)) for p in HEADERS.rglob("*.h")}
    stamp = digest(stamp, json.dumps(header_sums(sorted(headers))))
    if mark.exists() and mark.read_text() == stamp:
        return
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    env = dict(os.environ, TO=str(root), CC=str(paths.SCRIPTS / "aegis-cc"), LIBAEGIS=str(paths.LIBAEGIS), HEADERS=str(HEADERS),
               LINKER_SCRIPT=str(paths.LINKER_SCRIPT), NEWLIB=str(paths.NEWLIB / "riscv64-unknown-elf"))
    status, text, _ = proc.run(["bash", "-eu", "./link"], cwd=out, env=env, quiet=True, check=False)
    mark.write_text(stamp)
    if status:
        shutil.rmtree(root)
        say(f"warning: what {name} needs besides could not be made:\n{text}")


def objects(port, outs):
    """The port's objects, made now. What could not be compiled is not tried again before something changes: None."""
    mark = paths.PORTS / "failed" / port.name
    headers = sorted(str(p.relative_to(HEADERS)) for p in HEADERS.rglob("*.h"))
    stamp = digest(key(port, outs), json.dumps(header_sums(headers)), packages.cached(packages.table()[port.name]))
    if mark.exists() and mark.read_text().split("\n", 1)[0] == stamp:
        return None
    try:
        with proc.lock(paths.CACHE / f"port-{port.name}.lock"):
            return kept(port, outs) or compile_port(port, outs)  # another tree may have made them meanwhile
    except Failure as failure:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(f"{stamp}\n{failure}")
        raise


def build():
    """Brings all ports up to date. What fails is said, and the others go on."""
    outs = {}
    for port in PORTS:
        if any(name not in outs for name in port.needs):
            continue
        try:
            if out := kept(port, outs) or objects(port, outs):
                outs[port.name] = out
        except Failure as failure:
            say(f"warning: {port.name}: {failure}")
    for out in outs.values():
        link_port(out)
    paths.PORTS.mkdir(parents=True, exist_ok=True)
    (paths.PORTS / "outs").write_text("".join(f"{out}\n" for out in outs.values()))


# --- for the archive -------------------------------------------------------------------------

def outs():
    with contextlib.suppress(OSError):
        return [Path(line) for line in (paths.PORTS / "outs").read_text().splitlines()]
    return []


def programs():
    """name -> ELF"""
    return {path.name: path for path in sorted((paths.PORTS / "bin").glob("*"))}


def trees():
    """Folders of files of the guest."""
    return [path for path in (*(out / "root" for out in outs()), *sorted((paths.PORTS / "root").glob("*"))) if path.is_dir()]


def links():
    """name -> program that it stands for"""
    found = {}
    for out in outs():
        if (out / "links").exists():
            for line in (out / "links").read_text().splitlines():
                program, name = line.split()
                found[name] = program
    return found
