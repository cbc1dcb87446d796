"""Stand-ins, one file each with ``install(facts)``: what a student's machine had and ours lacks.

The rubric lists the ones in use (``notebook.stand_ins``). ``shell`` and ``glove`` have no file here: they are commands
and files which the grader lays into the room before the kernel starts.
"""
