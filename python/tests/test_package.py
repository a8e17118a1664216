"""What `pip install` gets: the wheel and the sdist, built from this folder."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def test_wheel_and_sdist(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(HERE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel], [sdist] = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(archive.read(n).decode() for n in names if n.endswith("METADATA"))
        entry_points = next(archive.read(n).decode() for n in names if n.endswith("entry_points.txt"))
    sources = {p.relative_to(HERE / "src").as_posix() for p in (HERE / "src" / "bemi").rglob("*.py")}
    assert sources | {"bemi/py.typed"} <= names
    assert "Name: bemi-sqlalchemy" in metadata and "LGPL-3.0-or-later" in metadata
    assert "bemi = bemi.pytest_plugin" in entry_points
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("src/bemi/__init__.py") for name in archive.getnames())
