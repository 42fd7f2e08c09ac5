"""What recorded runs left under ``results/``: one file a CSV."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ablation": ["ABLATION", "load_ablation", "record_ablation", "train_line"],
        "across_noise": [
            "ACROSS_NOISE", "count_across_noise", "load_across_noise", "record_across_noise",
            "train_across_noise",
        ],
        "code": ["CODE", "RECORDS", "load_code", "trace"],
        "exports": ["compare_files", "load_exports", "verify_runs"],
        "grid": ["GRID", "PROVENANCE", "collate", "load_grid", "load_record"],
        "learning": ["LEARNING", "learn", "load_learning", "record_learning"],
        "netlists": ["NETLISTS", "load_netlists", "simulate_netlists"],
        "receiver": ["load_receiver", "measure_receiver"],
        "repeats": ["REPEATS", "load_repeats", "repeat"],
        "robustness": [
            "BLIND", "CEILING", "Classifier", "UNMATCHED", "find_classifiers", "load_robustness",
            "measure", "require_below_ceiling", "sample_until",
        ],
        "search": [
                "SEARCH", "describe_network", "load_search", "try_candidates", "try_network",
            ],
        "synthesis": ["MULTIPLIERS", "SYNTHESIS", "build_all", "load_synthesis"],
        "speed": ["C_SPEED", "SPEED", "load_speed", "time_points", "time_searched"],
        "training_speed": ["TRAINING_SPEED", "load_training_speed", "time_training_steps"],
    },
)
