"""Run the pages in kernels forked from one process that has the imports done: seconds a page."""

from functools import partial

from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.execute import cache

from amrpkg.grid import kernels


def _fork_kernels(app, config):
    server = kernels.KernelServer()
    cache.single_nb_execution = partial(
        single_nb_execution,
        kernel_manager_class=kernels.kernel_manager(server),
        shutdown_kernel="immediate",  # a polite one takes a second, and nothing is left to do
    )
    app.connect("build-finished", lambda app, exception: server.close())


def setup(app):
    app.connect("config-inited", _fork_kernels)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
