"""The kernels of notebooks in JupyterLab, as its server starts them."""

from types import SimpleNamespace

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import start_new_kernel

from dlcourse.run import lab

# A module that no kernel imports by itself tells a fork of the parent from any other kernel.
MARK = "tabnanny"
IS_WARM = f"import sys; print({MARK!r} in sys.modules)"


@pytest.fixture
def server(folder, monkeypatch):
    """Loads the extension as Jupyter's server does, with other libraries if given."""
    monkeypatch.setattr(lab, "_parent", None)

    def load(*libraries):
        monkeypatch.setattr(lab, "LIBRARIES", libraries or lab.LIBRARIES)
        specs = KernelSpecManager()
        lab._load_jupyter_server_extension(SimpleNamespace(kernel_spec_manager=specs))

    yield load
    if lab._parent is not None:
        lab._parent.close()


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Starts a kernel of the course: what runs code in it, and its manager."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    started = []

    def start():
        manager, client = start_new_kernel(kernel_name=lab.KERNEL, cwd=str(tmp_path))
        started.append((manager, client))

        def run(code):
            said = []
            reply = client.execute_interactive(code, output_hook=said.append, timeout=120)
            if reply["content"]["status"] == "error":
                return reply["content"]["ename"]
            return "".join(message["content"].get("text", "") for message in said).strip()

        return run, manager, client

    yield start
    for manager, client in started:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_kernel_has_imported_what_the_servers_parent_has(server, kernel):
    server("dlcourse.run.kernel", MARK)
    run, _, _ = kernel()
    assert run(IS_WARM) == "True"


def test_a_kernel_works_in_its_notebooks_folder(server, kernel, tmp_path):
    server("dlcourse.run.kernel")
    run, _, _ = kernel()
    assert run("import os; print(os.getcwd())") == str(tmp_path)


def test_a_kernel_has_the_environment_that_its_spec_gives(server, kernel):
    server("dlcourse.run.kernel")
    run, _, _ = kernel()
    assert run("import os; print(os.environ['KERAS_BACKEND'])") == "tensorflow"


def test_a_restarted_kernel_is_another_process_and_warm(server, kernel):
    server("dlcourse.run.kernel", MARK)
    run, manager, client = kernel()
    before = run("import os; print(os.getpid())")
    manager.restart_kernel()
    client.wait_for_ready(timeout=60)
    assert run("import os; print(os.getpid())") != before
    assert run(IS_WARM) == "True"


def test_an_interrupt_reaches_the_cell(server, kernel):
    server("dlcourse.run.kernel")
    run, manager, client = kernel()
    client.execute("import time\nprint('begun')\ntime.sleep(600)")
    while client.get_iopub_msg(timeout=60)["content"].get("text") != "begun\n":
        pass
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=60)["content"]["ename"] == "KeyboardInterrupt"


def test_a_kernel_that_is_shut_down_is_gone(server, kernel):
    server("dlcourse.run.kernel")
    _, manager, _ = kernel()
    manager.shutdown_kernel()
    assert not manager.is_alive()


def test_without_the_extension_a_kernel_starts_as_any_other(server, kernel):
    run, _, _ = kernel()
    assert run(IS_WARM) == "False"


def test_a_parent_that_cannot_start_costs_nobody_a_kernel(server, kernel):
    server("dlcourse.run.kernel", "no_such_module")
    run, _, _ = kernel()
    assert run(IS_WARM) == "False"


@pytest.mark.long
def test_keras_computes_in_a_warm_kernel(server, kernel):
    server()
    run, _, _ = kernel()
    assert run("import sys; print('keras' in sys.modules)") == "True"
    assert run("import keras; print(float(keras.ops.sum(keras.ops.ones((2, 3)))))") == "6.0"
