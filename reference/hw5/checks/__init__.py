"""How question 4 is judged: the probes to ask of a notebook, and a function per criterion that judges the replies.

Every function takes the rubric's question, the notebook's Execution and the seed that the probes were made from, and
returns a Judgement. Expected values are worked out here, with NumPy, from the inputs that were sent.
"""

from reference.hw5.checks.data import data
from reference.hw5.checks.glove import glove
from reference.hw5.checks.networks import deep, network
from reference.hw5.checks.quality import quality
from reference.hw5.checks.requests import list_requests
from reference.hw5.checks.signs import signs
from reference.hw5.checks.training import evaluate, train

__all__ = ["data", "deep", "evaluate", "glove", "list_requests", "network", "quality", "signs", "train"]
