"""Measurements of the lab beside AWS's own emulator: `make bench`."""
