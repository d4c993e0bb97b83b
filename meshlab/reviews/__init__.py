"""One team's review: what it states, what its cluster shows, and every model's answer, joined as plain data."""
