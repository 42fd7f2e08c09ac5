"""One function a figure, one file a chapter."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["style"],
    submod_attrs={
        "earning": ["plot_earned", "plot_size"],
        "evaluation": ["plot_accuracies", "plot_confusion"],
        "hardware": ["plot_layer_resources", "plot_resources"],
        "integers": ["plot_sizes", "plot_speed"],
        "models": ["plot_architecture", "plot_weight_levels"],
        "results": [
            "plot_all_models", "plot_model", "plot_overview", "plot_overview_3d", "plot_tradeoff",
        ],
        "robustness": ["plot_impairments", "plot_noise"],
        "signals": ["plot_chunking", "plot_constellations", "plot_received"],
        "training": ["plot_channel_norms", "plot_training", "plot_workflow"],
    },
)
