"""Homework 5, recurrent networks and attention: the solution, its data and what the grader asks of a notebook."""
