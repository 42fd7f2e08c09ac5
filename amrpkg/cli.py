"""The console script ``amr``: a command is a function, its docstring the help.

What takes time to import is imported where it is used, so that help comes at once.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts.validators import mutually_exclusive

from amrpkg import __version__
from amrpkg.common.arguments import printable
from amrpkg.common.files import IN_CHECKOUT, RESULTS
from amrpkg.evaluation.decisions import WIDTH
from amrpkg.export.header import FORMATS
from amrpkg.grid.folders import Run, read_metrics, runs_folder
from amrpkg.grid.points import DROPPED, PRUNING_PERCENTS, THESIS_GRID, parse_point, sub_grid
from amrpkg.hardware.devices import DEVICES
from amrpkg.models.architectures import (
    ARCHITECTURES,
    BIT_WIDTHS,
    THESIS_ARCHITECTURES,
    THESIS_BIT_WIDTHS,
)
from amrpkg.signals.chunks import FRESH_CHUNKS_PER_CLASS, NOISE_POWER
from amrpkg.signals.recordings import SUFFIXES
from amrpkg.signals.senders import SOURCES
from amrpkg.training.protocols import PROTOCOLS, PRUNING_VARIANTS

_Protocol = Literal[*PROTOCOLS]
_Runs = Annotated[Path | None, Parameter(help="Folder of runs; by default the sweep's.")]
_Record = Annotated[Path | None, Parameter(help="By default under results/ of the checkout.")]
_Network = Annotated[Path, Parameter(help="A network: .onnx, QONNX too, or .safetensors of ours.")]
_CLASSES = "Of an ONNX model's scores, in their order; by default those that it names."
_Classes = Annotated[list[str] | None, Parameter(help=_CLASSES)]
_form = Group(validator=mutually_exclusive, show=False)
_Json = Annotated[bool, Parameter(group=_form, help="As JSON, numbers in full.")]
_Csv = Annotated[bool, Parameter(group=_form, help="As CSV, numbers in full.")]
_where = Group(validator=mutually_exclusive, show=False)

app = App(
    "amr",
    "The live thesis from the shell.",
    version=__version__,
    help_format="plaintext",
    default_parameter=Parameter(negative="", consume_multiple=(1, None)),
    suppress_keyboard_interrupt=False,
)
app.register_install_completion_command(help="Install completion for this shell.")


@app.command
def sweep(
    *,
    architecture: tuple[Literal[*ARCHITECTURES], ...] = THESIS_ARCHITECTURES,
    bit_width: tuple[Literal[*BIT_WIDTHS], ...] = THESIS_BIT_WIDTHS,
    pruning: tuple[Literal[PRUNING_PERCENTS], ...] = PRUNING_PERCENTS,
    protocol: _Protocol = "thesis",
    seed: int = 0,
    pruning_variant: Literal[PRUNING_VARIANTS] = "held",
    jobs: Annotated[int | None, Parameter(group=_where)] = None,
    scheduler: Annotated[str | None, Parameter(group=_where)] = None,
    retries: int = 1,
) -> int:
    """Run the training chapter over the thesis's grid, or a part of it; resumable.

    Args:
        architecture: One or several.
        bit_width: One or several.
        pruning: One or several, percent.
        protocol: How the points are trained.
        seed: Of chunks, weights and batches.
        pruning_variant: Hold the masks in retraining, or let pruned weights grow back.
        jobs: Points at work at once on this machine; by default one a core.
        scheduler: tcp://HOST:PORT of a Dask cluster that runs the points.
        retries: Further tries of a failed point.
    """
    from amrpkg.grid import sweeping

    points = sub_grid(architecture, bit_width, pruning)
    asked = [Run(point, protocol, seed, pruning_variant) for point in points]
    jobs = os.cpu_count() if jobs is None else jobs  # 0 is refused
    failures = sweeping.sweep(asked, jobs, retries, scheduler)
    for run, error in failures:
        notebook = sweeping.executed_notebook(run)
        _say(f"failed: {run.name}: {error.splitlines()[-1]} ({notebook})", sys.stderr)
    print(f"{len(points)} points asked for, {len(failures)} failed")
    return 1 if failures else 0


@app.command
def time(*, runs: _Runs = None) -> None:
    """Measure the speed of finished runs again, alone: let nothing else run meanwhile."""
    from amrpkg.grid.speeds import time_runs

    _one_thread()
    print(f"{time_runs(runs or runs_folder())} runs measured")


@app.command
def results(*, runs: _Runs = None, output: _Record = None) -> None:
    """Collate the finished runs of a folder into one CSV record."""
    from amrpkg.records.grid import collate

    output = _record(output, "grid.csv")
    print(f"{len(collate(runs or runs_folder(), output))} runs -> {output}")


@app.command
def classify(
    file: Annotated[Path, Parameter(help=f"Complex samples: {', '.join(SUFFIXES)}; or -.")],
    /,
    *,
    model: Annotated[_Network | None, Parameter(name=("--model", "--weights"))] = None,
    classes: _Classes = None,
    normalise: bool = False,
    samples_per_symbol: float | Literal["auto"] | None = None,
    roll_off: float | Literal["auto"] | None = None,
    carrier: float | Literal["auto"] | None = None,
    output: Annotated[Path | None, Parameter(name=("--output", "-o"))] = None,
    raw: Annotated[Literal["cf32", "cs16", "cs8", "cu8"] | None, Parameter(name="--format")] = None,
    json: _Json = False,
    csv: _Csv = False,
) -> None:
    """Say which modulation each chunk of a recording holds.

    Class and confidence for each chunk of a recording: one complex sample a
    symbol, no carrier, phase or timing offset, amplitudes as in
    amrpkg/signals/constellations.py. Without --model a small network decides that
    comes with the package. With --samples-per-symbol the recording goes through a
    receiver first: any rate from 2 up, timing, carrier, phase and level, and
    signals unlike all classes are unknown. Bursts that SigMF annotations mark are
    received one by one.

    With - raw pairs I, Q come from standard input, and decisions are printed as
    they come, a line each.

    Args:
        normalise: Find the level of the recording, taken to be the same throughout; scale it.
        samples_per_symbol: Of a recording of shaped pulses, or auto.
        roll_off: Of its root raised cosine, or auto, which is the default.
        carrier: Middle of its band in cycles a sample, or auto, which is the default.
        output: A .sigmf-meta for its annotated copy, the data beside it.
        raw: Of pairs from standard input; by default cf32, little-endian 32-bit floats.
    """
    from amrpkg.evaluation import classification
    from amrpkg.evaluation.annotated_bursts import receive_annotated
    from amrpkg.evaluation.annotations import write_annotated
    from amrpkg.evaluation.normalisation import matching_factor
    from amrpkg.evaluation.reception import receive_recording
    from amrpkg.export.reading import load_network
    from amrpkg.signals.recordings import load_annotations, load_sample_rate, load_samples

    def note(text: str) -> None:
        _say(f"amr classify: {file}: {text}", sys.stderr)

    if model:
        _require_file("model", model)
    if str(file) == "-":
        whole = {"normalise": normalise or None, "output": output}
        if given := [name for name, value in whole.items() if value is not None]:
            raise ValueError(f"{given[0]} is given with -; allowed: with a file, read as a whole")
        receiver = (samples_per_symbol, roll_off, carrier)
        if samples_per_symbol is not None:
            return _receive_stream(raw or "cf32", receiver, model, classes, note, json, csv)
        _require_receiver(*receiver[1:])
        model = model or classification.SHIPPED
        return _classify_stream(raw or "cf32", model, classes, note, json, csv)
    if raw:
        raise ValueError("format is given with a file; allowed: with -, of a file its ending says")
    _require_file("file", file)
    samples = load_samples(file)
    if samples_per_symbol is not None:
        if normalise:
            raise ValueError("normalise is given; allowed: without samples_per_symbol")
        network = load_network(model, classes) if model else None
        given = _given(samples_per_symbol, roll_off, carrier)
        annotations, sample_rate = load_annotations(file), load_sample_rate(file)
        if annotations:
            found, missed = receive_annotated(samples, annotations, *given, network)
            for text in missed:
                note(f"warning: {text}")
        else:
            found = [receive_recording(samples, *given, network)]
        for reception in found if sample_rate else ():
            note(f"{sample_rate / reception.samples_per_symbol:.6g} symbols a second")
        if output:
            if _new_or_file(output).exists() and output.samefile(file):
                raise ValueError(f"output is {str(file)!r}; allowed: another file than is read")
            write_annotated(output, samples, *found, sample_rate=sample_rate)
        return _print_receptions(found, note, json, csv)
    _require_receiver(roll_off, carrier, output)
    network = load_network(model or classification.SHIPPED, classes)
    size = network.chunk_size
    if len(samples) < size:
        raise ValueError(
            f"{str(file)!r} holds {len(samples)} samples; allowed: at least a chunk of {size}"
        )
    if normalise:
        factor = matching_factor(samples)
        samples = samples * factor
        note(f"scaled by {factor:.3g}")
    table = classification.classify(network, samples)
    if rest := len(samples) % size:
        note(f"the last {rest} of {len(samples)} samples do not fill a chunk and are left out")
    for doubt in classification.doubts(samples, table):
        note(f"warning: {doubt}")
    if json or csv:
        return _print_rows(table.rename_axis("chunk").reset_index().to_dict("records"), json)
    print("chunk  first sample  class  confidence  distance")
    for row in table.itertuples():
        print(
            f"{row.Index:5}  {row.first_sample:12}  {row.modulation:5}  {row.confidence:9.2%}   "
            f"{row.distance:8.3f}"
        )
    counts = table["modulation"].value_counts()
    shares = ", ".join(f"{name} {count}" for name, count in counts[counts > 0].items())
    print(f"{len(table)} chunks of {size} samples: {shares}", flush=True)


def _given(*options) -> tuple:
    return tuple(None if option == "auto" else option for option in options)


def _require_receiver(*options) -> None:
    if any(option is not None for option in options):
        raise ValueError(
            "samples_per_symbol is not given; allowed: it, with roll_off, carrier or output"
        )


# Of a stream: the first line, and a decision's, with its chunk, first sample, class, confidence.
_PLAIN = "chunk  first sample  class  confidence\n", "{:5}  {:12}  {:5}  {:10.2%}\n"
_CSV_LINES = "chunk,first_sample,modulation,confidence\n", "{},{},{},{}\n"
_JSON_LINES = (
    "",
    '{{"chunk": {}, "first_sample": {}, "modulation": "{}", "confidence": {}}}\n',
)


def _classify_stream(raw: str, model: Path, classes, note, json: bool, csv: bool) -> None:
    """Decide what comes from standard input, and print it before more is read."""
    import numpy as np

    from amrpkg.evaluation.classification import decide_chunks
    from amrpkg.evaluation.watching import Watch
    from amrpkg.export.c_network import load_compiled
    from amrpkg.signals.constellations import CONSTELLATIONS
    from amrpkg.signals.raw_stream import RawStream
    from amrpkg.signals.raw_types import RAW_TYPES

    network = load_compiled(model, classes)
    size, names = network.chunk_size, np.array(list(CONSTELLATIONS))
    stream = RawStream(sys.stdin.buffer, size, RAW_TYPES[raw])
    watch, counts = Watch(network), np.zeros(9, int)
    head, line = _JSON_LINES if json else _CSV_LINES if csv else _PLAIN
    print(end=head, flush=True)
    for chunks in stream:
        labels, confidence = decide_chunks(network, chunks)
        numbers = range(stream.chunks - len(chunks), stream.chunks)
        firsts = range(numbers.start * size, numbers.stop * size, size)
        lines = map(line.format, numbers, firsts, names[labels].tolist(), confidence.tolist())
        print(end="".join(lines), flush=True)
        counts += np.bincount(labels, minlength=9)
        for doubt in watch.see(chunks):
            note(f"warning: up to sample {stream.chunks * size}: {doubt}")
    samples = stream.chunks * size + _left_over(stream, raw, note)
    if not stream.chunks:
        raise ValueError(f"the stream holds {samples} samples; allowed: at least a chunk of {size}")
    if rest := samples % size:
        note(f"the last {rest} of {samples} samples do not fill a chunk and are left out")
    for doubt in watch.end():
        note(f"warning: {doubt}")
    if not json and not csv:
        shares = ", ".join(f"{names[k]} {counts[k]}" for k in (-counts).argsort() if counts[k])
        print(f"{stream.chunks} chunks of {size} samples: {shares}", flush=True)


def _left_over(stream, raw: str, note) -> int:
    """Samples behind the last whole chunk of a stream; a note of bytes behind those."""
    from amrpkg.signals.raw_types import RAW_TYPES

    each = RAW_TYPES[raw].bytes_a_sample
    left, odd = divmod(stream.left, each)
    if odd:
        note(f"the stream ends with {odd} of the {each} bytes of a sample, which are left out")
    return left


def _receive_stream(raw: str, options, model, classes, note, json: bool, csv: bool) -> None:
    """Receive what comes from standard input, and print every window before more is read."""
    from collections import Counter

    from amrpkg.evaluation.received_stream import receive_stream
    from amrpkg.export.c_network import load_compiled
    from amrpkg.receiver import UNKNOWN
    from amrpkg.signals.raw_stream import RawStream
    from amrpkg.signals.raw_types import RAW_TYPES

    stream = RawStream(sys.stdin.buffer, 1, RAW_TYPES[raw])
    network = load_compiled(model, classes) if model else None
    pieces = (piece.ravel().copy() for piece in stream)
    windows = receive_stream(pieces, *_given(*options), network)
    counts, chunk, told = Counter(), 0, []
    if csv:
        print(",".join(_RECEIVED), flush=True)
    elif not json:
        print(end=_RECEIVED_PLAIN, flush=True)
    for window in windows:
        if window.reception is None:
            numbers = dict.fromkeys(_RECEIVED[6:])
            row = {"first_sample": window.first, "samples": window.count, "modulation": UNKNOWN}
            rows, notes = [{**row, "confidence": None, "reason": window.why, **numbers}], []
        else:
            rows, notes = window.reception.table.to_dict("records"), window.reception.notes
            rate = window.reception.samples_per_symbol
            rows = [{**row, "samples": round(32 * rate)} for row in rows]
        for row in rows:
            print(_received_line({"chunk": chunk} | row, json, csv))
            counts[row["modulation"]] += 1
            chunk += 1
        sys.stdout.flush()
        for text in notes if not told else ():
            note(f"warning: from sample {window.first}: {text}")
        told = notes
    _left_over(stream, raw, note)
    if not chunk:
        raise ValueError("the stream holds no samples; allowed: a signal")
    if not json and not csv:
        print(f"{chunk} decisions: {', '.join(f'{n} {c}' for n, c in counts.most_common())}")


_RECEIVED = ("chunk", "first_sample", "samples", "modulation", "confidence", "reason")
_RECEIVED += ("es_n0_db", "carrier", "phase", "level")
_RECEIVED_PLAIN = "chunk  first sample  class    confidence  Es/N0 dB   carrier  phase  level\n"


def _received_line(row: dict, as_json: bool, as_csv: bool) -> str:
    """A decision of the receiver, of a recording's table or of a stream."""
    if as_json:
        return json.dumps({name: row[name] for name in _RECEIVED})
    if as_csv:
        values = ("" if row[name] is None else str(row[name]) for name in _RECEIVED)
        return ",".join(f'"{value}"' if "," in value else value for value in values)
    why = f"  ({row['reason']})" if row["reason"] else ""
    head = f"{row['chunk']:5}  {row['first_sample']:12}  {row['modulation']:7}"
    if row["confidence"] is None:
        return head + why
    return (
        f"{head}  {row['confidence']:10.2%}  {row['es_n0_db']:8.1f}  {row['carrier']:8.5f}  "
        f"{row['phase']:5.0f}  {row['level']:.3g}{why}"
    )


def _print_receptions(receptions, note, json: bool, csv: bool) -> None:
    """Print what a receiver found, burst by burst and chunk by chunk, notes beside it."""
    import pandas as pd

    for reception in receptions:
        rate, band = reception.samples_per_symbol, reception.band
        note(f"{rate:.6g} samples a symbol, roll-off {band.roll_off:.2f}")
        note(f"the middle of the band is at {band.carrier:.5f} cycles a sample")
        for text in reception.notes:
            note(f"warning: {text}")
    table = pd.concat([reception.table for reception in receptions], ignore_index=True)
    rows = table.rename_axis("chunk").reset_index().to_dict("records")
    if json or csv:
        return _print_rows(rows, json)
    print(end=_RECEIVED_PLAIN)
    for row in rows:
        print(_received_line(row, False, False))
    counts = table["modulation"].value_counts()
    shares = ", ".join(f"{name} {count}" for name, count in counts[counts > 0].items())
    print(f"{len(table)} chunks of 32 symbols: {shares}", flush=True)


@app.command
def receiver(
    *,
    source: tuple[Literal[*SOURCES], ...] = tuple(SOURCES),
    output: _Record = None,
) -> None:
    """Measure the receiver on bursts of ours, liquid-dsp's, GNU Radio's and komm's; resumable.

    Args:
        source: Of the bursts. Rows of others stay as they are.
    """
    from amrpkg.records.receiver import measure_receiver

    _make_rows(measure_receiver, output, "receiver.csv", sources=source)


@app.command
def robustness(
    *,
    runs: _Runs = None,
    weights: tuple[Path, ...] = (),
    width: float = WIDTH,
    output: _Record = None,
) -> None:
    """Measure trained networks under noise and impairments, beside the ceiling; resumable.

    Args:
        weights: Files of .safetensors, then without the sweep's runs unless --runs is given.
        width: Of each accuracy's exact 95 % interval, at most.
    """
    from amrpkg.records.robustness import find_classifiers, measure, require_below_ceiling

    for file in weights:
        _require_file("weights", file)
    output = _record(output, "robustness.csv")
    _one_thread()
    classifiers = find_classifiers(runs or (None if weights else runs_folder()), weights)
    rows = measure(classifiers, width=width, path=output)
    require_below_ceiling(rows)
    print(f"{len(classifiers)} networks, {len(rows)} rows -> {output}")


@app.command
def export(
    point: str,
    /,
    *,
    format: Annotated[
        Literal[*FORMATS],
        Parameter(help="; ".join(f"{name}: {form.use}" for name, form in FORMATS.items()) + "."),
    ],
    output: Annotated[Path, Parameter(name=("--output", "-o"))],
    protocol: _Protocol = "thesis",
    seed: int = 0,
    runs: _Runs = None,
    json: _Json = False,
    csv: _Csv = False,
) -> None:
    """Write a trained network without its pruned channels to a file to deploy.

    Args:
        point: A grid point with a finished run, as vgglike_2f_2c_2re_2mp_6bit_pr_20, or weights.
        output: The file to write.
        protocol: Of the run.
        seed: Of the run.
    """
    output = _new_or_file(output)
    name, weights = _find_weights("point", point, protocol, seed, runs)
    if output.exists() and output.samefile(weights):
        raise ValueError(f"output is {str(weights)!r}; allowed: another file than the weights")

    from amrpkg.export import writing
    from amrpkg.models.weights import load_model

    _one_thread()
    writing.export(load_model(weights), output, format, name)
    size = output.stat().st_size
    if json or csv:
        row = {"name": name, "format": format, "file": str(output), "bytes": size}
        return _print_rows(row, json)
    _say(f"{name} -> {output} ({size} bytes)")


@app.command
def hardware(
    network: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=("--output", "-o"))],
    symbols_per_clock: int | None = None,
    rate: float | None = None,
    device: Literal[*DEVICES] | None = None,
    simulate: bool = False,
    synthesise: bool = False,
    place: bool = False,
    protocol: _Protocol = "thesis",
    seed: int = 0,
    runs: _Runs = None,
    json: _Json = False,
    csv: _Csv = False,
) -> None:
    """Write a quantised network as Verilog, with testbench, vectors, constraints and a report.

    Args:
        network: A .safetensors file of ours, or a grid point with a finished run.
        output: A new folder.
        symbols_per_clock: Of a network that treats all symbols alike: 1, 2, 4 or 8.
        rate: Chunks a second that the design has to take at the device's clock.
        device: By default ecp5-25k, ecp5-85k for a network that is folded.
        simulate: Compare the scores of 1,008 chunks with the integers, in Verilator.
        synthesise: Count the cells, with Yosys.
        place: Place and route as well, with nextpnr: ECP5 and iCE40.
        protocol: Of the run.
        seed: Of the run.
    """
    from amrpkg.export.reading import read_integers
    from amrpkg.hardware.firmware import make_firmware

    name, weights = _find_weights("network", network, protocol, seed, runs)
    integers = read_integers(weights, name)
    report = make_firmware(
        integers, output, device, symbols_per_clock, rate, simulate, synthesise, place
    )
    if json or csv:
        return _print_rows(report, json)
    _say(
        f"{report['network']} -> {output}: {report['design']}, a class every "
        f"{report['clocks_per_chunk']} clocks, {report['latency_clocks']} after the last symbol"
    )


@app.command
def verify(*, runs: _Runs = None, output: _Record = None) -> None:
    """Export finished runs and compare every file's class scores to the bit; resumable."""
    from amrpkg.records.exports import verify_runs

    output = _record(output, "exports.csv")
    _one_thread()
    rows = verify_runs(runs or runs_folder(), output)
    exact = rows[rows["bit_width"] != 32]
    for form in ("shrunk", "integer", "onnxruntime", "openvino", "qonnx", "c"):
        if f"differing_{form}" in exact:  # C only where there is a compiler
            equal = int((exact[f"differing_{form}"] == 0).sum())
            print(f"{form}: equal for {equal} of {len(exact)} quantised networks")
    print(f"{len(rows)} networks -> {output}")


@app.command
def speed(*, runs: _Runs = None, protocol: _Protocol = "streaming", output: _Record = None) -> None:
    """Measure deployable forms of finished runs beside the float network; resumable.

    And of the smallest networks, whose integers are kept. Alone, on one core: let nothing else
    run meanwhile.

    Args:
        protocol: Of the runs.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # before torch counts the cores
    from amrpkg.book.deployment import summarise_speed
    from amrpkg.records.speed import time_points, time_searched

    output = _record(output, "speed.csv")
    _one_thread()
    time_points(runs or runs_folder(), output, protocol)
    rows = time_searched(output)
    print(summarise_speed(output).to_string(index=False))
    print(f"{len(rows)} rows -> {output}")


@app.command
def repeat(
    *,
    architecture: tuple[Literal[*THESIS_ARCHITECTURES], ...] = THESIS_ARCHITECTURES,
    bit_width: tuple[Literal[*THESIS_BIT_WIDTHS], ...] = THESIS_BIT_WIDTHS,
    protocol: Literal["thesis", "retuned"] = "thesis",
    seed: int = 1,
    pruning_variant: Literal[PRUNING_VARIANTS] = "held",
    output: _Record = None,
) -> None:
    """Train points of the thesis once more, without chapters and speed; resumable.

    The 4-bit network that the thesis dropped is among them. Finished runs of all calls are
    gathered into one record.

    Args:
        architecture: One or several.
        bit_width: One or several.
        protocol: thesis with another seed, or retuned: on from it until all chunks are right.
        seed: Of chunks, weights and batches.
        pruning_variant: Hold the masks in retraining, or let pruned weights grow back.
    """
    from amrpkg.records.repeats import repeat as make

    points = [p for p in THESIS_GRID + DROPPED if p.architecture in architecture]
    points = [point for point in points if point.bit_width in bit_width]
    asked = [Run(point, protocol, seed, pruning_variant) for point in points]
    _make_rows(make, output, "repeats.csv", asked=asked)


@app.command
def training_speed(*, output: _Record = None) -> None:
    """Measure training steps of the thesis's networks beside each other; resumable.

    Alone, on one core: let nothing else run meanwhile.
    """
    from amrpkg.records.training_speed import time_training_steps

    _make_rows(time_training_steps, output, "training_speed.csv")


@app.command
def search(*, output: _Record = None) -> None:
    """Train the candidates of the search for the smallest network; resumable."""
    from amrpkg.records.search import try_candidates

    _make_rows(try_candidates, output, "search.csv")


@app.command
def synthesis(
    *, network: str | None = None, symbols_per_clock: int | None = None, output: _Record = None
) -> None:
    """Simulate, synthesise, place and route the recorded networks; resumable.

    Args:
        network: One of them; by default all.
        symbols_per_clock: Of a streaming design; by default all that are recorded.
    """
    from amrpkg.records.synthesis import build_all

    asked = {"network": network, "symbols_per_clock": symbols_per_clock}
    _make_rows(build_all, output, "synthesis.csv", **asked)


@app.command
def netlists(*, output: _Record = None) -> None:
    """Simulate what synthesis makes of the small designs, on the same chunks; resumable."""
    from amrpkg.records.netlists import simulate_netlists

    _make_rows(simulate_netlists, output, "netlists.csv")


@app.command
def across_noise(*, output: _Record = None) -> None:
    """Train symbol-wise networks across noise, told it or not, beside the ceilings; resumable."""
    from amrpkg.records.across_noise import record_across_noise

    _make_rows(record_across_noise, output, "across_noise.csv")


@app.command
def ablation(*, output: _Record = None) -> None:
    """Train networks at 4 bits by a recipe of which each changes one part; resumable."""
    from amrpkg.records.ablation import record_ablation

    _make_rows(record_ablation, output, "ablation.csv")


@app.command
def learning(*, output: _Record = None) -> None:
    """Train networks on few distinct chunks and on many, as many steps; resumable."""
    from amrpkg.records.learning import record_learning

    _make_rows(record_learning, output, "learning.csv")


@app.command
def evaluate(
    model: _Network,
    /,
    *,
    classes: _Classes = None,
    chunks_per_class: int = FRESH_CHUNKS_PER_CLASS,
    noise_power: float = NOISE_POWER,
    seed: int = 0,
    json: _Json = False,
    csv: _Csv = False,
) -> None:
    """Judge a network, ours or not, on fresh chunks: accuracy, ceiling, confusions, resources.

    Args:
        chunks_per_class: Fresh ones.
        noise_power: N_a, linear.
        seed: Of the chunks.
    """
    from amrpkg.export.judging import judge
    from amrpkg.export.reading import load_network

    _require_file("model", model)
    network = load_network(model, classes)
    _one_thread()
    judgement = judge(network, chunks_per_class, noise_power, seed)
    if json or csv:
        return _print_rows(judgement.record(), json)
    print(judgement, flush=True)


@app.command
def render(
    notebook: Path,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=("--output", "-o"))] = None,
) -> None:
    """Make one HTML page of an executed chapter, as papermill or a sweep leaves it.

    It needs nothing beside it, and no network.

    Args:
        notebook: Executed to its end.
        output: By default beside the notebook.
    """
    from amrpkg.book.page import make_page
    from amrpkg.common.files import whole_file

    _require_file("notebook", notebook)
    output = _new_or_file(output or notebook.with_suffix(".html"))
    page = make_page(notebook)
    if output.exists() and output.samefile(notebook):
        raise ValueError(f"output is {str(output)!r}; allowed: another file than the notebook")
    with whole_file(output) as file:
        file.write(page.html)
    for text in page.warnings:
        _say(f"amr render: warning: {text}", sys.stderr)
    _say(f"{notebook} -> {output} ({output.stat().st_size} bytes)")


def _find_weights(
    argument: str, point: str, protocol: str, seed: int, runs: Path | None
) -> tuple[str, Path]:
    """Name and file of the weights of a grid point with a finished run, or of a file of them."""
    path = Path(point)
    if path.suffix == ".safetensors":
        _require_file(argument, path)
        return path.stem, path
    found = parse_point(point)
    folder = (runs or runs_folder()) / protocol / Run(found, protocol, seed).name
    if not (folder / "metrics.json").exists():
        raise ValueError(
            f"no finished run {folder}; `amr sweep --protocol {protocol} --seed {seed} "
            f"--architecture {found.architecture} --bit-width {found.bit_width} "
            f"--pruning {found.pruning_percent}` makes it"
        )
    read_metrics(folder)  # undamaged
    return found.name, folder / "model.safetensors"


def _one_thread() -> None:
    """As in the sweep: a second thread gains nothing at these sizes."""
    import torch

    torch.set_num_threads(1)


def _record(output: Path | None, name: str) -> Path:
    """Where a record is written. Raises ``ValueError`` unless that is a file, or can be one."""
    if output is None and not IN_CHECKOUT:
        raise ValueError("output is not given; allowed without a checkout: --output FILE")
    return _new_or_file(output or RESULTS / name)


def _require_file(argument: str, path: Path) -> None:
    """Raise ``ValueError`` for what is missing and for a folder."""
    if not path.exists() or path.is_dir():
        raise ValueError(f"{argument} is {str(path)!r}; allowed: a file that is there")


def _new_or_file(output: Path) -> Path:
    if output.exists() and not output.is_file():
        raise ValueError(f"output is {str(output)!r}; allowed: a file, there or new")
    return output


def _make_rows(make: Callable, output: Path | None, name: str, **asked) -> None:
    """Make the rows of a record, or go on with them, and say how many there are and where."""
    output = _record(output, name)
    _one_thread()
    print(f"{len(make(output, **asked))} rows -> {output}")


def _print_rows(rows: dict | list[dict], as_json: bool) -> None:
    """Print a record, which may be nested, or several, for a machine."""
    import pandas as pd

    frame = None if as_json else pd.json_normalize(rows, sep="_")
    print(json.dumps(rows) if as_json else frame.to_csv(index=False).rstrip(), flush=True)


def _say(text: str, file=None) -> None:
    """Print what may come from a file: no control characters, long lines cut."""
    print("\n".join(printable(line, 1000) for line in text.splitlines()), file=file)


def main(arguments: list[str] | None = None) -> int:
    """Run ``amr``; returns the exit status: 0, 1 if points failed, 2 for bad input.

    Ctrl-C ends the process with 130.
    """
    tokens = sys.argv[1:] if arguments is None else arguments
    if tokens[:1] == ["classify"] and "-" in tokens and "--" not in tokens:
        # Cyclopts takes a lone hyphen for an option, but after this.
        tokens = [*(token for token in tokens if token != "-"), "--", "-"]
    command = " ".join(["amr", *(token for token in tokens[:1] if token in app)])
    try:
        status = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        return status or 0
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (CycloptsError, ValueError, TypeError, RuntimeError, OSError, MemoryError) as error:
        _say(f"{command}: {str(error) or type(error).__name__}", sys.stderr)
    except KeyboardInterrupt:
        _say(f"\n{command}: stopped; the same command goes on", sys.stderr)
        os._exit(130)  # at once, as a kill: threads that wait for their kernels would hold it
    return 2
