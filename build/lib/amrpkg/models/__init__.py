"""Networks as data and as modules: architectures, quantisers, weights."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["quantization"],
    submod_attrs={
        "architectures": [
            "ARCHITECTURES", "Architecture", "BIT_WIDTHS", "POINTWISE", "THESIS_ARCHITECTURES",
            "THESIS_BIT_WIDTHS", "SYMBOL_WISE", "VGG_LIKE", "describe", "pointwise", "symbol_wise",
        ],
        "equalisation": ["equalise_channels"],
        "network": ["build", "prunable_layers"],
        "weights": ["load_float_weights", "load_model", "load_state", "save_model"],
    },
)
