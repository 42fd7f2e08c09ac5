"""The console script ``amr``."""

import argparse
import os
import sys
from pathlib import Path

from amrpkg.common.files import RESULTS
from amrpkg.evaluation.decisions import WIDTH
from amrpkg.export.header import FORMATS
from amrpkg.grid.folders import Run, read_metrics, runs_folder
from amrpkg.grid.points import PRUNING_PERCENTS, Point, parse_point, sub_grid
from amrpkg.models.architectures import ARCHITECTURES, BIT_WIDTHS, THESIS_ARCHITECTURES
from amrpkg.records.grid import GRID, collate
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, NOISE_POWER
from amrpkg.signals.recordings import SUFFIXES, load_samples
from amrpkg.training.protocols import PROTOCOLS, PRUNING_VARIANTS

_NETWORK_FILE = "a network: .onnx (QONNX too), or .safetensors of `amr export` or models.save_model"


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Defaults in the help, but for arguments that have none."""

    def _get_help_string(self, action: argparse.Action) -> str:
        return action.help if action.default is None else super()._get_help_string(action)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="amr",
        description="The live thesis from the shell.",
        formatter_class=_Formatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    sweep = commands.add_parser(
        "sweep",
        help="run the training chapter over the thesis's grid, or a part of it; resumable",
        formatter_class=parser.formatter_class,
    )
    for flag, kind, choices, default in (
        ("--architecture", str, list(ARCHITECTURES), list(THESIS_ARCHITECTURES)),
        ("--bit-width", int, BIT_WIDTHS, BIT_WIDTHS),
        ("--pruning", int, PRUNING_PERCENTS, PRUNING_PERCENTS),
    ):
        sweep.add_argument(flag, type=kind, nargs="+", choices=choices, default=default)
    sweep.add_argument(
        "--protocol", choices=PROTOCOLS, default="thesis", help="how the points are trained"
    )
    sweep.add_argument("--seed", type=int, default=0, help="of chunks, weights and batches")
    sweep.add_argument(
        "--pruning-variant",
        choices=PRUNING_VARIANTS,
        default="held",
        help="hold the masks in retraining, or let pruned weights grow back",
    )
    where = sweep.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=int,
        default=argparse.SUPPRESS,
        help="points at work at once on this machine (default: one a core)",
    )
    where.add_argument(
        "--scheduler", metavar="tcp://HOST:PORT", help="of a Dask cluster that runs the points"
    )
    sweep.add_argument("--retries", type=int, default=1, help="further tries of a failed point")
    speed = commands.add_parser(
        "time",
        help="measure the speed of finished runs again, alone: let nothing else run meanwhile",
        formatter_class=parser.formatter_class,
    )
    speed.add_argument("--runs", type=Path, help="folder of runs; by default the sweep's")
    results = commands.add_parser(
        "results",
        help="collate the finished runs of a folder into one CSV record",
        formatter_class=parser.formatter_class,
    )
    results.add_argument("--runs", type=Path, help="folder of runs; by default the sweep's")
    results.add_argument("--output", type=Path, default=GRID, help="the record")
    classify = commands.add_parser(
        "classify",
        help="say which modulation each chunk of a recording holds",
        description="Class and confidence for each chunk of a recording: one complex sample a "
        "symbol, no carrier, phase or timing offset, amplitudes as in "
        "amrpkg/signals/constellations.py.",
    )
    classify.add_argument("file", type=Path, help=f"complex samples: {', '.join(SUFFIXES)}")
    classify.add_argument(
        "--model",
        "--weights",
        type=Path,
        help=f"{_NETWORK_FILE} (default: the small network shipped)",
    )
    _add_classes(classify)
    classify.add_argument(
        "--normalise",
        action="store_true",
        help="find the level of the recording, taken to be the same throughout, and scale it",
    )
    robustness = commands.add_parser(
        "robustness",
        help="measure accuracies of trained networks under noise, other chunk sizes and "
        "impairments beside the ceiling; resumable",
        formatter_class=parser.formatter_class,
    )
    robustness.add_argument(
        "--runs", type=Path, help="folder of runs; by default the sweep's unless --weights is given"
    )
    robustness.add_argument(
        "--weights", type=Path, nargs="+", default=[], metavar="FILE", help="of .safetensors"
    )
    robustness.add_argument(
        "--width",
        type=float,
        default=WIDTH,
        help="of each accuracy's exact 95 %% interval, at most",
    )
    robustness.add_argument(
        "--output", type=Path, default=RESULTS / "robustness.csv", help="the record"
    )
    export = commands.add_parser(
        "export",
        help="write a trained network without its pruned channels to a file to deploy",
        formatter_class=parser.formatter_class,
    )
    export.add_argument(
        "point",
        help="name of a grid point with a finished run, as vgglike_2f_2c_2re_2mp_6bit_pr_20, or "
        "a .safetensors file of models.save_model",
    )
    export.add_argument(
        "--format",
        required=True,
        choices=FORMATS,
        help="; ".join(f"{name}: {form.use}" for name, form in FORMATS.items()),
    )
    export.add_argument("-o", "--output", type=Path, required=True, help="the file to write")
    export.add_argument("--protocol", choices=PROTOCOLS, default="thesis", help="of the run")
    export.add_argument("--seed", type=int, default=0, help="of the run")
    export.add_argument("--runs", type=Path, help="folder of runs; by default the sweep's")
    verify = commands.add_parser(
        "verify",
        help="export finished runs and compare every file's class scores with the trained "
        "network's, to the bit; resumable",
        formatter_class=parser.formatter_class,
    )
    verify.add_argument("--runs", type=Path, help="folder of runs; by default the sweep's")
    verify.add_argument("--output", type=Path, default=RESULTS / "exports.csv", help="the record")
    speeds = commands.add_parser(
        "speed",
        help="measure the deployable forms of finished runs beside the float network, alone on "
        "one core: let nothing else run meanwhile; resumable",
        formatter_class=parser.formatter_class,
    )
    speeds.add_argument("--runs", type=Path, help="folder of runs; by default the sweep's")
    speeds.add_argument("--protocol", choices=PROTOCOLS, default="streaming", help="of the runs")
    speeds.add_argument("--output", type=Path, default=RESULTS / "speed.csv", help="the record")
    search = commands.add_parser(
        "search",
        help="train the candidates of the search for the smallest network; resumable",
        formatter_class=parser.formatter_class,
    )
    search.add_argument("--output", type=Path, default=RESULTS / "search.csv", help="the record")
    evaluate = commands.add_parser(
        "evaluate",
        help="accuracy of a network's file on fresh chunks beside the ceiling, its confusions "
        "and resource estimate; also of a network that is not ours",
        formatter_class=parser.formatter_class,
    )
    evaluate.add_argument("model", type=Path, help=_NETWORK_FILE)
    _add_classes(evaluate)
    evaluate.add_argument(
        "--chunks-per-class", type=int, default=FRESH_CHUNKS_PER_CLASS, help="fresh ones"
    )
    evaluate.add_argument("--noise-power", type=float, default=NOISE_POWER, help="N_a, linear")
    evaluate.add_argument("--seed", type=int, default=0, help="of the chunks")
    return parser


def _add_classes(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help="of an ONNX model's scores, in their order (default: those the file names)",
    )


def _sweep(options) -> int:
    from amrpkg.grid.sweeping import executed_notebook, sweep

    points = sub_grid(options.architecture, options.bit_width, options.pruning)
    series = (options.protocol, options.seed, options.pruning_variant)
    jobs = getattr(options, "jobs", os.cpu_count())
    runs = [Run(point, *series) for point in points]
    failures = sweep(runs, jobs, options.retries, options.scheduler)
    for run, error in failures:
        notebook = executed_notebook(run)
        print(f"failed: {run.name}: {error.splitlines()[-1]} ({notebook})", file=sys.stderr)
    print(f"{len(points)} points asked for, {len(failures)} failed")
    return 1 if failures else 0


def _results(options) -> int:
    grid = collate(options.runs or runs_folder(), options.output)
    print(f"{len(grid)} runs -> {options.output}")
    return 0


def _time(options) -> int:
    import torch  # here: it takes seconds

    from amrpkg.grid.speeds import time_runs

    torch.set_num_threads(1)  # as in the sweep
    print(f"{time_runs(options.runs or runs_folder())} runs measured")
    return 0


def _classify(options) -> int:
    samples = load_samples(options.file)  # before torch, which takes seconds

    from amrpkg.evaluation.classification import SHIPPED, classify, doubts
    from amrpkg.evaluation.normalisation import matching_factor
    from amrpkg.export.reading import load_network

    def note(text: str) -> None:
        print(f"amr classify: {options.file}: {text}", file=sys.stderr)

    model = load_network(options.model or SHIPPED, options.classes)
    size = model.chunk_size
    if len(samples) < size:
        raise ValueError(
            f"{str(options.file)!r} holds {len(samples)} samples; allowed: at least a chunk of "
            f"{size}"
        )
    if options.normalise:
        factor = matching_factor(samples)
        samples = samples * factor
        note(f"scaled by {factor:.3g}")
    table = classify(model, samples)
    if rest := len(samples) % size:
        note(f"the last {rest} of {len(samples)} samples do not fill a chunk and are left out")
    for doubt in doubts(samples, table):
        note(f"warning: {doubt}")
    print("chunk  first sample  class  confidence  distance")
    for chunk, first, name, confidence, distance in table.itertuples():
        print(f"{chunk:5}  {first:12}  {name:5}  {confidence:9.2%}   {distance:8.3f}")
    counts = table["modulation"].value_counts()
    shares = ", ".join(f"{name} {count}" for name, count in counts[counts > 0].items())
    print(f"{len(table)} chunks of {size} samples: {shares}", flush=True)
    return 0


def _robustness(options) -> int:
    import torch  # here: it takes seconds

    from amrpkg.records.robustness import find_classifiers, measure, require_below_ceiling

    torch.set_num_threads(1)  # as in the sweep
    runs = options.runs or (None if options.weights else runs_folder())
    classifiers = find_classifiers(runs, options.weights)
    rows = measure(classifiers, width=options.width, path=options.output)
    require_below_ceiling(rows)
    print(f"{len(classifiers)} networks, {len(rows)} rows -> {options.output}")
    return 0


def _export(options) -> int:
    import torch  # here: it takes seconds

    from amrpkg.export.writing import export
    from amrpkg.models.weights import load_model

    torch.set_num_threads(1)
    path = Path(options.point)
    if path.suffix == ".safetensors":
        name, weights = path.stem, path
        weights.open("rb").close()  # safetensors does not name a folder it is given
    else:
        point = parse_point(options.point)
        name, weights = point.name, _weights_of(point, options)
    if options.output.exists() and options.output.samefile(weights):
        raise ValueError(f"output is {str(weights)!r}; allowed: another file than the weights")
    export(load_model(weights), options.output, options.format, name)
    print(f"{name} -> {options.output} ({options.output.stat().st_size} bytes)")
    return 0


def _weights_of(point: Point, options) -> Path:
    """The weights of a point's finished run. Raises ``ValueError`` that says how to make it."""
    run = Run(point, options.protocol, options.seed)
    folder = (options.runs or runs_folder()) / run.protocol / run.name
    try:
        read_metrics(folder)
    except FileNotFoundError:
        raise ValueError(
            f"no finished run {folder}; `amr sweep --protocol {options.protocol} --seed "
            f"{options.seed} --architecture {point.architecture} --bit-width {point.bit_width} "
            f"--pruning {point.pruning_percent}` makes it"
        ) from None
    return folder / "model.safetensors"


def _verify(options) -> int:
    import torch  # here: it takes seconds

    from amrpkg.records.exports import verify_runs

    torch.set_num_threads(1)
    rows = verify_runs(options.runs or runs_folder(), options.output)
    exact = rows[rows["bit_width"] != 32]
    forms = ["shrunk", "integer", "onnxruntime", "openvino", "qonnx"]
    for form in forms:
        equal = int((exact[f"differing_{form}"] == 0).sum())
        print(f"{form}: equal for {equal} of {len(exact)} quantised networks")
    print(f"{len(rows)} networks -> {options.output}")
    return 0


def _speed(options) -> int:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import torch  # here: it takes seconds

    from amrpkg.book.deployment import summarise_speed
    from amrpkg.records.speed import time_points

    torch.set_num_threads(1)
    rows = time_points(options.runs or runs_folder(), options.output, options.protocol)
    print(summarise_speed(options.output).to_string(index=False))
    print(f"{len(rows)} rows -> {options.output}")
    return 0


def _search(options) -> int:
    import torch  # here: it takes seconds

    from amrpkg.records.search import try_candidates

    torch.set_num_threads(1)
    print(f"{len(try_candidates(options.output))} rows -> {options.output}")
    return 0


def _evaluate(options) -> int:
    import torch  # here: it takes seconds

    from amrpkg.export.judging import report
    from amrpkg.export.reading import load_network

    torch.set_num_threads(1)
    model = load_network(options.model, options.classes)
    print(report(model, options.chunks_per_class, options.noise_power, options.seed), flush=True)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run ``amr``; returns the exit status: 0, 1 if points failed, 2 for bad input.

    Ctrl-C ends the process with 130.
    """
    options = _parser().parse_args(arguments)
    try:
        run = {"sweep": _sweep, "time": _time, "results": _results}
        run |= {"robustness": _robustness, "classify": _classify, "export": _export}
        run |= {"verify": _verify, "evaluate": _evaluate, "speed": _speed, "search": _search}
        return run[options.command](options)
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        print(f"amr {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\namr {options.command}: stopped; the same command goes on", file=sys.stderr)
        sys.stdout.flush()
        os._exit(130)  # at once, as a kill: threads that wait for their kernels would hold it
