"""Ways to run all of it: batches of reports, sweeps, documents that embed charts, the lab, and the command line."""
