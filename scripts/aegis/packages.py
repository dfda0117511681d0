# SPDX-License-Identifier: BSD-2-Clause
"""The set-up: Debian packages, pinned downloads by checksum, newlib, QEMU 10, Lua's source, CBMC."""
import hashlib
import os
import re
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

from . import paths, proc
from .proc import Failure, say

Source = namedtuple("Source", "name version kind suite package file sha256 without")

SUITES = "bookworm bookworm-updates bookworm-backports trixie"
FLAGS = ("-O2 -g -march=rv64gc -mabi=lp64d -mcmodel=medany -ffunction-sections -fdata-sections "
         "-D__exo__ -DHAVE_NANOSLEEP")
CONFIGURE = ["--target=riscv64-unknown-elf", "--disable-multilib", "--disable-libgloss",
             "--disable-newlib-supplied-syscalls", "--enable-newlib-io-long-long",
             "--enable-newlib-io-c99-formats", "--enable-newlib-io-pos-args", "--enable-newlib-mb",
             "--enable-newlib-retargetable-locking", "--enable-newlib-reent-thread-local",
             "--enable-newlib-iconv", "--enable-newlib-iconv-encodings=us_ascii,utf_8,utf_16,utf_16be,utf_16le,ucs_2,ucs_2be,ucs_2le,"
             "ucs_4,ucs_4be,ucs_4le,iso_8859_1,iso_8859_2,iso_8859_15,koi8_r,win_1252", "--disable-nls", "--silent"]


def table():
    rows = {}
    for line in (paths.SCRIPTS / "sources.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            source = Source(*line.split("\t"))
            rows[source.name] = source
    return rows


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


# --- the system's packages -------------------------------------------------------------------

NEEDED = ("gcc", "binutils", "hostgcc", "hostlibc", "meson", "ninja", "make", "xz", "patch")


def present(source):
    return Path(source.file).exists() if source.file.startswith("/") else bool(shutil.which(source.file))


def missing_packages():
    return [s for s in table().values() if s.kind == "system" and not present(s)]


def install(missing):
    if not shutil.which("apt-get"):
        raise Failure("this is not a Debian system; install by hand: " + " ".join(s.package for s in missing))
    as_root = [] if os.geteuid() == 0 else ["sudo"] if shutil.which("sudo") else None
    names = [s.package for s in missing]
    if as_root is None:
        raise Failure("neither root nor sudo; ask for: apt-get install --no-install-recommends " + " ".join(names))
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    say(f"installing {len(names)} packages: {' '.join(names)}")
    command = [*apt, "install", "--no-install-recommends", *names]
    if proc.run(command, env=env, quiet=True, check=False)[0] == 0:
        return
    proc.run([*apt, "update"], env=env, quiet=True, check=False)
    status, output, _ = proc.run(command, env=env, quiet=True, check=False)
    if status:  # one that cannot be had must not keep the others away
        for name in names:
            proc.run([*apt, "install", "--no-install-recommends", name], env=env, quiet=True, check=False)
    lost = [s for s in missing if not present(s)]
    for source in lost:
        say(f"apt could not install {source.package} ({source.version}); without it: {source.without}")
    if any(s.name in NEEDED for s in lost):
        raise Failure("these are needed" + (":\n" + output[-2000:] if status else ""))


# --- a private package index -----------------------------------------------------------------

def mirror():
    """The first Debian mirror that the user's own apt configuration names."""
    files = sorted(Path("/etc/apt/sources.list.d").glob("*.sources")) + [Path("/etc/apt/sources.list")] + sorted(
        Path("/etc/apt/sources.list.d").glob("*.list"))
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        found = (re.findall(r"^URIs:\s*(\S+)", text, re.M) if path.suffix == ".sources"
                 else re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)", text, re.M))
        for uri in found:
            if re.search(r"/debian/?$", uri):
                return uri
    raise Failure("no Debian mirror in the apt sources of this system")


def private_apt(refresh):
    """An apt configuration of our own, so that the user's is neither read for suites nor changed."""
    folder = paths.CACHE / "apt"
    for sub in ("lists/partial", "cache/archives/partial"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    (folder / "aegis.sources").write_text(
        f"Types: deb deb-src\nURIs: {mirror()}\nSuites: {SUITES}\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n")
    config = folder / "apt.conf"
    config.write_text(f'Dir::Etc::sourcelist "{folder}/aegis.sources";\nDir::Etc::sourceparts "-";\n'
                      f'Dir::State::lists "{folder}/lists";\nDir::Cache "{folder}/cache";\nAPT::Sandbox::User "root";\n')
    env = dict(os.environ, APT_CONFIG=str(config))
    if refresh or not any((folder / "lists").glob("*_Packages*")):
        say("reading the package index")
        proc.run(["apt-get", "-q", "update"], env=env, quiet=True)
    return env


def place(source):
    """Where the cache keeps it: by checksum, or by suite where any revision will do."""
    return paths.CACHE / "files" / (source.suite if source.sha256 == "-" else source.sha256) / Path(source.file).name


def cached(source):
    return place(source) if place(source).exists() else None


def apt_get(arguments, folder, env):
    """Complaints of apt-get, '' when it had none."""
    _, output, _ = proc.run(["apt-get", "-q", *arguments], cwd=folder, env=env, quiet=True, check=False)
    return "\n".join(line for line in output.splitlines() if line.startswith(("E:", "Err:", "W:")))


def download(source, env, folder):
    """Brings the pinned file into `folder`: (it or None, apt-get's complaints)."""
    if source.kind == "source":
        said = apt_get(["source", "--download-only", "--tar-only", "-t", source.suite, source.package], folder, env)
        path = folder / source.file
        return path if path.exists() else None, said
    wanted = f"{source.package}/{source.suite}" if source.kind == "inner" or source.version == "any" else f"{source.package}={source.version}"
    said = apt_get(["download", wanted], folder, env)
    debs = list(folder.glob("*.deb"))
    if not debs or source.kind == "deb":
        return debs[0] if debs else None, said
    proc.run(["dpkg", "-x", debs[0], folder / "x"], quiet=True)
    path = folder / "x" / source.file
    return path if path.exists() else None, said


def fetch(name):
    """The pinned file of row `name`, from the cache or else the mirror; its checksum always holds."""
    source = table()[name]
    if path := cached(source):
        return path
    why = ""
    for refresh in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            try:
                env = private_apt(refresh)
                say(f"downloading {source.package} {source.version}")
                path, said = download(source, env, Path(folder))
                why = said or "the mirror has another version of it"
            except Failure as failure:
                path, why = None, str(failure)
            if not path:
                continue
            if source.sha256 not in ("-", sha256(path)):
                why = f"{path.name} has checksum {sha256(path)}, not {source.sha256}"
                continue
            target = place(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".partial")
            shutil.copyfile(path, partial)
            partial.rename(target)
            return target
    raise Failure(f"could not download {source.package} {source.version}: {why}\nwithout it: {source.without}")


# --- newlib, Lua, QEMU, CBMC -----------------------------------------------------------------------

def compiler_version():
    if not shutil.which(paths.TOOL + "gcc"):
        return "none"
    return proc.run([paths.TOOL + "gcc", "--version"], capture=True)[1].splitlines()[0]


def newlib_patches():
    return sorted((paths.ROOT / "libos" / "newlib").glob("*.patch"))


def newlib_key():
    """Everything that decides what the built newlib is."""
    digest = hashlib.sha256()
    for part in (table()["newlib"].sha256, FLAGS, " ".join(CONFIGURE), compiler_version()):
        digest.update(part.encode() + b"\0")
    for patch in newlib_patches():
        digest.update(patch.name.encode() + b"\0" + patch.read_bytes())
    return digest.hexdigest()[:32]


def newlib_prefix():
    return paths.CACHE / "newlib" / newlib_key()


def newlib_ready():
    return (newlib_prefix() / "riscv64-unknown-elf" / "lib" / "libc.a").exists()


def jobs():
    return f"-j{min(len(os.sched_getaffinity(0)), 8)}"


def build_newlib():
    prefix = newlib_prefix()
    with proc.lock(paths.CACHE / "newlib.lock"):
        if not newlib_ready():
            tarball = fetch("newlib")
            say(f"building newlib {table()['newlib'].version} (about a minute)")
            # Built beside the cache entry and renamed in one step: a torn build is never taken for a whole one.
            with tempfile.TemporaryDirectory(prefix="aegis-newlib-") as scratch:
                make_newlib(tarball, Path(scratch), prefix)
    point(paths.NEWLIB, prefix)


def make_newlib(tarball, scratch, prefix):
    proc.run(["tar", "-C", scratch, "-xf", tarball], quiet=True)
    source = next(scratch.glob("newlib-*"))
    for patch in newlib_patches():
        with open(patch) as f:
            proc.run(["patch", "-p1", "--no-backup-if-mismatch", "--fuzz=0"], cwd=source, stdin=f, quiet=True)
    build, stage = scratch / "build", scratch / "stage"
    build.mkdir()
    flags = f"{FLAGS} -ffile-prefix-map={scratch}=."
    proc.run([source / "configure", *CONFIGURE, f"--prefix={stage}"], cwd=build, quiet=True)
    make = ["make", "-s", f"CFLAGS_FOR_TARGET={flags}", "MAKEINFO=true"]
    say("  compiling")
    proc.run([*make, jobs(), "all-target-newlib"], cwd=build, quiet=True)
    say("  installing into the cache")
    proc.run([*make, "install-target-newlib"], cwd=build, quiet=True)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    partial = prefix.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(stage, partial, symlinks=True)
    partial.rename(prefix)


def point(link, target):
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() and os.readlink(link) == str(target):
        return
    fresh = link.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.rename(link)


def unpacked(folder, key, unpack):
    """Fills `folder` by `unpack(partial)` unless it was filled from the same `key`."""
    stamp = folder / ".key"
    if stamp.exists() and stamp.read_text() == key:
        return
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    unpack(partial)
    (partial / ".key").write_text(key)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def unpack_lua():
    tarball = fetch("lua")
    unpacked(paths.LUA, table()["lua"].sha256,
             lambda to: proc.run(["tar", "-C", to, "--strip-components=1", "-xf", tarball], quiet=True))


def unpack_lwip():
    tarball = fetch("lwip")
    unpacked(paths.LWIP, table()["lwip"].sha256,
             lambda to: proc.run(["tar", "-C", to, "--strip-components=1", "-xf", tarball], quiet=True))


def qemu_version(qemu):
    """(10, 0, 2) and the like; (0,) when it does not run."""
    if not shutil.which(str(qemu)):
        return (0,)
    status, text, _ = proc.run([qemu, "--version"], capture=True, check=False)
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(n) for n in found.groups()) if status == 0 and found else (0,)


def system_qemu_suffices():
    return qemu_version("qemu-system-riscv64") >= (10,)


QEMU_ROWS = ("qemu", "qemu-data", "opensbi")


def unpack_qemu():
    debs = [fetch(name) for name in QEMU_ROWS]

    def unpack(to):
        for deb in debs:
            proc.run(["dpkg", "-x", deb, to], quiet=True)
    unpacked(paths.QEMU10, " ".join(table()[n].sha256 for n in QEMU_ROWS), unpack)
    if qemu_version(paths.QEMU10 / "usr/bin/qemu-system-riscv64") < (10,):
        raise Failure("the unpacked QEMU 10 does not start here; " + table()["qemu"].without)


CBMC_ROWS = ("cbmc", "cbmc-minisat", "cbmc-libc", "cbmc-libgcc", "cbmc-libstdc++")


def unpack_cbmc():
    debs = [fetch(name) for name in CBMC_ROWS]

    def unpack(to):
        for deb in debs:
            proc.run(["dpkg", "-x", deb, to], quiet=True)
    unpacked(paths.CBMC, " ".join(table()[n].sha256 for n in CBMC_ROWS), unpack)


def cbmc():
    """The command that starts CBMC: it needs a newer C library than the system's, so it is started by that one's own loader."""
    unpack_cbmc()
    usr = paths.CBMC / "usr"
    command = [usr / "lib64/ld-linux-x86-64.so.2", "--library-path", f"{usr}/lib/x86_64-linux-gnu:{usr}/lib", usr / "bin/cbmc"]
    if not command[0].exists() or proc.run([*command, "--version"], capture=True, check=False)[0]:
        raise Failure("the unpacked CBMC does not start here; without it: " + table()["cbmc"].without)
    return command


# --- the whole -------------------------------------------------------------------------------

def report():
    """Rows (name, version, state) of everything; state '' is ready."""
    rows = []
    for source in table().values():
        if source.kind == "system":
            state = "" if present(source) else "missing"
        elif source.name == "newlib":
            state = "" if newlib_ready() else "downloaded, not built" if cached(source) else "missing"
        elif source.name in QEMU_ROWS and system_qemu_suffices():
            state = "not needed: the system's QEMU is new enough"
        elif source.name == "lua":
            state = "" if paths.LUA.exists() else "downloaded" if cached(source) else "missing"
        elif source.name == "lwip":
            state = "" if paths.LWIP.exists() else "downloaded" if cached(source) else "missing"
        elif source.kind == "source" or source.name in CBMC_ROWS:
            state = "" if cached(source) else "missing"
        else:
            state = "" if paths.QEMU10.exists() else "downloaded" if cached(source) else "missing"
        rows.append((source, state))
    return rows


def wanted():
    """What a set-up of this table and these patches leaves in its stamp."""
    return hashlib.sha256((paths.SCRIPTS / "sources.tsv").read_bytes()).hexdigest() + " " + newlib_key()


def ready():
    """True when set-up was done for what is wanted now, even if something optional could not be had; looks at the disk only."""
    stamp = paths.BUILD / ".setup"
    return (stamp.exists() and stamp.read_text() == wanted() and paths.NEWLIB.exists() and newlib_ready()
            and bool(shutil.which("meson") and shutil.which("ninja")))


def setup():
    """Brings in what is missing. What is optional and fails is reported, not fatal."""
    if missing := missing_packages():
        install(missing)
    with proc.lock(paths.BUILD / ".setup.lock"):
        build_newlib()
        for row, step in (("lua", unpack_lua), ("lwip", unpack_lwip), ("qemu", None if system_qemu_suffices() else unpack_qemu),
                          ("cbmc", unpack_cbmc)):
            try:
                if step:
                    step()
            except Failure as failure:
                say(f"warning: {failure}")
        for source in table().values():
            if source.kind == "source":
                try:
                    fetch(source.name)
                except Failure as failure:
                    say(f"warning: {failure}")
        (paths.BUILD / ".setup").write_text(wanted())
