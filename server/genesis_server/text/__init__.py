"""Words and how near two texts are: tokens, stems and a lexical index.

A room of its own below planning, routing and validation, because all three match texts and none may know the others.
"""
