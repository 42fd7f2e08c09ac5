"""Automatic modulation recognition with quantised and pruned CNNs for FPGAs.

A package and its book: each module holds one step of the road from nine
constellations to an FPGA resource estimate, and the chapters call them in order.
"""

__version__ = "0.1.0"
