"""How fast a network is: timed side by side, profiled."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "forms": ["BATCH_SIZES", "brevitas_qcdq", "tasks"],
        "networks": ["time_inference", "time_training"],
        "profiles": [
            "PARTS", "onnxruntime_operators", "openvino_layers", "profile_batch",
            "profile_openvino",
        ],
        "steps": ["time_steps"],
        "timing": ["SKIPPED", "time_side_by_side"],
    },
)
