"""What builds rooms and forks kernels into them: a process of its own that holds nothing worth stealing.

It runs in the file tree that the rooms show (see ``grader/sandbox/walls.py``), so the grader, the reference and other
hand-ins are out of its reach as well. Nothing in this folder may import the grader: it is known here as ``keeper``.

One keeper forks a minder for each room (``minder.py``) and, where kernels are warm, a zygote that has imported what
notebooks need (``zygote.py``). Messages are JSON over SOCK_SEQPACKET sockets, with descriptors beside them.
"""
