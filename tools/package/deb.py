"""Builds the Debian package of the program: binary, man pages, completions, units.

usage: ./dev package [--output FOLDER] [--version VERSION]

The package is the same to the byte for the same program and SOURCE_DATE_EPOCH (default: the last commit's time).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import completions
import man
from program import commands_of, version_of

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / "build" / "bin" / "bemi"
PACKAGING = ROOT / "packaging"
SUMMARY = "audit trail of a PostgreSQL database, by logical replication"
DESCRIPTION = """\
 Bemi reads the Write-Ahead Log of a PostgreSQL database and stores each change
 with the application's context: who made it, where and how. The history is a
 table in a database of your own. Commands, SQL functions and a dashboard show
 it, go back in time, and undo changes.
 .
 This package has the worker, the dashboard and the commands in one program,
 their man pages and completions, and hardened systemd units."""


def epoch() -> int:
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    done = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return int(done.stdout) if done.returncode == 0 else int(time.time())


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run([str(one) for one in command], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def put(source: Path, target: Path, mode: int = 0o644) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def write(text: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(0o644)


def compress(path: Path) -> None:
    with (
        path.with_name(path.name + ".gz").open("wb") as out,
        gzip.GzipFile("", "wb", 9, out, mtime=0) as file,
    ):
        file.write(path.read_bytes())
    path.unlink()


def copyright_text() -> str:
    notices = (ROOT / "THIRD-PARTY-NOTICES.md").read_text()
    return (
        "Bemi is free software under the GNU Lesser General Public License, version 3 or later.\n"
        "On Debian systems, its text and that of the GPL that it refers to are in\n"
        f"/usr/share/common-licenses/LGPL-3 and GPL-3.\n\n{notices}"
    )


def changelog_text(version: str, date: int) -> str:
    day = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(date))
    maintainer = "Bemi maintainers <maintainers@bemi.invalid>"
    return f"bemi ({version}) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- {maintainer}  {day}\n"


def stage(root: Path, version: str, date: int) -> None:
    commands = commands_of(BINARY)
    put(BINARY, root / "usr/bin/bemi", 0o755)
    run("strip", "--strip-unneeded", root / "usr/bin/bemi")
    share = root / "usr/share"
    man.write_pages(share / "man/man1", commands, version, time.strftime("%Y-%m-%d", time.gmtime(date)))
    for page in sorted((share / "man/man1").iterdir()):
        compress(page)
    write(completions.bash(commands), share / "bash-completion/completions/bemi")
    write(completions.zsh(commands), share / "zsh/vendor-completions/_bemi")
    write(completions.fish(commands), share / "fish/vendor_completions.d/bemi.fish")
    for unit in sorted((PACKAGING / "systemd").iterdir()):
        put(unit, root / "lib/systemd/system" / unit.name)
    put(PACKAGING / "lintian-overrides", share / "lintian/overrides/bemi")
    documents = share / "doc/bemi"
    put(PACKAGING / "example.toml", documents / "examples/example.toml")
    write(copyright_text(), documents / "copyright")
    put(ROOT / "CHANGELOG.md", documents / "NEWS")
    compress(documents / "NEWS")
    write(changelog_text(version, date), documents / "changelog")
    compress(documents / "changelog")
    (root / "etc/bemi").mkdir(parents=True)


def dependencies(root: Path) -> str:
    """By what the binary links."""
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "debian" / "control"
        control.parent.mkdir()
        control.write_text("Source: bemi\n\nPackage: bemi\nArchitecture: any\n")
        found = run("dpkg-shlibdeps", "-O", root / "usr/bin/bemi", cwd=Path(folder))
    match = re.search(r"shlibs:Depends=(.*)", found)
    if match is None:
        sys.exit("dpkg-shlibdeps names no dependency of the program")
    return f"{match[1]}, adduser"


def control_text(root: Path, version: str) -> str:
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) // 1024
    return (
        f"Package: bemi\nVersion: {version}\nArchitecture: {run('dpkg', '--print-architecture').strip()}\n"
        f"Maintainer: Bemi maintainers <maintainers@bemi.invalid>\nInstalled-Size: {size}\n"
        f"Depends: {dependencies(root)}\nSuggests: postgresql\nSection: database\nPriority: optional\n"
        f"Description: {SUMMARY}\n{DESCRIPTION}\n"
    )


def add_control(root: Path, version: str) -> None:
    control = control_text(root, version)  # before its own files are there
    sums = [
        f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n"
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]
    write(control, root / "DEBIAN/control")
    write("".join(sums), root / "DEBIAN/md5sums")
    for script in sorted((PACKAGING / "debian").iterdir()):
        put(script, root / "DEBIAN" / script.name, 0o755)


def same_times(root: Path, date: int) -> None:
    for path in [*root.rglob("*"), root]:
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (date, date), follow_symlinks=False)


def build(output: Path, version: str) -> Path:
    date = epoch()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "bemi"
        stage(root, version, date)
        add_control(root, version)
        same_times(root, date)
        os.environ["SOURCE_DATE_EPOCH"] = str(date)
        made = run("dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, output)
    match = re.search(r"'([^']+\.deb)'", made)
    if match is None:
        sys.exit(f"dpkg-deb said: {made}")
    return Path(match[1])


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--output", type=Path, default=ROOT / "build" / "package")
    options.add_argument("--version", help="another version than the program's, to try an upgrade")
    chosen = options.parse_args()
    package = build(chosen.output.resolve(), chosen.version or version_of(BINARY))
    print(f"{package} ({package.stat().st_size / 1e6:.1f} MB)\ninstall it: sudo apt install {package}")


if __name__ == "__main__":
    main()
