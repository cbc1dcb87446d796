"""Marks on their way out: to students by mail, to learning platforms as files, to CI as what its formats take.

Data flows one way: the store of a graded class, what of it may leave now (ready), and one file for each format.
"""

from grader.delivery.ready import Delivery, Held, Ready, open_delivery, show_held

__all__ = ["Delivery", "Held", "Ready", "open_delivery", "show_held"]
