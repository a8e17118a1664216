"""Files, terminals and the process itself: what a stranger could write is not believed, and what is secret
is not left lying about."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.oracle import sync
from e2e.test_maintenance import Old, aged

from support.bemi import bemi, binary
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.postgres import available, bindir_of
from support.waiting import wait_until

STRANGER = 65534  # nobody
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")

# What a terminal would obey: C0, C1 as text and as a byte, and what turns the direction of writing.
ESCAPES = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202egnp.exe\u2066\u2069"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e\u2066-\u2069]")


# ---- bemi.toml ----


def configured(folder: Path) -> subprocess.CompletedProcess[str]:
    return bemi("run", "--print-settings", cwd=folder, check=False)


def is_believed(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 0 and '"from":"file"' in done.stdout


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that everybody may enter, as /tmp is."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(("mode", "believed"), [(0o600, True), (0o644, True), (0o666, False), (0o646, False)])
def test_a_file_that_others_can_write_is_not_believed(open_folder: Path, mode: int, believed: bool) -> None:
    file = open_folder / "bemi.toml"
    file.write_text('destination = "dbname=elsewhere"\n')
    file.chmod(mode)
    done = configured(open_folder)
    assert is_believed(done) is believed, done
    if not believed:
        assert done.returncode == 1 and "chmod go-w" in done.stderr and "elsewhere" not in done.stdout


@as_root
def test_a_file_of_somebody_else_is_not_believed(open_folder: Path) -> None:
    file = open_folder / "bemi.toml"
    file.write_text('destination = "dbname=elsewhere"\n')
    file.chmod(0o644)
    os.chown(file, STRANGER, STRANGER)
    done = configured(open_folder)
    assert done.returncode == 1 and "belongs to" in done.stderr and "chown" in done.stderr, done
    named = bemi("run", "--print-settings", "--config", str(file), check=False)
    assert named.returncode == 1 and "belongs to" in named.stderr
    os.chown(file, 0, STRANGER)
    file.chmod(0o664)
    assert not is_believed(configured(open_folder)), "a group of others can write it"


@as_root
def test_a_link_of_somebody_else_is_not_followed(open_folder: Path, tmp_path: Path) -> None:
    ours = tmp_path / "other-project.toml"
    ours.write_text('destination = "dbname=elsewhere"\n')
    link = open_folder / "bemi.toml"
    link.symlink_to(ours)
    assert is_believed(configured(open_folder))
    os.chown(link, STRANGER, STRANGER, follow_symlinks=False)
    done = configured(open_folder)
    assert done.returncode == 1 and "not followed" in done.stderr, done


@as_root
def test_a_pipe_of_somebody_else_keeps_nobody_waiting(open_folder: Path) -> None:
    os.mkfifo(open_folder / "bemi.toml", 0o666)
    os.chown(open_folder / "bemi.toml", STRANGER, STRANGER)
    assert configured(open_folder).returncode == 1


def test_no_file_and_dev_null_are_fine(tmp_path: Path) -> None:
    assert configured(tmp_path).returncode == 0
    assert bemi("run", "--config", "/dev/null", "--print-settings").returncode == 0
    done = bemi("run", "--config", str(tmp_path / "nothing.toml"), check=False)
    assert done.returncode == 2 and "there is no file" in done.stderr
    (tmp_path / "bemi.toml").write_text("#" * (2 << 20))
    assert configured(tmp_path).returncode == 1


@as_root
def test_a_private_server_of_somebody_else_is_not_started(open_folder: Path) -> None:
    (open_folder / ".bemi").mkdir()
    os.chown(open_folder / ".bemi", STRANGER, STRANGER)
    done = bemi("dev", cwd=open_folder, check=False)
    assert done.returncode != 0 and "belongs to" in done.stderr, done


# ---- Archives ----


@pytest.fixture(params=[available()[0], available()[-1]])
def archived(request: pytest.FixtureRequest, start_worker: StartWorker, tmp_path: Path) -> Iterator[Archived]:
    """A worker's history, an old part of it put away."""
    with aged(request.param, start_worker) as old:
        yield Archived(old, tmp_path)


class Archived:
    """A history whose oldest window is in a file alone."""

    def __init__(self, old: Old, folder: Path) -> None:
        self.old = old
        self.folder = folder / "archive"
        self.folder.mkdir()
        old.maintain("--archive", str(self.folder))
        self.file = min(self.folder.glob("changes*"))
        self.window = self.file.name.removesuffix(".copy.zst")
        self.rows = old.rows(self.window)
        old.sql(f"alter table changes detach partition {self.window}")
        old.sql(f"drop table {self.window}")

    def restore(self, *flags: str, file: Path | None = None) -> subprocess.CompletedProcess[str]:
        return bemi("archive", "restore", str(file or self.file), *flags, env=self.old.env, check=False)

    def listed(self) -> tuple[int, dict[str, str], str]:
        done = bemi("archive", "list", str(self.folder), "--format", "json", env=self.old.env, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, {line["window"]: line["standing"] for line in lines}, done.stderr


def packed(text: bytes, *flags: str) -> bytes:
    return subprocess.run(["zstd", "-c", *flags], input=text, capture_output=True, check=True).stdout


def unpacked(file: Path) -> bytes:
    return subprocess.run(["zstd", "-dc", file], capture_output=True, check=True).stdout


def test_an_edited_archive_is_not_restored(archived: Archived) -> None:
    """By who may write the folder: unpacked, edited, packed again, of the same length too."""
    whole = archived.file.read_bytes()
    assert archived.listed()[0] == 0 and archived.listed()[1][archived.window] == "recorded"
    forged = packed(unpacked(archived.file).replace(b"first", b"forge"), "-9", "--check")
    assert forged != whole
    for bytes_ in (forged, forged[: len(whole)].ljust(len(whole), b"\0"), whole + packed(b"")):
        archived.file.write_bytes(bytes_)
        done = archived.restore()
        assert done.returncode == 1 and "changed" in done.stderr, done
        code, standings, _ = archived.listed()
        assert code == 1 and standings[archived.window] == "changed"
        looked = bemi("changes", "--archive", str(archived.file), env=archived.old.env, check=False)
        assert looked.returncode == 1 and "changed" in looked.stderr
        done = archived.restore("--unrecorded")
        assert done.returncode == 1, "the flag is for files without a record, not for changed ones"
    assert archived.window not in archived.old.windows()
    archived.file.write_bytes(whole)
    assert archived.restore().returncode == 0
    assert archived.old.rows(archived.window) == archived.rows


def test_a_forged_record_without_the_key_makes_no_file_pass(archived: Archived) -> None:
    forged = packed(unpacked(archived.file).replace(b"first", b"forge"), "-9", "--check")
    archived.file.write_bytes(forged)
    archived.old.sql(
        'update _bemi.archive set sha256 = encode(sha256(%s), \'hex\'), bytes = %s where "window" = %s',
        forged, len(forged), archived.window,
    )  # fmt: skip
    done = archived.restore()
    assert done.returncode == 1 and "changed" in done.stderr, done


def test_the_record_has_the_files_digest(archived: Archived) -> None:
    """By other programs' arithmetic."""
    [(bytes_, rows, sha256, mac, key)] = archived.old.sql(
        'select bytes, rows, sha256, mac, k.key from _bemi.archive, _bemi.archive_key k where "window" = %s',
        archived.window,
    )
    assert bytes_ == archived.file.stat().st_size and rows == len(archived.rows)
    said = subprocess.run(
        ["sha256sum", str(archived.file)], capture_output=True, text=True, check=True
    ).stdout
    assert sha256 == said.split()[0]
    hmac = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"key:{key}", str(archived.file)]
    assert subprocess.run(hmac, capture_output=True, text=True, check=True).stdout.split()[-1] == mac
    [(granted,)] = archived.old.sql(
        "select count(*) from information_schema.role_table_grants "
        "where table_schema = '_bemi' and table_name = 'archive_key' and grantee = 'PUBLIC'"
    )
    assert granted == 0


def test_a_file_without_a_record_needs_a_word(archived: Archived) -> None:
    """Of another history, or older than digests."""
    archived.old.sql("delete from _bemi.archive")
    code, standings, _ = archived.listed()
    assert code == 0 and standings[archived.window] == "unrecorded"
    done = archived.restore()
    assert done.returncode == 2 and "no digest" in done.stderr and "--unrecorded" in done.stderr, done
    looked = bemi("changes", "--archive", str(archived.file), env=archived.old.env)
    assert "no digest" in looked.stderr and looked.stdout
    assert archived.restore("--unrecorded").returncode == 0
    assert archived.old.rows(archived.window) == archived.rows


def header(archived: Archived) -> dict[str, object]:
    return dict(json.loads(unpacked(archived.file).split(b"\n", 1)[0]))


def test_odd_headers_end_neither_the_listing_nor_the_program(archived: Archived) -> None:
    good = header(archived)
    odd: list[bytes] = [b"", b"\n", b"null\n", b"[" * 50_000 + b"\n", b"{" * 70_000, b"\xff\xfe\n", b'"x"\n']
    values: list[object] = [7, "7", None, [], {}, 1e300, -1, 2**70, True, "\0", "changes_" + "x" * 100_000]
    for member in good:
        for value in values:
            if value != good[member] and not (member == "rows" and value == 7):
                odd.append(json.dumps({**good, member: value}).encode() + b"\n")
        odd.append(json.dumps({key: value for key, value in good.items() if key != member}).encode() + b"\n")
    for number, text in enumerate(odd):
        (archived.folder / f"odd_{number:03}.copy.zst").write_bytes(packed(text))
    (archived.folder / "letter.copy.zst").write_text("a letter")
    (archived.folder / "folder.copy.zst").mkdir()
    os.mkfifo(archived.folder / "pipe.copy.zst")
    (archived.folder / "link.copy.zst").symlink_to("nowhere")
    code, standings, said = archived.listed()
    assert standings[archived.window] == "recorded" and code in (0, 1)
    assert said.count("left out") >= len(odd) // 2
    for name in ("odd_003", "odd_010", "letter", "folder", "pipe", "link"):
        done = archived.restore("--unrecorded", file=archived.folder / f"{name}.copy.zst")
        assert done.returncode in (1, 2), done
    assert archived.window not in archived.old.windows()


def limited(words: list[str], env: dict[str, str], bytes_: int) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (bytes_, bytes_))

    return subprocess.run(
        [binary(), *words], env={"PATH": os.environ["PATH"], **env}, capture_output=True, text=True,
        preexec_fn=limit, timeout=300,
    )  # fmt: skip


def test_a_small_file_that_unpacks_to_gigabytes_takes_little_memory(archived: Archived) -> None:
    """A first line, one row, or very many rows without end, and a window of two gigabytes."""
    first = json.dumps({**header(archived), "rows": 1}).encode() + b"\n"
    bombs = {
        "first_line": "head -c 2500000000 /dev/zero | tr '\\0' x",
        "one_row": f"cat {archived.folder}/first; head -c 1500000000 /dev/zero | tr '\\0' x",
        "many_rows": f"cat {archived.folder}/first; yes '' | head -c 500000000",
    }
    (archived.folder / "first").write_bytes(first)
    for name, script in bombs.items():
        file = archived.folder / f"{name}.copy.zst"
        subprocess.run(f"({script}) | zstd -1 -q -f -o {file}", shell=True, check=True)
        done = limited(["archive", "restore", "--unrecorded", str(file)], archived.old.env, 300 << 20)
        assert done.returncode in (1, 2), (name, done)
        assert "bad_alloc" not in done.stderr and "cannot go on" not in done.stderr, (name, done)
    wide = archived.folder / "wide.copy.zst"
    subprocess.run(f"(cat {archived.folder}/first; head -c 300000000 /dev/urandom) | zstd -1 -q --long=31 -f -o {wide}",
                   shell=True, check=True)  # fmt: skip
    done = limited(["archive", "restore", "--unrecorded", str(wide)], archived.old.env, 300 << 20)
    assert done.returncode in (1, 2) and "not an archive" in done.stderr, done
    assert archived.window not in archived.old.windows()


def test_a_file_is_not_written_through_a_link(archived: Archived, tmp_path: Path) -> None:
    """Of who may write the folder, to a file that only we may write."""
    ours = tmp_path / "ours"
    ours.write_text("ours")
    folder = tmp_path / "again"
    folder.mkdir()
    for window in archived.old.windows("closed"):
        (folder / f"{window}.copy.zst.part").symlink_to(ours)
    archived.old.sql("delete from _bemi.archive")
    archived.old.maintain("--archive", str(folder))
    assert ours.read_text() == "ours" and list(folder.glob("*.copy.zst"))


# ---- What is shown ----


@oldest_and_newest
def test_no_command_hands_escapes_to_a_terminal(
    database: Database, start_worker: StartWorker, tmp_path: Path
) -> None:
    """In names, keys, values and contexts, of who may write a table."""
    log = tmp_path / "worker.log"
    worker = start_worker(log_file=log).wait_ready()
    name = f"t{ESCAPES}\nbemi: all is well\r"
    quoted = '"' + name + '"'
    database.sql(f'create table {quoted} (k text primary key, "c{ESCAPES}" text)')
    database.sql(f"insert into {quoted} values (%s, %s)", ESCAPES, ESCAPES)
    with database.server.connect(database.name) as connection, connection.transaction():
        context = json.dumps({f"k{ESCAPES}": ESCAPES, "user": ESCAPES}, ensure_ascii=False)
        connection.execute("select pg_logical_emit_message(true, '_bemi', %s)", (context,))
        connection.execute(f"insert into {quoted} values ('second', 'row')".encode())
    database.sql(f"update {quoted} set k = %s where k <> 'second'", ESCAPES + "2")
    database.sql(f"update {quoted} set k = %s where k <> 'second'", ESCAPES)
    sync(database.url)
    database.sql(f"delete from {quoted}")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    for command in (
        ["check"], ["status"], ["changes"], ["history", quoted, ESCAPES], ["as-of", "now", quoted, "--allow-stale"],
        ["transactions"], ["blame", quoted, ESCAPES], ["trends", "--by", "table"], ["revert", "--operation", "DELETE"],
        ["revert", "--operation", "UPDATE"], ["revert", "--table", quoted, "--operation", "DELETE", "--apply"],
        ["init"], ["mark", "create", f"m{ESCAPES}"], ["mark", "list"], ["mark", "rollback", f"no{ESCAPES}"],
        ["history", f'"no{ESCAPES}"', "1"], ["as-of", f"no{ESCAPES}", quoted], ["changes", f"--no{ESCAPES}"],
        ["init", "--dry-run"], ["teardown", "--yes"],
    ):  # fmt: skip
        done = bemi(*command, env=env, check=False)
        shown = done.stdout + done.stderr
        if "--dry-run" in command:  # for psql, and no terminal stands there
            shown = done.stderr
        assert not (found := OBEYED.search(shown)), (command, found, done)
        assert not re.search("^bemi: all is well", shown, flags=re.MULTILINE), command
        assert done.returncode in (0, 1, 2), done
    worker.terminate()
    text = log.read_bytes().decode()
    assert not OBEYED.search(text), text
    assert "bemi: all is well" not in [line.strip() for line in text.splitlines()]


@oldest_and_newest
def test_a_terminal_gets_no_escapes_in_json_and_csv_either(
    database: Database, start_worker: StartWorker
) -> None:
    start_worker().wait_ready()
    database.sql("create table t (k text primary key)")
    database.sql("insert into t values (%s)", ESCAPES)
    sync(database.url)
    # Without the program's own colours.
    env = {"PATH": os.environ["PATH"], "BEMI_SOURCE_URL": database.url, "TERM": "xterm", "NO_COLOR": "1"}
    for form in ("json", "csv", "table"):
        words = f"{binary()} changes --format {form}"
        shown = subprocess.run(
            ["script", "-qec", words, "/dev/null"], env=env, capture_output=True, check=True
        )
        text = shown.stdout.decode()
        assert not OBEYED.search(re.sub("\r+\n", "\n", text)), (form, text)
        assert form == "table" or "gnp.exe" in text
        if form == "json":
            rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
            assert ESCAPES in [row["primary_key"] for row in rows], "it is the same JSON"
    piped = bemi("changes", "--format", "json", env=env).stdout
    assert ESCAPES in [json.loads(line)["primary_key"] for line in piped.splitlines()]


# ---- The process ----


def test_a_password_does_not_stay_on_the_command_line() -> None:
    for words in (
        ["run", "--source", "postgresql://app:geheim@127.0.0.1:1/x"],
        ["run", "--source=postgresql://app:geheim@127.0.0.1:1/x"],
        ["run", "--source", "host=127.0.0.1 port=1 password=geheim"],
        ["run", "--source", "postgresql://127.0.0.1:1/x?password=geheim"],
        ["run", "--source", "postgresql://127.0.0.1:1/x", "--http-token", "geheim"],
        ["run", "--source", "postgresql://127.0.0.1:1/x", "--http-token=geheim"],
    ):
        with subprocess.Popen([binary(), *words], stderr=subprocess.PIPE) as process:
            line = Path(f"/proc/{process.pid}/cmdline")
            try:
                wait_until(lambda line=line: b"\0run\0" in line.read_bytes(), "it runs")  # type: ignore[misc]
                wait_until(lambda line=line: b"geheim" not in line.read_bytes(), "it is overwritten")  # type: ignore[misc]
            finally:
                process.kill()


def test_a_crash_leaves_no_core_behind(tmp_path: Path) -> None:
    """Memory holds passwords."""
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    process = subprocess.Popen(
        [binary(), "run", "--source", "postgresql://app:geheim@127.0.0.1:1/x"],
        cwd=tmp_path, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (limit, limit)),
    )  # fmt: skip
    limits = Path(f"/proc/{process.pid}/limits")
    wait_until(lambda: re.search(r"core file size +0 +0", limits.read_text()), "no core is allowed")
    process.send_signal(signal.SIGSEGV)
    process.wait(timeout=30)
    assert list(tmp_path.iterdir()) == []


def test_the_program_is_hardened() -> None:
    """By what readelf says of the release binary."""
    program = binary()
    if "dev" in program.parts:
        pytest.skip("a development build")
    text = subprocess.run(["readelf", "-W", "-l", "-d", "-n", program], capture_output=True, text=True).stdout
    assert "BIND_NOW" in text and "GNU_RELRO" in text and "GNU_STACK" in text and "RWE" not in text
    symbols = subprocess.run(
        ["readelf", "-W", "-s", "--dyn-syms", program], capture_output=True, text=True
    ).stdout
    assert "__stack_chk_fail" in symbols and "_chk@" in symbols and ".symtab" not in symbols
    if os.uname().machine == "x86_64":
        begins = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", program], capture_output=True, text=True
        )
        assert begins.stdout.count("endbr64") > 1000


# ---- bemi dev ----


def test_a_private_servers_password_is_never_readable() -> None:
    """Not even for a moment: watched by who opens whatever appears."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server's own user must reach its part
        os.umask(0)
        try:
            seen = _modes_while_made(Path(folder))
        finally:
            os.umask(0o022)
    assert {"passfile", "dashboard-token"} <= set(seen), "it has begun"
    assert all(mode & 0o077 == 0 for mode in seen.values()), seen


def _modes_while_made(folder: Path) -> dict[str, int]:
    secrets = (
        "password",
        "passfile",
        "dashboard-token",
        "password.part",
        "passfile.part",
        "dashboard-token.part",
    )
    seen: dict[str, int] = {}
    postgres = bindir_of(available()[-1])
    words = ("dev", "--directory", folder / "d", "--postgres-bin", postgres, "--http", "127.0.0.1:0")
    command = [str(binary()), *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:  # fmt: skip
        try:
            until = time.monotonic() + 90
            while time.monotonic() < until and "dashboard-token" not in seen and process.poll() is None:
                for name in secrets:
                    try:
                        mode = stat.S_IMODE((folder / "d" / name).stat().st_mode)
                    except FileNotFoundError:
                        continue
                    seen[name] = seen.get(name, 0) | mode
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
    return seen
