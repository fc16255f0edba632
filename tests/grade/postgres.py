"""A PostgreSQL server of the tests' own, in a temporary folder, run by an unprivileged user."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

USER, PASSWORD = "grader", "invented-and-secret"
HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
# What a class needs is little; that the rest is refused is a test.
MOST_CONNECTIONS = 20


@cache
def programs():
    """The folder of PostgreSQL's programs; installs Debian's package where that can be done."""
    for attempt in range(2):
        known = [path for name in ("initdb",) if (path := shutil.which(name))]
        known += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if known:
            return Path(known[-1]).resolve().parent
        if attempt == 0 and os.geteuid() == 0 and shutil.which("apt-get"):
            env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            get = ["apt-get", "install", "-y", "--no-install-recommends", "postgresql"]
            subprocess.run(get, env=env, check=False, stdout=subprocess.DEVNULL)
    return pytest.fail(
        "No PostgreSQL was found: neither initdb on PATH nor /usr/lib/postgresql. Install it (on "
        "Debian and Ubuntu: apt install postgresql).",
        pytrace=False,
    )


class Server:
    """A server that is running; databases are named, and `url` says where one of them is.

    settings: of the server, beside what the tests need. They wait for no disk.
    """

    def __init__(self, **settings):
        self._settings = settings
        self.folder = Path(tempfile.mkdtemp(prefix="dlc-pg-", dir="/tmp"))
        # The server itself refuses to be root.
        self._user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        shutil.chown(self.folder, self._user)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._data = self.folder / "data"
        new = ("-U", USER, "--pwfile", password, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self._run("initdb", "-D", self._data, "-A", "scram-sha-256", *new)
        (self._data / "pg_hba.conf").write_text(HBA)
        self.start()

    def _run(self, program, *arguments):
        command = [programs() / program, *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._user, "--", *command]
        done = subprocess.run(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0, done.stdout

    def start(self):
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "max_connections": MOST_CONNECTIONS,
            **self._settings,
        }
        chosen = " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = ("-l", self.folder / "log")
        self._run("pg_ctl", "-D", self._data, *log, "-o", chosen, "-w", "start")

    def stop(self):
        """As its administrator does: whoever is connected is told, and out."""
        self._run("pg_ctl", "-D", self._data, "-m", "fast", "-w", "stop")

    def restart(self):
        self.stop()
        self.start()

    def new(self, name):
        """Makes a database, and returns its URL."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def url(self, name, user=USER):
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{name}"

    def sql(self, text, database="postgres"):
        """What psql answers."""
        place = ("-h", self.folder, "-p", self.port, "-U", USER, "-d", database)
        return self.client("psql", *place, "-v", "ON_ERROR_STOP=1", "-Atc", text)

    def client(self, program, *arguments):
        """What one of PostgreSQL's programs for its users says."""
        command = [programs() / program, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)
