"""Only plain values leave the room."""

from __future__ import annotations


def check_plain(value: object, where: str = "the reply") -> None:
    """Raise TypeError unless ``value`` is made of str, int, float, bool, None, list, tuple and dict with str keys.

    Subclasses (NumPy's float64 is one of float) are refused: a probe must say that it converted what it got.
    """
    if value is None or type(value) in (str, int, float, bool):
        return
    if isinstance(value, list | tuple):
        for item in value:
            check_plain(item, where)
    elif isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(f"{where} has a key that is no text: {type(key).__name__}")
            check_plain(item, where)
    else:
        raise TypeError(f"{where} holds a value that is not plain: {type(value).__module__}.{type(value).__name__}")
