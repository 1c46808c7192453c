"""Early answers: when the steps so far are enough, at what risk, and what it saves."""
