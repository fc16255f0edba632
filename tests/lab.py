"""JupyterLab's real server on a folder, in a home of its own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

# A slow machine with others on it imports TensorFlow meanwhile.
START_SECONDS = 180


class Lab:
    """A running `jupyter lab` on `folder`; `url` is where its start page is, token and all.

    home: everything that Jupyter, IPython and nbgrader keep for their user.
    """

    def __init__(self, folder, home, *arguments, **environment):
        self.folder = folder
        runtime = home / "runtime"
        places = {
            "HOME": home,
            "IPYTHONDIR": home / "ipython",
            "JUPYTER_CONFIG_DIR": home / "config",
            "JUPYTER_DATA_DIR": home / "data",
            "JUPYTER_RUNTIME_DIR": runtime,
            "DLCOURSE_CACHE": home / "cache",
        }
        for place in places.values():
            place.mkdir(parents=True, exist_ok=True)
        known = {name: str(place) for name, place in places.items()}
        chosen = {"DLCOURSE_PROFILE": "fast", "DLCOURSE_SOURCE": "synthetic"}
        self._log = (home / "lab.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *arguments],
            cwd=folder,
            env={**os.environ, **known, **chosen, **environment},
            stdout=self._log,
            stderr=self._log,
        )
        self.url = self._url(runtime / f"jpserver-{self._process.pid}.json")

    def _url(self, info):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if info.is_file() and (text := info.read_text()):
                server = json.loads(text)
                return f"{server['url']}?token={server['token']}"
            time.sleep(0.1)
        self.close()
        raise AssertionError(f"JupyterLab did not start:\n{self.log()}")

    def log(self):
        return Path(self._log.name).read_text("utf-8", errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
