"""What a cluster is, read from dumps and measurements: its facts, and what an audit finds in it."""
