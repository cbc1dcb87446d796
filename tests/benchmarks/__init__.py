"""Timings, measured side by side in one run: `python -m tests.benchmarks.NAME [--json FILE]`. No part of the tests."""
