"""What a move of network plugin or mesh takes: a plan of steps, the drain of every node, what stands in its way.

A cluster's dump becomes a survey (``survey.py``, ``pods.py``, ``queries.py``); tables say which way leads from today to
the target and in which steps (``routes.py``); ``drain.py`` says how long the nodes take, ``capacity.py`` how many go at
a time, ``windows.py`` on which day; ``nodes.py`` joins these. A plan is made for a ``move.py``: its ``steps.py`` have
hours, ``limits.py`` and ``obstacles.py`` tell what stands in the way, ``disruption.py`` what does not work meanwhile,
``needs.py`` what it costs, ``worth.py`` what it saves. ``plan.py`` puts all that together.
"""

from meshlab.planning.migration.move import Move
from meshlab.planning.migration.plan import Plan, plan_move
from meshlab.planning.migration.routes import Place, parse_place
from meshlab.planning.migration.survey import Survey, survey_of

__all__ = ["Move", "Place", "Plan", "Survey", "parse_place", "plan_move", "survey_of"]
