"""What data is like before anything is trained on it, and what looks wrong with it."""
