"""Untrusted code to an Execution: the kernel's process, its environment, the cells and the probes."""
