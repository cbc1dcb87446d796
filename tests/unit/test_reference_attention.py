import numpy

from reference.hw5.attention import KEYS, QUERY, VALUES, attend_argmax, attend_softmax, compute_scores
from reference.hw5.choices import KEYS as CHOICES


def test_scores_and_output_of_the_sheet():
    assert compute_scores(KEYS, QUERY).tolist() == [-2, 3, 0, 6]
    assert attend_argmax(KEYS, VALUES, QUERY).tolist() == [6, 1, 2]


def test_softmax_comes_near_the_same_output_but_is_not_it():
    output = attend_softmax(KEYS, VALUES, QUERY)
    assert output.round(3).tolist() == [6, 0.905, 1.994]
    assert output.round().tolist() == [6, 1, 2]  # so whoever rounds first cannot tell the two apart


def test_softmax_of_great_scores_does_not_overflow():
    numpy.testing.assert_allclose(attend_softmax(KEYS, VALUES, 1000 * QUERY), [6, 1, 2])


def test_argmax_does_not_change_when_keys_move_a_little():
    moved = KEYS + 0.1 * numpy.array([[1.0, -1, 1]])
    assert attend_argmax(moved, VALUES, QUERY).tolist() == [6, 1, 2]
    assert attend_softmax(moved + numpy.eye(4, 3), VALUES, QUERY)[1] != attend_softmax(KEYS, VALUES, QUERY)[1]


def test_choice_keys():
    assert CHOICES == {"q1a": {2, 3}, "q1b": {3}, "q1c": {3}}
