"""What a network is in hardware: its integers, what they would cost, its Verilog and its cells."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "conversion": ["to_integers"],
        "design": ["Design"],
        "devices": ["DEVICES", "Device", "find_device", "fits", "shortage"],
        "disturbance": ["disturb"],
        "estimates": ["estimate_adder_graph", "estimate_finn_r"],
        "firmware": ["make_firmware", "write_firmware"],
        "folded": ["generate_folded"],
        "folding": ["Folding", "clocks_for", "fewest_clocks", "fold"],
        "generation": ["clock_of", "generate", "is_symbol_wise"],
        "integers": ["IntegerLayer", "IntegerNetwork", "at_chunk_size"],
        "placement": ["Placement", "place"],
        "resources": [
            "LayerCount", "Resources", "count_architecture", "count_model", "estimate",
            "estimate_architecture", "estimate_layer", "estimate_layers", "zero_shares",
        ],
        "simulation": ["RtlNetwork"],
        "streaming": ["generate_streaming"],
        "synthesis": ["Counts", "FAMILIES", "Synthesis", "synthesise"],
    },
)
