"""What runs inside the notebook's process. It is copied there as files; the grader's own process never imports it.

Nothing in this folder may import the grader: the kernel knows it as the package ``room``.
"""
