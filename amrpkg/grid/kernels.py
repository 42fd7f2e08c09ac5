"""Jupyter kernels that start in tenths of a second and end with the process that started them.

A fresh kernel spends seconds on importing torch, Brevitas and what else a chapter imports. On
Linux a server process does that once, and each kernel is forked from it: it has run nothing
yet and has no second thread, so a fork is safe. Elsewhere kernels start as they always do.
"""

import ctypes
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from importlib import import_module

from jupyter_client import AsyncKernelManager

_IMPORTS = (
    *("amrpkg.grid.runs", "amrpkg.hardware.resources", "amrpkg.speed.networks"),
    *("amrpkg.training.fixed_set", "amrpkg.training.stream", "amrpkg.records.grid"),
    *("amrpkg.book.cells", "amrpkg.book.figures.training", "matplotlib.pyplot"),
    *("ipykernel.kernelapp", "ipykernel.ipkernel"),
)
_ENVIRONMENT = {
    # What BLAS and OpenMP read before torch loads: a batch of 32 gains nothing from a second
    # thread, and threads that wait for one another crawl where cores are shared.
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # read when matplotlib loads
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # no warning of frozen modules: nobody debugs here
}
# Loopback "without encryption" and the like; what fails is raised or in the executed notebook.
_QUIET = ["--log-level=ERROR"]
_KILL_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class KernelServer:
    """The process that kernels are forked from; started at the first, again if it died.

    After `close` its kernels are dead and no more are started.
    """

    def __init__(self) -> None:
        self._process, self._closed, self._lock = None, False, threading.Lock()

    def fork(self, arguments: list[str], environment: dict[str, str], folder: str) -> "_Forked":
        """Start a kernel with command-line `arguments`. Raises ``RuntimeError`` once closed."""
        with self._lock:
            if self._closed:
                raise RuntimeError("the kernel server is closed")
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "amrpkg.grid.kernels"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=environment,
                    process_group=0,  # Ctrl-C is for the sweep
                    text=True,
                )
            request = {"arguments": arguments, "environment": environment, "folder": folder}
            print(json.dumps(request), file=self._process.stdin, flush=True)
            if not (pid := self._process.stdout.readline()):
                raise RuntimeError("the kernel server died")
            return _Forked(int(pid))

    def close(self) -> None:
        self._closed = True
        if self._process is not None:
            self._process.kill()  # its kernels die with it, and so does who waits for a reply
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.communicate()


class _Forked:
    """What jupyter_client asks of a ``subprocess.Popen``, for a grandchild."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid, self._handle = pid, os.pidfd_open(pid)

    def poll(self) -> int | None:
        return 0 if select.select([self._handle], [], [], 0)[0] else None

    wait = poll  # it is only called once `poll` has said that the process is gone

    def send_signal(self, number: int) -> None:
        signal.pidfd_send_signal(self._handle, number)

    def __del__(self) -> None:
        os.close(self._handle)


def kernel_manager(server: KernelServer) -> type[AsyncKernelManager]:
    """The class of kernel managers, for papermill, whose kernels are forked from `server`."""

    class Manager(AsyncKernelManager):
        async def _async_launch_kernel(self, kernel_cmd: list[str], **options) -> None:
            options["env"] = {**options.get("env", os.environ), **_ENVIRONMENT}
            if sys.platform != "linux":
                return await super()._async_launch_kernel(kernel_cmd + _QUIET, **options)
            arguments = kernel_cmd[kernel_cmd.index("-f") :] + _QUIET
            folder = str(options.get("cwd") or os.getcwd())
            process = server.fork(arguments, options["env"], folder)
            self.provisioner.process, self.provisioner.pid = process, process.pid
            self.provisioner.pgid = process.pid  # a session of its own

    return Manager


def _serve() -> None:
    """Fork a kernel for each line on stdin and print its process id, until stdin ends.

    It dies with the thread that started it, which works as long as its sweep or Dask worker.
    """
    ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a kernel prints is no reply
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    gc.disable()  # what is imported stays: no kernel has to look through it for what may go
    for module in _IMPORTS:
        import_module(module)
    # Of the code as it was imported: an edit during the sweep must not be put to its name.
    import_module("amrpkg.grid.runs").code_digest()
    gc.freeze()
    gc.enable()
    for line in sys.stdin:
        if (pid := os.fork()) == 0:
            return _become_kernel(**json.loads(line))
        print(pid, file=replies, flush=True)


def _become_kernel(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    ctypes.CDLL(None).prctl(_KILL_WITH_PARENT, signal.SIGKILL)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    import_module("ipykernel.kernelapp").launch_new_instance(arguments, parent_handle=os.getppid())


if __name__ == "__main__":
    _serve()
