"""A kernel from a warm parent, as who uses Jupyter meets it."""

import asyncio
import signal
import tempfile
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import v4
from processes import MB, Parent, eventually

from dlcourse.run.isolation import Isolation
from dlcourse.run.provisioner import NAME, WarmKernelManager
from dlcourse.run.warm import RunError


@pytest.fixture(scope="module")
def kernels(folder, tmp_path_factory):
    """A warm parent of kernels, which keep IPython's own files out of anyone's home."""
    home, inline = str(tmp_path_factory.mktemp("home")), "module://matplotlib_inline.backend_inline"
    parent = Parent(["dlcourse.run.kernel"], HOME=home, MPLBACKEND=inline)
    with parent.warm:
        parent.warm.start()
        yield parent
    assert parent.processes() == set()


class Kernel:
    """A kernel and its client; each call waits."""

    def __init__(self, parent, isolated=True, cwd=None):
        self._runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="dlc-"))
        isolation = Isolation(memory=1000 * MB, shared=(str(self.folder),)) if isolated else None

        def start(connection, _):
            payload = {
                "connection": connection,
                "kernel_class": "ipykernel.ipkernel.IPythonKernel",
            }
            target = "dlcourse.run.kernel:run"
            return parent.warm.fork(target, payload, isolation=isolation, cwd=cwd)

        self.manager = WarmKernelManager(start, str(self.folder))

    def __enter__(self):
        self.wait_for(self.manager.start_kernel())
        self.client = self.manager.client()
        self.client.start_channels()
        self.wait_for(self.client.wait_for_ready(timeout=60))
        return self

    def __exit__(self, *error):
        self.client.stop_channels()
        self.wait_for(self.manager.shutdown_kernel(now=True))
        self._runner.close()
        self.folder.rmdir()

    def wait_for(self, coroutine):
        async def wait():
            return await coroutine

        return self._runner.run(wait())

    def execute(self, code):
        """What a cell printed or displayed, or the name of what it raised."""
        return self.wait_for(self._execute(code))

    async def _execute(self, code):
        said = []
        reply = await self.client.execute_interactive(code, output_hook=said.append, timeout=60)
        if reply["content"]["status"] == "error":
            return reply["content"]["ename"]
        contents = [message["content"] for message in said]
        texts = [content.get("text") for content in contents]
        return "".join(text for text in texts if text) or [
            kind for content in contents for kind in content.get("data", ())
        ]


@pytest.fixture
def kernel(kernels):
    before = kernels.processes()
    with Kernel(kernels) as kernel:
        yield kernel
    assert eventually(lambda: kernels.processes() == before)


both = pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "plain"])


@both
def test_it_runs_cells_and_remembers(kernels, isolated):
    with Kernel(kernels, isolated) as kernel:
        assert kernel.execute("x = 20") == []
        assert kernel.execute("print(x + 1)") == "21\n"
        assert kernel.execute("1 / 0") == "ZeroDivisionError"


@both
def test_an_interrupt_stops_a_cell_and_no_more(kernels, isolated):
    with Kernel(kernels, isolated) as kernel:
        kernel.execute("x = 20")

        async def interrupted():
            cell = asyncio.ensure_future(kernel._execute("while True:\n    pass"))
            await asyncio.sleep(0.3)
            await kernel.manager.interrupt_kernel()
            return await cell

        assert kernel.wait_for(interrupted()) == "KeyboardInterrupt"
        assert kernel.execute("print(x)") == "20\n"


def test_after_a_restart_it_knows_nothing_and_works(kernel):
    kernel.execute("x = 20\nopen('file', 'w').close()")
    kernel.wait_for(kernel.manager.restart_kernel(now=True))
    kernel.wait_for(kernel.client.wait_for_ready(timeout=60))
    assert kernel.execute("x") == "NameError"
    assert kernel.execute("import os\nprint(os.listdir())") == "[]\n"


def test_it_shuts_down_when_it_is_asked_to(kernels):
    with Kernel(kernels) as kernel:
        child = kernel.manager.provisioner.child
        kernel.wait_for(kernel.manager.shutdown_kernel())
        # About once in sixty times ipykernel waits for itself, and its manager loses patience.
        assert child.poll() in (0, -signal.SIGTERM)
        assert not kernel.wait_for(kernel.manager.is_alive())


def test_its_death_is_noticed(kernel):
    kernel.client.execute("import os\nos._exit(7)")
    assert eventually(lambda: not kernel.wait_for(kernel.manager.is_alive()))
    assert kernel.manager.provisioner.child.poll() == 7


def test_it_leaves_no_process_behind(kernels):
    before = kernels.processes()
    with Kernel(kernels) as kernel:
        kernel.execute("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)")
        assert kernels.processes() > before
    assert kernels.processes() == before


def test_a_cell_can_put_nothing_beside_its_sockets(kernel):
    before = sorted(kernel.folder.iterdir())
    assert kernel.execute(f"open('{kernel.folder}/large', 'w')") == "OSError"
    assert sorted(kernel.folder.iterdir()) == before


def test_its_connection_is_in_no_file(kernel):
    assert all(path.is_socket() for path in kernel.folder.iterdir())


def test_figures_are_shown(kernel):
    code = "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])"
    assert "image/png" in kernel.execute(code)


def test_a_notebook_imports_what_lies_beside_it_but_not_in_place_of_python(kernels, tmp_path):
    (tmp_path / "mine.py").write_text("answer = 42")
    (tmp_path / "wave.py").write_text("raise SystemExit('shadowed')")
    with Kernel(kernels, cwd=tmp_path) as kernel:
        assert kernel.execute("import mine, wave\nprint(mine.answer)") == "42\n"


def test_nbclient_runs_a_notebook_in_it(kernels):
    notebook = v4.new_notebook(cells=[v4.new_code_cell("6 * 7")])
    with Kernel(kernels) as kernel:
        client = NotebookClient(notebook, km=kernel.manager)
        client.kc = kernel.client
        client.execute()
    assert notebook.cells[0].outputs[0].data["text/plain"] == "42"


def test_a_manager_without_a_warm_parent_is_told_so():
    manager = AsyncKernelManager()
    provisioner = {"kernel_provisioner": {"provisioner_name": NAME}}
    manager._kernel_spec = KernelSpec(argv=["none"], metadata=provisioner)
    with pytest.raises(RunError, match="need a WarmKernelManager"):
        asyncio.run(manager.start_kernel())
