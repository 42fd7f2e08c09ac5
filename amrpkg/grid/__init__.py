"""Points of the grid, their runs and folders, and the sweep over them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["kernels", "speeds"],
    submod_attrs={
        "folders": ["Run", "finished_runs", "runs_folder", "seal"],
        "notebooks": ["run_notebook"],
        "points": [
            "DROPPED", "KEYS", "PRUNING_PERCENTS", "Point", "SMALL_GRID", "SYMBOL_WISE_GRID",
            "THESIS_GRID", "parse_point", "sub_grid",
        ],
        "runs": ["FinishedRun", "code_digest", "find_run", "make_run", "parameters"],
        "sweeping": [
            "Failure", "execute_on_worker", "made_by_here", "progress_bar", "sweep", "unfinished",
            "work_through",
        ],
    },
)
