"""Somebody on the hub, who does over HTTP what a browser would."""

import json
import time
import uuid

import requests
import websocket
from machine import START


class Person:
    """A person who logs in by the hub's form, and then has a token of their own."""

    def __init__(self, site, name):
        self.site, self.name = site, name
        self.base = f"{site.url}/user/{name}"
        self.browser = requests.Session()
        self.token = ""

    def log_in(self, password=None):
        """The answer to the login form, redirections followed."""
        page = f"{self.site.url}/hub/login?next=/hub/home"
        self.browser.get(page, timeout=START)
        form = {
            "username": self.name,
            "password": password or self.site.passwords[self.name],
            "_xsrf": self.browser.cookies["_xsrf"],
        }
        return self.browser.post(page, data=form, timeout=START)

    def get_token(self):
        """A token, as the hub's own page asks for it."""
        answer = self.browser.post(
            f"{self.site.url}/hub/api/users/{self.name}/tokens",
            headers={"X-XSRFToken": self.browser.cookies.get("_xsrf", path="/hub/")},
            json={"note": "test"},
            timeout=START,
        )
        answer.raise_for_status()
        self.token = answer.json()["token"]

    def hub(self, method, path, **options):
        """Ask the hub's API, with this person's token."""
        return self._ask(method, f"{self.site.url}/hub/api/{path}", **options)

    def ask(self, method, path, whose=None, **options):
        """Ask a server: this person's own, or somebody else's."""
        base = f"{self.site.url}/user/{whose}" if whose else self.base
        return self._ask(method, f"{base}/{path}", **options)

    def _ask(self, method, url, **options):
        headers = {"Authorization": f"token {self.token}"}
        return requests.request(
            method, url, headers=headers, timeout=600, allow_redirects=False, **options
        )

    def start(self):
        """Start the server, and wait for it."""
        answer = self.hub("POST", f"users/{self.name}/server")
        assert answer.ok, f"{answer.text}\n{self.site.said()[-5000:]}"
        until = time.monotonic() + START
        while time.monotonic() < until:
            if self.is_running() and self.ask("GET", "api/status").ok:
                return
            time.sleep(2)
        raise AssertionError(f"{self.name}'s server did not start:\n{self.site.said()[-5000:]}")

    def is_running(self):
        server = self.hub("GET", f"users/{self.name}").json()["servers"].get("")
        return bool(server and server["ready"])

    def stop(self):
        self.hub("DELETE", f"users/{self.name}/server").raise_for_status()

    def read(self, path):
        """A notebook, or the text of a file."""
        answer = self.ask("GET", f"api/contents/{path}")
        answer.raise_for_status()
        return answer.json()["content"]

    def save(self, path, notebook):
        model = {"type": "notebook", "format": "json", "content": notebook}
        self.ask("PUT", f"api/contents/{path}", json=model).raise_for_status()

    def assignments(self, action="", section=""):
        """nbgrader's assignment list, or an action of its: "fetch", "submit", "fetch_feedback"."""
        wanted = {"course_id": "dl-practical", "assignment_id": section}
        if action:
            answer = self.ask("POST", f"assignments/{action}", json=wanted)
        else:
            answer = self.ask("GET", "assignments", params=wanted)
        answer.raise_for_status()
        return answer.json()

    def formgrader(self, section, action):
        """Press a button of formgrader's."""
        answer = self.ask("POST", f"formgrader/api/assignment/{section}/{action}")
        answer.raise_for_status()
        return answer.json()

    def kernel(self, name="dlcourse"):
        return Kernel(self, name)

    def run(self, code):
        """What `code` prints in a kernel of its own."""
        with self.kernel() as kernel:
            return kernel.run(code)

    def shell(self, line):
        """What a command prints, and its exit status, in this person's kernel."""
        code = f"""
import subprocess
done = subprocess.run({line!r}, shell=True, stdout=-1, stderr=subprocess.STDOUT, text=True)
print(done.stdout, done.returncode)
"""
        said, _, status = self.run(code).rpartition(" ")
        return said.strip(), int(status)


class Kernel:
    """A kernel in somebody's server."""

    def __init__(self, person, name):
        self.person = person
        answer = person.ask("POST", "api/kernels", json={"name": name})
        answer.raise_for_status()
        self.id = answer.json()["id"]
        self.socket = websocket.create_connection(
            f"{person.base.replace('http', 'ws', 1)}/api/kernels/{self.id}/channels",
            header=[f"Authorization: token {person.token}"],
            timeout=600,
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self.socket.close()
        self.person.ask("DELETE", f"api/kernels/{self.id}")

    def send(self, code):
        message = {
            "header": {
                "msg_id": uuid.uuid4().hex,
                "msg_type": "execute_request",
                "username": self.person.name,
                "session": uuid.uuid4().hex,
                "version": "5.3",
            },
            "parent_header": {},
            "metadata": {},
            "content": {"code": code, "silent": False, "allow_stdin": False},
            "channel": "shell",
        }
        self.socket.send(json.dumps(message))
        return message["header"]["msg_id"]

    def run(self, code):
        """What `code` prints; the name of the exception if there is one; "dead" if it dies."""
        sent, said = self.send(code), ""
        while True:
            frame = self.socket.recv()
            if isinstance(frame, bytes):
                # What widgets draw.
                continue
            message = json.loads(frame)
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] in ("restarting", "dead"):
                return "dead"
            if message["parent_header"].get("msg_id") != sent:
                continue
            if kind == "stream":
                said += content["text"]
            elif kind == "error":
                said += f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                return said.strip()
