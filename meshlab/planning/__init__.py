"""What a decision leads to: the move to it, and what infrastructure as code can express of it."""
