"""The record of the receiver: complete, and the goals in it."""

import pytest

from amrpkg.evaluation import STEPS
from amrpkg.receiver import NAMES
from amrpkg.records import load_receiver
from amrpkg.records.receiver import BLOCKS, BURSTS, ES_N0_DB
from amrpkg.signals import SOURCES


@pytest.fixture(scope="module")
def record():
    return load_receiver()


def test_it_is_complete(record):
    rows = record.groupby(["source", "step"]).size()
    levels = len(ES_N0_DB)
    for source, (names, _) in SOURCES.items():
        assert rows[source, "receiver"] == len(names) * levels
    for step in (*STEPS, "network"):
        assert rows["ours", step] == len(NAMES) * levels
    assert set(record["count"]) == {BURSTS * BLOCKS * 8}
    assert (record["right"] + record["unknown"] <= record["count"]).all()


def test_the_goals_are_met_at_20_db_and_more(record):
    whole = record[(record["step"] == "receiver") & (record["es_n0_db"] >= 20)]
    known = whole["modulation"].isin(NAMES)
    assert (whole[known]["right"] + whole[known]["unknown"] == whole[known]["count"]).all()
    assert (whole[known]["unknown"] <= 8).all()  # a block, as 1 of 1,000 is; 3,456 are sent
    sums = whole[known].groupby(["modulation", "es_n0_db"])[["right", "count"]].sum()
    assert (sums["right"] / sums["count"]).min() >= 0.99
    assert whole[known]["unknown"].sum() <= 8 * 10
    other = whole[~known]
    assert ((other["count"] - other["unknown"]) / other["count"]).max() <= 0.01


def test_no_step_is_better_than_perfect_knowledge(record):
    sums = record[record["source"] == "ours"].groupby(["step", "es_n0_db"])[["right", "count"]]
    shares = sums.sum()["right"] / sums.sum()["count"]
    for step in (*STEPS, "network"):
        assert (shares[step] <= shares["perfect"] + 0.01).all()
