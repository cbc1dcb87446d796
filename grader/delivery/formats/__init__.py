"""One file for each format that marks leave in: pure functions, from student views (or totals) to text.

What students can reach is made from a StudentView and from nothing else. Text of a hand-in is cut to what a
format takes and stripped of what its readers would act on.
"""
