"""The hub's machine in a test: accounts, folders and environments, made by deploy/jupyterhub."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import requests

from dlcourse.build.bundle import bundle_files

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "jupyterhub"
PROXY = "configurable-http-proxy@5.3.0"
SECTION, NOTEBOOK = "01_tensors", "tensors"
# So that no account of the machine's own is meant.
PREFIX = "dlhub-"
# Seconds. Several servers start at once on a slow machine.
START = 600


class Site:
    """A course on a hub: `base` holds all of it but the accounts, which `remove` removes.

    people: name -> "instructor" or "student". settings: DLCOURSE_HUB_ names and values.
    """

    def __init__(self, people, **settings):
        self.people = people
        # Other accounts must be able to go there.
        self.base = Path(tempfile.mkdtemp(prefix="dlcourse-hub-"))
        self.base.chmod(0o755)
        self.account = f"{PREFIX}course"
        self.groups = {role: f"{PREFIX}{role}s" for role in ("instructor", "student")}
        self.passwords = {name: os.urandom(12).hex() for name in people}
        self.port, self.hub_port, self.proxy_port = free_ports(3)
        self.url = f"http://127.0.0.1:{self.port}"
        chosen = {
            "BASE": self.base,
            "ACCOUNT": self.account,
            "INSTRUCTORS": self.groups["instructor"],
            "STUDENTS": self.groups["student"],
            "ADDRESS": self.url,
            "PROXY": proxy(self.base),
        }
        known = {"PATH", "LANG", "LC_ALL", "HOME"}
        self.environment = {name: os.environ[name] for name in known & os.environ.keys()}
        self.environment |= {
            f"DLCOURSE_HUB_{name}": str(value) for name, value in (chosen | settings).items()
        }
        self._hub = None

    def make(self):
        """Everything but a running hub, by install.sh wherever nothing must be downloaded."""
        self.install("accounts", "folders", "configuration")
        for name, role in self.people.items():
            command("useradd", "--create-home", "--groups", self.groups[role], name)
            command("chpasswd", input=f"{name}:{self.passwords[name]}\n")
        self._environments()
        self._course()

    def install(self, *steps):
        command(DEPLOY / "install.sh", *steps, env=self.environment)

    def _environments(self):
        """Copies of the environment that runs this test, with the two editions of the package."""
        edition = self.base / "wheels"
        edition.mkdir(mode=0o700)
        python = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        command(*python, "--no-build-isolation", "--wheel-dir", edition, ROOT)
        students = edition / "students"
        students.mkdir()
        for name, data in bundle_files(ROOT, "hub").items():
            if name.endswith(".whl"):
                (students / name).write_bytes(data)
        python = reachable_python()
        for role, folder in (("instructor", edition), ("student", students)):
            [wheel] = folder.glob("*.whl")
            copy_environment(Path(sys.prefix), self.base / "env" / role, python, wheel)
        instructors = self.base / "env" / "instructor"
        shutil.chown(instructors, "root", self.account)
        instructors.chmod(0o750)

    def _course(self):
        """A course of one section, which belongs to its account."""
        course = self.base / "course"
        shutil.copy(ROOT / "nbgrader_config.py", course)
        shutil.copytree(ROOT / "docs", course / "docs")
        ignored = shutil.ignore_patterns(".ipynb_checkpoints")
        shutil.copytree(ROOT / "source" / SECTION, course / "source" / SECTION, ignore=ignored)
        command("chown", "-R", f"{self.account}:{self.account}", course)

    def start(self):
        """Start the hub; returns when it answers."""
        self.log = (self.base / "hub" / "log.txt").open("ab")
        self._hub = subprocess.Popen(
            [
                *(self.base / "env" / "instructor" / "bin" / "python", "-m", "jupyterhub"),
                f"--config={self.base / 'hub' / 'jupyterhub_config.py'}",
                f"--JupyterHub.hub_port={self.hub_port}",
                f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{self.proxy_port}",
            ],
            cwd=self.base / "hub",
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
        )
        until = time.monotonic() + START
        while time.monotonic() < until and self._hub.poll() is None:
            with suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/hub/health", timeout=10).ok:
                    return
            time.sleep(1)
        raise AssertionError(f"The hub did not start:\n{self.said()}")

    def said(self):
        return (self.base / "hub" / "log.txt").read_text("utf-8", errors="replace")

    def stop(self):
        """Stop the hub, as systemd would; servers go on."""
        if self._hub:
            self._hub.terminate()
            try:
                self._hub.wait(60)
            except subprocess.TimeoutExpired:
                self._hub.kill()
                self._hub.wait()
            self._hub = None

    def remove(self):
        """Leave the machine as it was."""
        self.stop()
        for name in (*self.people, self.account):
            with suppress(KeyError):
                end_processes(name)
                command("userdel", "--remove", "--force", name, check=False)
        for group in self.groups.values():
            command("groupdel", group, check=False)
        for folder in Path("/run/jupyterhub").glob(f"{PREFIX}*"):
            shutil.rmtree(folder)
        for folder in Path("/sys/fs/cgroup").glob("*/jupyterhub"):
            for each in [*folder.glob(f"{PREFIX}*"), folder]:
                with suppress(OSError):
                    each.rmdir()
        shutil.rmtree(self.base, ignore_errors=True)


def command(*words, check=True, **options):
    """Run a command; fails with what it said."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, **options
    )
    assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def proxy(base):
    """The proxy's program: the one on the PATH, or one that npm installs into `base`."""
    if found := shutil.which("configurable-http-proxy"):
        return found
    assert shutil.which("npm"), (
        "The hub needs its proxy. Install Node.js and npm (on Debian and Ubuntu: apt install npm), "
        f"or put configurable-http-proxy on the PATH: npm install --global {PROXY}."
    )
    command("npm", "install", "--silent", "--prefix", base / "npm", PROXY)
    return base / "npm" / "node_modules" / ".bin" / "configurable-http-proxy"


def reachable_python():
    """A Python of this version that other accounts can run: this one, or the system's."""
    name = "python{}.{}".format(*sys.version_info)
    known = [
        Path(sys.base_prefix, "bin", name),
        Path("/usr/bin", name),
        Path("/usr/local/bin", name),
    ]
    for path in known:
        if path.exists() and all(folder.stat().st_mode & 0o001 for folder in path.parents):
            return path
    raise AssertionError(
        f"Students' accounts cannot run {known[0]}. Install {name} where everybody may go, or set "
        "up again with another Python: make PYTHON=/usr/bin/python3 setup."
    )


def copy_folder(original, copy):
    """Copies by hard links where it can be: the files are the very same ones."""
    if subprocess.run(["cp", "-al", original, copy], capture_output=True).returncode:
        shutil.rmtree(copy, ignore_errors=True)
        command("cp", "-a", original, copy)


def copy_environment(original, copy, python, wheel):
    """A copy of a virtual environment, with another interpreter and the package from `wheel`."""
    copy_folder(original, copy)
    scripts = [path for path in (copy / "bin").iterdir() if path.read_bytes()[:2] == b"#!"]
    for path in scripts:
        replace(path, path.read_bytes().replace(bytes(original), bytes(copy)))
    replace(copy / "pyvenv.cfg", b"home = %s\n" % bytes(python.parent))
    interpreter = copy / "bin" / "python3"
    interpreter.unlink()
    interpreter.symlink_to(python)
    # No second installation of TensorFlow, but the course's own package is another.
    pip = [copy / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    command(*pip, "--force-reinstall", "--no-index", wheel)


def replace(path, content):
    """Give a file another content, and leave alone what it is a hard link to."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def processes_of(name):
    """The numbers of an account's processes."""
    uid = pwd.getpwnam(name).pw_uid
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if _owner(path) == uid]


def end_processes(name):
    """Kill what an account of the test has left."""
    for _ in range(50):
        for pid in (mine := processes_of(name)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not mine:
            return
        time.sleep(0.1)


def _owner(path):
    try:
        found = re.search(r"^Uid:\s+(\d+)", (path / "status").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1])


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
