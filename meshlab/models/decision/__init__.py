"""Which CNI and which mesh fit a scenario: a contest of options, by tables that anyone can read, and proven."""
