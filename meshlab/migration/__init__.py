"""What a move of network plugin or mesh takes: a plan of steps, the drain of every node, what stands in its way.

A cluster's dump becomes a survey (``survey.py``, ``pods.py``, ``queries.py``); tables say which way leads from today to
the target and in which steps (``routes.py``); ``drain.py`` says how long the nodes take, ``capacity.py`` how many go at
a time, ``windows.py`` on which day, ``worth.py`` what it costs and saves; ``plan.py`` joins all that.
"""

from meshlab.migration.plan import Move, Plan, plan
from meshlab.migration.routes import Place, parse_place
from meshlab.migration.survey import Survey, read_survey, survey_of

__all__ = ["Move", "Place", "Plan", "Survey", "parse_place", "plan", "read_survey", "survey_of"]
