"""From published measurements to the coefficients, and how well they predict what they have not seen.

``make data`` runs it and writes what it finds into ``data/``; the package reads that and carries none of this.
"""
