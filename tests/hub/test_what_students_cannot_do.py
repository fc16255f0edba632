"""What a student may try on a hub, and what becomes of it.

Ada tries it, by programs in a kernel of her own and with her own token. Each test fails if what
protects the others is taken away.
"""

import re
from pathlib import Path

import pytest
import requests
from machine import PREFIX, SECTION, processes_of

pytestmark = pytest.mark.timeout(1800)
FUTURE = "2099-01-01 00:00:00.000000 UTC"
ADA, BEN, EVA = (f"{PREFIX}{name}" for name in ("ada", "ben", "eva"))


@pytest.fixture(scope="module")
def ada(everybody, submitted):
    """A kernel of Ada's, once everybody has handed in."""
    with everybody["ada"].kernel() as kernel:
        yield kernel


def refused(kernel, code):
    """The error that a line of code ends in, with the usual modules at hand."""
    said = kernel.run(f"import os, pathlib, shutil\n{code}")
    return said.partition(":")[0]


def reading(path):
    """Code that reads a file, or lists a folder, which is there."""
    assert Path(path).exists()
    return f"os.listdir({str(path)!r})" if Path(path).is_dir() else f"open({str(path)!r}).read()"


@pytest.mark.parametrize(
    "place",
    [
        f"/home/{BEN}",
        f"/home/{BEN}/dl-practical/{SECTION}/tensors.ipynb",
        f"/home/{BEN}/.local/share/jupyter/nbgrader_cache",
    ],
)
def test_the_work_of_others_cannot_be_read(ada, place):
    assert refused(ada, reading(place)) == "PermissionError"


@pytest.mark.parametrize(
    "place",
    [
        "course",
        "course/source",
        f"course/source/{SECTION}/tensors.ipynb",
        "course/gradebook.db",
        "account",
        "hub",
        "hub/jupyterhub.sqlite",
        "hub/cookie_secret",
        "env/instructor",
        "exchange/dl-practical/inbound",
        "exchange/dl-practical/feedback",
    ],
)
def test_what_is_the_courses_or_the_hubs_cannot_be_read(site, ada, place):
    assert refused(ada, reading(site.base / place)) == "PermissionError"


def test_submissions_have_names_that_nobody_can_guess(site):
    names = [path.name for path in (site.base / "exchange/dl-practical/inbound").iterdir()]
    assert names
    assert all(re.fullmatch(r"[\w-]+\+01_tensors\+[^+]+\+[\w=-]{12}", name) for name in names)


@pytest.mark.parametrize("place", ["outbound", "feedback", ""])
def test_nothing_can_be_put_among_what_the_course_hands_out(site, ada, place):
    folder = site.base / "exchange/dl-practical" / place
    assert refused(ada, f"open({str(folder / 'forged')!r}, 'w')") == "PermissionError"


@pytest.mark.parametrize("place", ["dl-practical", "dl-practical/inbound", "dl-practical/outbound"])
def test_the_exchange_cannot_be_moved_out_of_the_way(site, ada, place):
    folder = site.base / "exchange" / place
    code = f"os.rename({str(folder)!r}, {str(folder)!r} + '-mine')"
    assert refused(ada, code) == "PermissionError"
    assert folder.is_dir()


@pytest.mark.parametrize("place", ["data", "shared", "env/student", "env/student/bin"])
def test_what_all_students_share_can_only_be_read(site, ada, place):
    folder = site.base / place
    assert ada.run(f"import os; print(os.access({str(folder)!r}, os.R_OK))") == "True"
    assert refused(ada, f"open({str(folder / 'mine')!r}, 'w')") == "PermissionError"


@pytest.mark.parametrize("module", ["dlcourse.grade", "dlcourse.build"])
def test_students_have_nothing_that_builds_or_grades(site, ada, module):
    assert refused(ada, f"import {module}") == "ModuleNotFoundError"
    package = next((site.base / "env/student").glob("lib/python*/site-packages/dlcourse"))
    assert {"check", "teach"} <= {path.name for path in package.iterdir()}
    assert not (package / module.split(".")[1]).exists()


def test_processes_of_others_keep_their_secrets(everybody, ada):
    bens = processes_of(BEN)
    assert bens
    assert everybody["ada"].token != everybody["ben"].token
    for pid in bens:
        assert refused(ada, f"open('/proc/{pid}/environ').read()") == "PermissionError"
        assert refused(ada, f"os.kill({pid}, 9)") == "PermissionError"


def test_no_program_gives_a_student_another_account(ada):
    assert "NoNewPrivs:\t1" in ada.run("print(open('/proc/self/status').read())")


@pytest.mark.parametrize("path", ["api/contents", "api/kernels", "api/terminals", "lab", "files/x"])
@pytest.mark.parametrize("whose", [BEN, f"{PREFIX}ines"])
def test_the_servers_of_others_refuse_a_students_token(everybody, whose, path):
    assert everybody["ada"].ask("GET", path, whose=whose).status_code in (403, 404)
    assert everybody["ada"].ask("GET", path).status_code != 403


@pytest.mark.parametrize("path", ["api/contents", "formgrader", "lab"])
@pytest.mark.parametrize("whose", [BEN, f"{PREFIX}ines"])
def test_the_servers_of_others_refuse_a_students_browser(site, everybody, whose, path):
    browser = everybody["ada"].browser
    own = f"{site.url}/user/{ADA}"
    assert browser.get(f"{own}/lab", timeout=60).ok
    assert browser.get(f"{own}/api/contents", timeout=60).ok
    answer = browser.get(f"{site.url}/user/{whose}/{path}", timeout=60)
    assert answer.status_code in (403, 404)


def test_the_proxy_cannot_be_passed_by(everybody, ada):
    """Servers listen on this machine, where Ada's programs run too."""
    url = address_of(BEN)
    token = everybody["ada"].token
    own, others = (
        f"requests.get({address + 'api/contents'!r}, headers={{'Authorization': 'token {token}'}})"
        for address in (address_of(ADA), url)
    )
    ada.run("import requests")
    assert ada.run(f"print({own}.status_code)") == "200"
    assert ada.run(f"print({others}.status_code)") == "403"


def address_of(name):
    """Where somebody's server listens, as only root can know."""
    for pid in processes_of(name):
        environ = Path(f"/proc/{pid}/environ").read_bytes().decode()
        if found := re.search(r"JUPYTERHUB_SERVICE_URL=([^\0]+)", environ):
            return found[1]
    raise AssertionError(f"{name} has no server.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "users"),
        ("GET", f"users/{BEN}"),
        ("POST", f"users/{BEN}/server"),
        ("DELETE", f"users/{BEN}/server"),
        ("POST", f"users/{BEN}/tokens"),
        ("POST", "users/mallory"),
        ("PATCH", f"users/{ADA}"),
        ("GET", "groups"),
        ("POST", "groups/formgrade-dl-practical/users"),
        ("GET", "services"),
        ("GET", "proxy"),
        ("POST", "shutdown"),
    ],
)
def test_the_hubs_administration_is_closed_to_students(everybody, method, path):
    body = {"admin": True} if method == "PATCH" else {"users": [ADA]}
    json = body if method in ("PATCH", "POST") and "server" not in path else None
    assert everybody["ada"].hub(method, path, json=json).status_code in (403, 404)
    assert everybody["ben"].is_running()


def test_the_proxy_takes_no_orders_from_students(site):
    routes = f"http://127.0.0.1:{site.proxy_port}/api/routes"
    assert requests.get(routes, timeout=60).status_code == 403


def test_formgrader_is_closed_to_students(everybody):
    for whose in (ADA, f"{PREFIX}ines"):
        answer = everybody["ada"].ask("GET", "formgrader/api/students", whose=whose)
        assert answer.status_code in (403, 404)
    assert everybody["ines"].ask("GET", "formgrader/api/students").ok


def hand_in_by_hand(site, kernel, name, mode="a+rX"):
    """What a student puts into the exchange without nbgrader: a copy of the section; its path."""
    folder = site.base / "exchange/dl-practical/inbound" / f"{name}+{SECTION}+{FUTURE}+x"
    kernel.run(
        "import os, pathlib, shutil, subprocess\n"
        f"shutil.rmtree({str(folder)!r}, ignore_errors=True)\n"
        f"shutil.copytree({SECTION!r}, {str(folder)!r}, symlinks=True)\n"
        f"pathlib.Path({str(folder)!r}, 'submission_secret.txt').write_text('none')\n"
        f"pathlib.Path({str(folder)!r}, 'timestamp.txt').write_text({FUTURE!r})\n"
        f"subprocess.run(['chmod', '-R', {mode!r}, {str(folder)!r}])"
    )
    assert (folder / "timestamp.txt").read_text() == FUTURE
    return folder


def collected(site, name):
    return site.base / "course/submitted" / name / SECTION


def test_a_submission_that_cannot_be_read_leaves_the_one_before_it(site, ada, ines):
    assert ines.formgrader(SECTION, "collect")["success"]
    before = (collected(site, ADA) / "timestamp.txt").read_text()
    hand_in_by_hand(site, ada, ADA, mode="go=")
    said, status = ines.shell(f"nbgrader collect --update {SECTION}")
    assert (status, "its owner lets nobody read it" in said) == (0, True)
    assert (collected(site, ADA) / "timestamp.txt").read_text() == before


def test_a_link_is_not_handed_in_as_what_it_leads_to(site, ada, ines):
    secret = site.base / "course/gradebook.db"
    ada.run(f"import os; os.symlink({str(secret)!r}, '{SECTION}/data.bin')")
    folder = hand_in_by_hand(site, ada, ADA)
    assert (folder / "data.bin").is_symlink()
    ines.shell(f"nbgrader collect --update {SECTION}")
    assert (collected(site, ADA) / "timestamp.txt").read_text() == FUTURE
    assert not (collected(site, ADA) / "data.bin").exists()


def test_a_submission_in_anothers_name_is_not_collected(site, ada, ines):
    hand_in_by_hand(site, ada, EVA)
    said, _ = ines.shell(f"nbgrader collect --update {SECTION}")
    assert f"it names {EVA} and belongs to {ADA}" in said
    assert (collected(site, EVA) / "timestamp.txt").read_text() != FUTURE


def test_a_strange_name_does_not_stop_collecting(site, ada, ines):
    inbound = site.base / "exchange/dl-practical/inbound"
    ada.run(f"import os; os.mkdir({str(inbound / f'x+{SECTION}+never')!r})")
    _, status = ines.shell(f"nbgrader collect --update {SECTION}")
    assert status == 0
