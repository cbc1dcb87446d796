"""Mathematics that a student wrote: LaTeX, Unicode or NumPy text to a tree, the tree to values in model worlds.

The way through: ``extract`` (passage to statements), ``normalise`` (Unicode to LaTeX), ``lexer`` and ``grammar.lark``
(to a syntax tree), ``meaning`` (to an expression, by the question's symbol table), ``evaluate`` (to arrays in a world),
``compare`` (to what it equals), ``render`` (back to LaTeX). No student text is ever executed.
"""
