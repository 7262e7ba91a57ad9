"""The files of a PostgreSQL cluster: made whole or not at all, owned by a user that PostgreSQL accepts."""

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import stat
from collections.abc import Sequence
from pathlib import Path

import psutil

from payouts_pipeline.errors import PayoutsError
from payouts_pipeline.local.embedded.launch import launched
from payouts_pipeline.local.embedded.leftovers import end_processes
from payouts_pipeline.local.embedded.parts import plain_environment

_READY_LINE = 7  # of postmaster.pid
_LOOK = stat.S_IROTH
_PASS = stat.S_IXOTH


class Cluster:
    """A data folder with its password beside it; both are made in one step and deleted as one folder."""

    role = "payouts"

    def __init__(self, folder: Path, programs: Path, databases: Sequence[str]) -> None:
        self.data = folder / "data"
        self.run_as = _user_for(folder)
        self._folder = folder
        self._programs = programs
        self._databases = databases

    def program(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs."""
        return str(self._programs / name)

    def password(self) -> str:
        """Return the password of the role, which is made with the cluster."""
        return (self._folder / "password").read_text()

    def reported_ready(self, pid: int) -> bool:
        """Say whether the server with this pid has written that it takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"

    async def prepare(self) -> bool:
        """Make the cluster startable, whatever happened to it before; say whether its last server crashed."""
        crashed = (self.data / "postmaster.pid").exists()
        if self.run_as:
            _open_program_folder(self._programs)
        if crashed:
            await asyncio.to_thread(self._clear_crash)
        if not self._folder.exists():
            await self._create()
        if self.run_as:
            _open_way_to(self._folder)
        return crashed

    async def _create(self) -> None:
        """Work in a folder of another name: when this is cut short, the next start begins anew."""
        unfinished = self._folder.with_name(f"{self._folder.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password_file = unfinished / "password"
        password_file.write_text(secrets.token_urlsafe(18))
        if self.run_as:
            os.chown(unfinished, *self.run_as)
            os.chown(password_file, *self.run_as)
            _open_way_to(unfinished)
        await self._initialise(unfinished / "data", password_file)
        await self._create_databases(unfinished / "data")
        unfinished.rename(self._folder)

    async def _initialise(self, data: Path, password_file: Path) -> None:
        """Use the collation that sorts alike on every machine; connections need the password."""
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        login = [f"--username={self.role}", f"--pwfile={password_file}", "--auth=scram-sha-256"]
        await self._run([self.program("initdb"), "-D", str(data), *locale, *login])

    async def _create_databases(self, data: Path) -> None:
        """Create them without a server, so that every cluster that exists has them."""
        statements = "".join(f"CREATE DATABASE {name};\n" for name in self._databases)
        await self._run([self.program("postgres"), "--single", "-D", str(data), "postgres"], statements)

    async def _run(self, command: list[str], given: str = "") -> None:
        process = await asyncio.create_subprocess_exec(
            *launched(command, signal.SIGKILL, self.run_as),
            env=plain_environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate(given.encode())
        if process.returncode != 0:
            complaint = " ".join(output.decode(errors="replace").split()[-40:])
            raise PayoutsError(f"{Path(command[0]).name} could not make the database in {self._folder}: {complaint}")

    def _clear_crash(self) -> None:
        """End servers that outlived a kill, and remove the pid file: its pid may be another's by now."""
        end_processes(_servers_in(self.data), signal.SIGQUIT)
        (self.data / "postmaster.pid").unlink(missing_ok=True)


def _user_for(folder: Path) -> tuple[int, int] | None:
    """Return who runs the server if we are root, whom it refuses: the owner of the files, first `nobody`."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and folder.stat().st_uid != 0:
        return folder.stat().st_uid, folder.stat().st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _open_way_to(path: Path) -> None:
    """Let another user pass, not look, through the folders above; those that are open are not touched."""
    for folder in path.resolve().parents:
        _allow(folder, _PASS)


def _open_program_folder(programs: Path) -> None:
    """Let another user run the wheel's programs, which an installation under umask 077 has closed."""
    _open_way_to(programs)
    if _allows(programs / "postgres", _LOOK | _PASS):
        return
    for folder, _, files in os.walk(programs.parent):
        _allow(Path(folder), _LOOK | _PASS)
        for name in files:
            _allow(Path(folder, name), _LOOK | (_PASS if folder == str(programs) else 0))


def _allow(path: Path, permission: int) -> None:
    if not _allows(path, permission):
        path.chmod(stat.S_IMODE(path.stat().st_mode) | permission)


def _allows(path: Path, permission: int) -> bool:
    return path.stat().st_mode & permission == permission


def _servers_in(data: Path) -> list[psutil.Process]:
    """Return the server processes that work in this folder; backends outlive a killed server for a moment."""
    servers = []
    for process in psutil.process_iter(["name", "cwd"]):
        name, folder = process.info["name"], process.info["cwd"]
        if name == "postgres" and folder and Path(folder) == data.resolve():
            servers.append(process)
    return servers
