"""Run a chapter through papermill, with checked parameters."""

from numbers import Integral, Real
from pathlib import Path

import numpy as np
import papermill
from jupyter_client import AsyncKernelManager

_TYPES = {"str": str, "int": Integral, "float": Real, "bool": bool}


def require_parameters(notebook: Path, parameters: dict) -> None:
    """Check names and types against the annotated parameters cell of a notebook.

    papermill itself only warns of an unknown name and takes any type.

    Raises ``ValueError`` for a name that the notebook does not have and ``TypeError`` for a
    value that is not of the annotated type; both say what is allowed.
    """
    known = papermill.inspect_notebook(str(notebook))
    for name, value in parameters.items():
        if name not in known:
            raise ValueError(f"parameter {name!r} is unknown; allowed: {', '.join(known)}")
        kind = known[name]["inferred_type_name"]
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise TypeError(f"parameter {name} is {value!r}; allowed: {kind}")


def run_notebook(
    notebook: Path,
    output: Path,
    parameters: dict,
    progress: bool = True,
    kernels: type[AsyncKernelManager] = AsyncKernelManager,
) -> None:
    """Execute a chapter through papermill and write it, outputs and all, to `output`.

    kernels : starts the kernel, see `kernels.kernel_manager`

    Raises as `require_parameters` before anything runs, and
    ``papermill.PapermillExecutionError`` when a cell fails; `output` then holds the traceback.
    """
    require_parameters(notebook, parameters)
    parameters = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in parameters.items()
    }
    papermill.execute_notebook(
        str(notebook),
        str(output),
        parameters,
        progress_bar=progress,
        kernel_manager_class=kernels,
        shutdown_kernel="immediate",  # a polite one takes seconds, and nothing is left to do
    )
