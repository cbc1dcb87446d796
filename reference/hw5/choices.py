"""The right options of question 1, numbered as on the sheet; several options may be right."""

# Sentiment and gender from speech read a whole sequence and give one label; speech recognition gives a text back.
MANY_TO_ONE = frozenset({2, 3})
# The mood of day t can depend on the weather up to day t, and on no weather that has yet to come.
DOGS_MOOD = frozenset({3})
# P(y_t given y_1..y_{t-1}): the next word from the words before it.
LANGUAGE_MODEL = frozenset({3})

KEYS = {"q1a": MANY_TO_ONE, "q1b": DOGS_MOOD, "q1c": LANGUAGE_MODEL}
