"""Grade a deep-learning homework: right, explained marks and a feedback page for every hand-in."""

__version__ = "0.1.0"

# For the environment, before NumPy is imported: several workers whose libraries each keep all cores spinning take
# eight times as long over small matrices, and sums in another order would make marks depend on the machine.
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")}
