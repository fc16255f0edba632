"""A JupyterHub for the course on one Linux machine; docs/jupyterhub.md says how to set it up.

Who is a member of which Unix group decides what somebody is here, whoever checks the password.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from spawner import CourseSpawner, unix_groups  # noqa: E402

c = get_config()  # noqa: F821 - JupyterHub puts it here


def setting(name: str, default: object) -> str:
    return os.environ.get(f"DLCOURSE_HUB_{name}") or str(default)


# What install.sh has made, by the same settings.
BASE = Path(setting("BASE", "/srv/dl-practical"))
EXCHANGE = setting("EXCHANGE", BASE / "exchange")
COURSE = setting("COURSE", "dl-practical")
# The Unix account that owns the course, and the groups of those who teach it and who take it.
ACCOUNT = setting("ACCOUNT", "dl-practical")
INSTRUCTORS = setting("INSTRUCTORS", "dl-instructors")
STUDENTS = setting("STUDENTS", "dl-students")
# Who checks passwords: the machine itself, or any class that JupyterHub can load.
AUTHENTICATOR = setting("AUTHENTICATOR", "pam")
ADDRESS = setting("ADDRESS", "http://127.0.0.1:8000")
# For each student: bytes (3G), processors, processes and threads. Instructors, who grade, get the
# machine but for a tenth of its memory.
MEMORY = setting("MEMORY", "3G")
CPUS = float(setting("CPUS", 2))
PROCESSES = int(setting("PROCESSES", 512))
# Seconds after which a kernel that nobody uses ends, and then the server without one.
IDLE = int(setting("IDLE", 3600))
# Whether Keras is imported by the time that a notebook is open; docs/jupyterhub.md says what for.
WARM = setting("WARM", "no") == "yes"

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

c.JupyterHub.bind_url = ADDRESS
c.JupyterHub.db_url = f"sqlite:///{BASE}/hub/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{BASE}/hub/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{BASE}/hub/proxy.pid"
c.ConfigurableHTTPProxy.command = [
    setting("PROXY", BASE / "hub/node_modules/.bin/configurable-http-proxy")
]
# Servers outlive a restart of the hub, which then finds them again.
c.JupyterHub.cleanup_servers = False

c.JupyterHub.authenticator_class = AUTHENTICATOR
c.LocalAuthenticator.allowed_groups = {INSTRUCTORS, STUDENTS}
c.Authenticator.manage_groups = True

# As nbgrader's JupyterHubAuthPlugin would call them, which only a hub with several courses needs.
TEACHING, TAKING = f"formgrade-{COURSE}", f"nbgrader-{COURSE}"


def assign_groups(authenticator, handler, user):
    """The hub's groups at login, by the machine's."""
    found = unix_groups(user["name"])
    named = {TEACHING: INSTRUCTORS, TAKING: STUDENTS}
    user["groups"] = [group for group, unix in named.items() if unix in found]
    return user


def prepare(spawner):
    """What somebody gets: the course itself, or the student edition in their own home."""
    teaches = TEACHING in [group.name for group in spawner.user.groups]
    python = BASE / "env" / ("instructor" if teaches else "student") / "bin" / "python"
    spawner.cmd = [str(python), "-m", "jupyterhub.singleuser"]
    spawner.account = ACCOUNT if teaches else ""
    spawner.folder = str(BASE / "course") if teaches else f"{spawner.owner.pw_dir}/{COURSE}"
    spawner.default_url = "/lab/tree/docs/instructors.md" if teaches else "/lab/tree/start.md"
    spawner.mem_limit = MACHINE * 9 // 10 if teaches else MEMORY
    spawner.cpu_limit = os.cpu_count() if teaches else CPUS
    spawner.process_limit = 4096 if teaches else PROCESSES
    hidden = [] if teaches else ["formgrader", "course_list"]
    off = {f"nbgrader.server_extensions.{each}": False for each in hidden}
    off |= {} if WARM else {"dlcourse.run.lab": False}
    spawner.args = [
        # Kernels talk through files that are their owner's: ports are for all on the machine.
        "--KernelManager.transport=ipc",
        f"--MappingKernelManager.cull_idle_timeout={IDLE}",
        f"--MappingKernelManager.cull_interval={min(300, IDLE)}",
        # Of a tab that somebody has left open, too.
        "--MappingKernelManager.cull_connected=True",
        f"--TerminalManager.cull_inactive_timeout={IDLE}",
        f"--TerminalManager.cull_interval={min(300, IDLE)}",
        f"--ServerApp.shutdown_no_activity_timeout={IDLE}",
        *(f"--ServerApp.jpserver_extensions={name}={value}" for name, value in off.items()),
    ]
    # Formgrader is a page within JupyterLab's, which the hub allows nowhere else.
    configs = [BASE / "shared" / "instructor"] if teaches else []
    spawner.environment = {
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "JUPYTER_CONFIG_PATH": ":".join(map(str, [*configs, BASE / "shared"])),
        "DLCOURSE_DATA": str(BASE / "data"),
        "DLCOURSE_HUB_COURSE": COURSE,
        "DLCOURSE_HUB_EXCHANGE": EXCHANGE,
        "DLCOURSE_HUB_START": "" if teaches else str(BASE / "shared" / "start.md"),
    }


c.Authenticator.post_auth_hook = assign_groups
c.JupyterHub.spawner_class = CourseSpawner
c.Spawner.pre_spawn_hook = prepare
c.Spawner.env_keep = ["LANG", "LC_ALL"]
c.Spawner.disable_user_config = True
c.CourseSpawner.starter = str(BASE / "shared" / "begin.sh")
# Where many start at once, the machine is busy for a while.
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
