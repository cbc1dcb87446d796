"""Stand-ins, one file each with ``install(facts)``: what a student's machine had and ours lacks.

The rubric lists the ones in use (``notebook.stand_ins``). ``shell`` has no file here: it is commands
which the grader lays into the room before the kernel starts.
"""
