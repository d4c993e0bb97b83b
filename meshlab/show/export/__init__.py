"""Charts for design documents: every chart by name, as a picture, a piece of HTML, data or a table.

In a notebook: ``meshlab.figure``.
"""
