"""What a move of network or mesh takes: a plan of steps, the drain of every node, what stands in its way, its price.

A cluster's dump becomes a survey (``survey.py``). ``routes.py`` says from what to what is moved, in which cluster, and
which way leads there in which steps, from tables. ``drain.py`` says how long nodes take, how many go at a time and on
which day. ``price.py`` has the one function that all figures of a move come from: hours, restarts, time without
policies, money. ``plan.py`` adds what stands in the way and what the move brings; ``text.py`` says it. What it assumes
is in ``assumptions.py``.
"""

from meshlab.planning.migration.plan import Plan, plan_move
from meshlab.planning.migration.price import move_amounts, move_price, move_prices
from meshlab.planning.migration.routes import Move, Place, Setting, parse_place
from meshlab.planning.migration.survey import Survey, survey_of

__all__ = [
    "Move",
    "Place",
    "Plan",
    "Setting",
    "Survey",
    "move_amounts",
    "move_price",
    "move_prices",
    "parse_place",
    "plan_move",
    "survey_of",
]
