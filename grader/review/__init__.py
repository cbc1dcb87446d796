"""``grade review`` in the browser: a local web application for those who decide what the grader cannot."""
