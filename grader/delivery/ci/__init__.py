"""A course's continuous integration: the files that set it up, and what runs there.

Data flows one way: the course, what of it students may have (bundle), the files of one target (targets), and in CI
the run of one hand-in against that bundle (run) into what each platform takes (platforms).
"""
