"""What a network is in hardware: its integers and what they would cost."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "conversion": ["to_integers"],
        "design": ["Design"],
        "integers": ["IntegerLayer", "IntegerNetwork"],
        "resources": [
            "LayerCount", "Resources", "count_architecture", "count_model", "estimate",
            "estimate_architecture", "estimate_layer", "estimate_layers", "zero_shares",
        ],
        "simulation": ["RtlNetwork"],
        "streaming": ["generate_streaming"],
    },
)
