"""Networks as data and as modules: architectures, quantisers, weights."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["quantization"],
    submod_attrs={
        "architectures": ["ARCHITECTURES", "BIT_WIDTHS", "THESIS_ARCHITECTURES", "describe"],
        "network": ["build", "prunable_layers"],
        "weights": ["load_float_weights", "load_model", "load_state", "save_model"],
    },
)
