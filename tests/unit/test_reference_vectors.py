import numpy
import pytest
import torch
from torchtext.vocab import GloVe

from reference.hw5.corpus import UNSEEN_THINGS, build_course_comments, tokenize
from reference.hw5.vectors import VECTORS_FILE, build_vectors, parse_words, render_vectors, write_vectors_file


@pytest.fixture(scope="module")
def glove(tmp_path_factory):
    """torchtext's own class with the file where it looks for it; an address is asked only if the file is missing."""
    cache = tmp_path_factory.mktemp("cache")
    write_vectors_file(cache / "glove.6B.100d.txt")
    return GloVe(name="6B", dim=100, cache=str(cache))


def find_nearest(glove, vector, left_out=()):
    order = torch.argsort(torch.norm(glove.vectors - vector, dim=1)).tolist()
    return [glove.itos[index] for index in order if glove.itos[index] not in left_out]


def test_shipped_file_is_what_the_generator_writes():
    assert render_vectors().encode() == VECTORS_FILE.read_bytes()


def test_torchtext_reads_the_file(glove):
    assert glove.dim == 100
    assert len(glove.itos) == len(set(glove.itos)) == len(build_vectors()) > 500
    numpy.testing.assert_allclose(glove["king"].numpy(), build_vectors()["king"], rtol=1e-6)


def test_every_word_of_the_corpus_has_a_vector(glove):
    words = {word for comment in build_course_comments() for word in tokenize(comment.text)} | set(UNSEEN_THINGS)
    assert words <= set(glove.stoi)


@pytest.mark.parametrize(
    ("w1", "w11", "w2", "expected"),
    [
        ("man", "king", "woman", "queen"),
        ("king", "queen", "man", "woman"),
        ("france", "paris", "italy", "rome"),
        ("walk", "walked", "talk", "talked"),
        ("big", "bigger", "cold", "colder"),
        ("dog", "dogs", "tree", "trees"),
    ],
)
def test_analogies(glove, w1, w11, w2, expected):
    target = glove[w11] - glove[w1] + glove[w2]
    assert find_nearest(glove, target, left_out=(w1, w11, w2))[0] == expected
    cosine = torch.cosine_similarity(glove.vectors, target.unsqueeze(0))
    best = [glove.itos[index] for index in cosine.argsort(descending=True).tolist()]
    assert next(word for word in best if word not in (w1, w11, w2)) == expected


@pytest.mark.parametrize(
    ("word", "theme"),
    [("fool", {"idiot", "clown", "liar", "troll", "lazy", "useless", "mean", "silly", "rude", "pest", "bully", "boring",
               "dumb", "nasty", "stupid"}),
     ("monday", {"tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}),
     ("king", {"queen", "prince", "duke", "emperor", "princess", "duchess", "empress"})],
)  # fmt: skip
def test_neighbours_are_related(glove, word, theme):
    assert set(find_nearest(glove, glove[word])[1:5]) <= theme


def test_a_line_of_another_form_is_refused():
    with pytest.raises(ValueError, match="neither a theme nor pairs: 'dogs and cats'"):
        parse_words("theme pets: dog cat\ndogs and cats\n")
