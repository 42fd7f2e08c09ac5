"""Decisions as SigMF annotations, which inspectrum and other viewers draw over the samples.

Successive chunks of one class make one annotation: its label, where it starts and how long it is,
its band, and what the ``signal`` extension of SigMF says of it, ``mod_class`` and ``order``.
Source: the Signal Metadata Format specification, version 1.2, https://sigmf.org.
"""

import json
from itertools import chain, groupby
from pathlib import Path

import numpy as np

from amrpkg.common.files import whole_file
from amrpkg.evaluation.reception import Reception
from amrpkg.signals.chunks import CHUNK_SIZE
from amrpkg.signals.constellations import CONSTELLATIONS

META, DATA = ".sigmf-meta", ".sigmf-data"


def annotate(reception: Reception, sample_rate: float = 1.0) -> list[dict]:
    """The annotations of a recording, as SigMF has them.

    sample_rate : samples a second; 1 leaves frequencies in cycles a sample
    """
    rows = list(reception.table.itertuples())
    size, found = CHUNK_SIZE * reception.samples_per_symbol, []
    for label, run in groupby(rows, key=lambda row: row.modulation):
        run = list(run)
        width = (1 + reception.band.roll_off) / reception.samples_per_symbol
        middle = float(np.mean([row.carrier for row in run]))
        found.append(
            {
                "core:sample_start": int(run[0].first_sample),
                "core:sample_count": round(run[-1].first_sample - run[0].first_sample + size),
                "core:label": label,
                "core:freq_lower_edge": (middle - width / 2) * sample_rate,
                "core:freq_upper_edge": (middle + width / 2) * sample_rate,
                "core:generator": "amrpkg",
            }
        )
        if label in CONSTELLATIONS:
            kind, order = label[-3:].lower(), len(CONSTELLATIONS[label])  # ask, psk or qam
            found[-1]["signal:detail"] = {"type": "digital", "mod_class": kind, "order": order}
    return found


def write_annotated(
    path: Path, samples: np.ndarray, *receptions: Reception, sample_rate: float | None = None
) -> None:
    """Write a SigMF recording, ``path`` and its data beside it.

    path : ends in .sigmf-meta; samples : complex[n]; receptions : one, or one a burst

    Raises ``ValueError`` for another ending.
    """
    if path.suffix != META:
        raise ValueError(f"output is {str(path)!r}; allowed: a file that ends in {META}")
    about = {
        "core:datatype": "cf32_le",
        "core:version": "1.2.0",
        "core:generator": "amrpkg",
        "core:extensions": [{"name": "signal", "version": "1.0.0", "optional": True}],
    }
    if sample_rate:
        about["core:sample_rate"] = sample_rate
    meta = {
        "global": about,
        "captures": [{"core:sample_start": 0}],
        "annotations": list(chain(*(annotate(r, sample_rate or 1.0) for r in receptions))),
    }
    with whole_file(path.with_suffix(DATA), binary=True) as file:
        file.write(np.asarray(samples, dtype="<c8").tobytes())
    with whole_file(path) as file:
        json.dump(meta, file, indent=1)
