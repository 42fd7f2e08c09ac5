"""Networks as files: written, read back, run and judged."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "c_code": ["generate_c", "save_c"],
        "c_network": ["CNetwork", "find_compiler", "load_compiled"],
        "header": ["FORMATS", "Format"],
        "integer_file": ["load_integers", "pack", "save_integers", "unpack"],
        "judging": ["judge"],
        "onnx_graph": ["float_graph"],
        "onnx_import": ["load_onnx"],
        "qcdq": ["qcdq_graph"],
        "qonnx": ["qonnx_graph"],
        "reading": ["as_network", "load_network", "read_integers"],
        "runtimes": ["run_onnxruntime", "run_openvino", "run_qonnx"],
        "writing": ["export"],
    },
)
