"""A trained network as the file an engineer deploys."""

from pathlib import Path

from amrpkg.common.arguments import require_choice
from amrpkg.common.files import whole_file
from amrpkg.export.header import FORMATS, SUFFIXES
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

    Raises ``ValueError`` for an unknown format, a path with another ending than its files have,
    a float model in an integer format, a model with held masks and a quantised one that was not
    trained.
    """
    require_choice("format", format, FORMATS)
    if Path(path).suffix != SUFFIXES[format]:
        raise ValueError(
            f"path is {str(path)!r}; allowed for {format}: a name that ends in {SUFFIXES[format]}"
        )
    name = name or model.architecture
    if model.bit_width == 32 and format != "onnx":
        raise ValueError(f"format is {format!r} and the model is float; allowed for float: onnx")
    small = shrink(model)
    if format == "integer":
        save_integers(to_integers(small, name), path)
        return
    if model.bit_width == 32:
        graph = float_graph(small, name)
    else:
        graph = {"onnx": qcdq_graph, "qonnx": qonnx_graph}[format](to_integers(small, name))
    with whole_file(Path(path), binary=True) as file:
        file.write(graph.SerializeToString())
