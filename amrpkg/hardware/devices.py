"""FPGAs for a design: small, medium and the largest parts of four families, one of two others."""

from typing import NamedTuple

from amrpkg.common.arguments import require_choice
from amrpkg.hardware.resources import Resources
from amrpkg.hardware.synthesis import Counts


class Device(NamedTuple):
    """What a part holds.

    family : a key of `synthesis.FAMILIES`
    lut, ff, dsp, bram : as `synthesis.Counts` counts them for the family
    source : where the numbers stand
    clock : MHz that a streaming design is constrained to: asked of the tools, not reached by any
    options : of nextpnr; none where no open tool places
    pins : for the ports, where nextpnr does not choose them
    """

    name: str
    family: str
    lut: int
    ff: int
    dsp: int
    bram: int
    source: str
    clock: float
    options: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()


_NEXTPNR = "nextpnr 0.11, its report of the part"
_DS180 = "AMD DS180 (7 Series Overview); LUT and FF are 4 and 8 a slice (UG474)"
_DS190 = "AMD DS190 (Zynq-7000 Overview)"
_DS891 = "AMD DS891 (Zynq UltraScale+ Overview)"
_DS890 = "AMD DS890 (UltraScale Overview)"


def _ecp5(size: str, *holds: int) -> Device:
    options = (f"--{size}", "--package", "CABGA381", "--speed", "8", "--lpf-allow-unconstrained")
    return Device(f"ecp5-{size}", "ecp5", *holds, _NEXTPNR, 250.0, options)


def _ice40(size: str, package: str, clock: float, *holds: int) -> Device:
    options = (f"--{size}", "--package", package, "--pcf-allow-unconstrained")
    return Device(f"ice40-{size}", "ice40", *holds, _NEXTPNR, clock, options)


DEVICES = {
    device.name: device
    for device in (
        _ice40("hx1k", "tq144", 150.0, 1_280, 1_280, 0, 16),
        _ice40("up5k", "sg48", 60.0, 5_280, 5_280, 8, 30),
        _ice40("hx8k", "ct256", 150.0, 7_680, 7_680, 0, 32),
        _ecp5("25k", 24_288, 24_288, 28, 56),
        _ecp5("45k", 43_848, 43_848, 72, 108),
        _ecp5("85k", 83_640, 83_640, 156, 208),
        Device(
            "gatemate-a1",
            "gatemate",
            40_960,
            40_960,
            0,
            64,
            _NEXTPNR,
            80.0,
            ("--device", "CCGM1A1", "--vopt", "allow-unconstrained"),
        ),
        Device(
            "gowin-gw1nr9",
            "gowin",
            8_640,
            6_480,
            20,
            26,
            _NEXTPNR,
            125.0,
            ("--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C"),
            ("52", *map(str, range(25, 43))),
        ),
        Device("xc7s6", "xc7", 3_750, 7_500, 10, 5, _DS180, 200.0),
        Device("xc7a35t", "xc7", 20_800, 41_600, 90, 50, _DS180, 200.0),
        Device("xc7z020", "xc7", 53_200, 106_400, 220, 140, _DS190, 200.0),
        Device("xc7vx690t", "xc7", 433_200, 866_400, 3_600, 1_470, _DS180, 200.0),
        Device("xc7v2000t", "xc7", 1_221_600, 2_443_200, 2_160, 1_292, _DS180, 200.0),
        Device("xczu3eg", "xcup", 70_560, 141_120, 360, 216, _DS891, 300.0),
        Device("xczu9eg", "xcup", 274_080, 548_160, 2_520, 912, _DS891, 300.0),
        Device("xcvu13p", "xcup", 1_728_000, 3_456_000, 12_288, 2_688, _DS890, 300.0),
        Device("xcvu19p", "xcup", 4_085_760, 8_171_520, 3_840, 2_160, _DS890, 300.0),
    )
}


def find_device(name: str) -> Device:
    """The row of `DEVICES` of that name. Raises ``ValueError`` for another."""
    require_choice("device", name, DEVICES)
    return DEVICES[name]


def shortage(counts: Counts | Resources, device: Device) -> str:
    """What the device lacks for a design, and by how much; empty if it fits.

    counts : synthesised for the device's family, or estimated
    """
    lacks = []
    for kind in ("lut", "ff", "dsp", "bram"):
        needed, held = getattr(counts, kind), getattr(device, kind)
        if needed > held:
            lacks.append(
                f"{kind.upper()} short by {needed - held:,g} ({needed:,g} needed, {held:,g} there)"
            )
    return "; ".join(lacks)


def fits(counts: Counts | Resources, device: Device) -> bool:
    """Whether the device holds what `shortage` is asked of."""
    return not shortage(counts, device)
