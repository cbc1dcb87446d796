"""What runs in a child process: files that nobody trusts to text, by the standard library, pandoc and pdfium.

``python -m grader.documents.extraction JOB NAME`` reads a file from its standard input and writes one JSON object to
its standard output; ``grader/documents/child.py`` is the side that asks. Nothing here is imported by the grader's own
process.
"""
