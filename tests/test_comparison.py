"""Printed values and ours side by side: what is divided by what, and what stays empty."""

import numpy as np
import pandas as pd
import pytest

from amrpkg.book import (
    METRICS,
    PRINTED,
    compare_grid,
    load_thesis,
    summarise_effects,
    tabulate_appendix,
)
from amrpkg.grid import KEYS
from amrpkg.records import load_grid

FLOAT, LARGEST = "vgglike_2f_1c_1re_1mp", "vgglike_5f_5c_4re_4mp"


def test_the_metrics_are_the_printed_columns_and_the_training_latency():
    assert list(METRICS) == ["training_latency_ms", *PRINTED]


@pytest.mark.parametrize("metric", ["dsp", "ff", "lut", "bram"])
def test_counts_stay_as_printed_and_as_recorded(metric):
    frame = compare_grid(metric)
    assert frame["thesis"].tolist() == load_thesis()[metric].tolist()
    for variant in ("held", "regrowing"):
        recorded = load_grid(pruning_variant=variant).set_index(KEYS)[metric]
        assert frame.set_index(KEYS)[variant].to_dict() == recorded.to_dict()


def test_times_are_ratios_to_the_float_unpruned_model(record):
    time = compare_grid("inference_time_ms", record).set_index(KEYS)
    printed = load_thesis().set_index(KEYS)["inference_time_ms"]
    for name in (FLOAT, LARGEST):
        assert time.loc[(name, 32, 0), "thesis"] == 1
        for key in ((name, 8, 0), (name, 6, 30), (name, 32, 20)):
            assert time.loc[key, "thesis"] == printed[key] / printed[(name, 32, 0)]
    assert time.loc[(LARGEST, 8, 20), ["held", "regrowing"]].tolist() == [8.2, 8.7]
    assert time.loc[(LARGEST, 8, 0), ["held", "regrowing"]].tolist() == [8, 8]
    throughput = compare_grid("throughput_chunks_per_s", record).set_index(KEYS)
    assert throughput.loc[(LARGEST, 8, 20), "held"] == 1 / 8.2
    # The thesis rounds both columns it prints.
    assert np.allclose(throughput["thesis"], 1 / time["thesis"], rtol=1e-4)


def test_the_thesis_prints_no_training_latency_and_a_missing_run_stays_empty(record):
    frame = compare_grid("training_latency_ms", record).set_index(KEYS)
    assert frame["thesis"].isna().all()
    rows = pd.read_csv(record)
    rows[rows["pruning_percent"] != 30].to_csv(record, index=False)
    frame = compare_grid("dsp", record).set_index(KEYS)
    assert frame["held"].isna().sum() == frame["regrowing"].isna().sum() == 27
    assert len(frame) == 81 and frame["thesis"].notna().all()


def test_effects_are_mean_ratios_to_the_neighbour_without_the_step(record):
    table = summarise_effects(["training_latency_ms", "dsp"], record)
    assert list(table) == ["metric", "series", "8 bit", "6 bit", "4 bit", "20 %", "30 %"]
    assert table["series"].tolist() == ["held", "regrowing", "thesis", "held", "regrowing"]
    printed = load_thesis().set_index(KEYS)["dsp"].unstack("pruning_percent")
    thesis = table.loc[2]
    assert thesis["metric"] == "DSP blocks" and thesis["8 bit"] == pytest.approx(0.25, abs=0.01)
    assert thesis["20 %"] == pytest.approx((printed[20] / printed[0]).mean(), abs=5e-4)
    ours = load_grid(path=record).set_index(KEYS)["training_latency_to_float"]
    expected = (ours.unstack("bit_width")[8] / ours.unstack("bit_width")[32]).mean()
    assert table.loc[0, "8 bit"] == pytest.approx(expected, abs=5e-4)


def test_an_appendix_has_printed_values_ours_and_differences(record):
    table = tabulate_appendix("B", ["inference_time_ms", "dsp"], record)
    assert len(table) == 27
    printed = load_thesis().query("appendix == 'B'")
    assert table["ms, thesis"].tolist() == printed["inference_time_ms"].tolist()
    row = table[(table["model"] == "5f_5c_4re_4mp") & (table["bits"] == 8)].iloc[0]
    assert row["DSP, thesis"] == 1_020_872 and row["DSP, held"] == 2008
    assert row["DSP, held − thesis"] == 2008 - 1_020_872
    assert row["ms to float, regrowing"] == 8.7
    ratio = row["ms to float, thesis"]
    assert row["ms to float, regrowing − thesis"] == pytest.approx(8.7 - ratio, abs=1e-9)
    unpruned = tabulate_appendix("A", ["dsp"], record)
    assert list(unpruned) == ["model", "bits", "DSP, thesis", "DSP, ours", "DSP, ours − thesis"]


def test_unknown_metrics_and_appendices_are_named_with_what_is_allowed():
    with pytest.raises(ValueError, match="metric is 'area'; allowed: training_latency_ms, "):
        compare_grid("area")
    with pytest.raises(ValueError, match="metric is 'area'; allowed: "):
        tabulate_appendix("A", ["area"])
    with pytest.raises(ValueError, match="appendix is 'D'; allowed: A, B, C"):
        tabulate_appendix("D", ["dsp"])
