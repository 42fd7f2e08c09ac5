"""What the chapters show: cells, comparison with print, ledger, status."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["claims", "figures"],
    submod_attrs={
        "cells": ["Table", "check", "check_between"],
        "choosing": ["count_multiplications", "tabulate_choices"],
        "comparison": [
            "METRICS", "compare", "compare_grid", "compare_savings", "summarise",
            "summarise_effects",
            "tabulate_appendix",
        ],
        "deployment": [
            "GOALS", "choose", "compare_c", "compare_speed", "summarise_removal", "summarise_speed",
            "thesis_points",
        ],
        "firmware": [
            "accuracy_interval", "compare_estimates", "compare_published", "count_fitting",
            "list_devices", "list_gates", "spread_of_estimates", "summarise_placed",
        ],
        "ledger": [
            "CONDITION", "CORRECTED", "DEFINITION", "Ledger", "NOT_REPRODUCED", "NOT_TESTABLE",
            "REPRODUCED", "VERDICTS", "relative",
        ],
        "page": ["Page", "make_page"],
        "rules": [
            "about", "above", "at_least", "at_most", "below", "clear", "describe", "each", "equal",
            "factor", "mean", "rounds_to", "some", "steady", "true", "within",
        ],
        "seeds": [
            "compare_retuned", "compare_seeds", "correlate_regrowth", "seed_spread",
            "summarise_retuned", "summarise_seeds",
        ],
        "shell": ["run_commands_here"],
        "status": ["describe_making", "versions"],
        "steps": ["summarise_steps"],
        "story": ["describe_story", "smallest", "tell_story"],
        "thesis": ["PRINTED", "estimate_grid", "load_thesis", "printed_zero_shares"],
        "try_it": ["embed", "load_counts", "load_tried"],
    },
)
