"""A trained network as the file an engineer deploys."""

from pathlib import Path

import onnx

from amrpkg.common.arguments import require_choice, require_kind
from amrpkg.common.files import whole_file
from amrpkg.export.c_code import save_c
from amrpkg.export.header import FORMATS
from amrpkg.export.integer_file import save_integers
from amrpkg.export.onnx_graph import float_graph
from amrpkg.export.qcdq import qcdq_graph
from amrpkg.export.qonnx import qonnx_graph
from amrpkg.hardware.conversion import to_integers
from amrpkg.models.network import Network
from amrpkg.training.shrinking import shrink


def export(model: Network, path: Path, format: str, name: str | None = None) -> None:
    """Take the silent channels out of a network and write it to `path`.

    format : a key of `FORMATS`
    name : what the file says of itself, such as a grid point's; by default the architecture

    Raises ``TypeError`` for what is no model of ours; ``ValueError`` for an unknown format, a path
    with another ending than its files have, a float model in an integer format, a model with held
    masks and a quantised one that was not trained.
    """
    require_kind("model", model, Network)
    require_choice("format", format, FORMATS)
    form, path = FORMATS[format], Path(path)
    if path.suffix != form.suffix:
        raise ValueError(
            f"path is {str(path)!r}; allowed for {format}: a name that ends in {form.suffix}"
        )
    if model.bit_width == 32 and not form.takes_float:
        allowed = ", ".join(key for key, form in FORMATS.items() if form.takes_float)
        raise ValueError(
            f"format is {format!r} and the model is float; allowed for float: {allowed}"
        )
    form.write(shrink(model), path, name or model.architecture)


def write_qonnx(model: Network, path: Path, name: str) -> None:
    """Write a quantised model without masks as QONNX."""
    _write(qonnx_graph(to_integers(model, name)), path)


def write_onnx(model: Network, path: Path, name: str) -> None:
    """Write a model without masks as ONNX, quantised as QCDQ."""
    is_float = model.bit_width == 32
    _write(float_graph(model, name) if is_float else qcdq_graph(to_integers(model, name)), path)


def write_integers(model: Network, path: Path, name: str) -> None:
    """Write the integers of a quantised model without masks."""
    save_integers(to_integers(model, name), path)


def write_c(model: Network, path: Path, name: str) -> None:
    """Write a quantised model without masks as C, a header beside it."""
    save_c(to_integers(model, name), path)


def _write(graph: onnx.ModelProto, path: Path) -> None:
    with whole_file(path, binary=True) as file:
        file.write(graph.SerializeToString())
