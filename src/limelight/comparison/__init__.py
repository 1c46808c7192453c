"""Start simple, then add: what each step from the commonest class to series with metadata brings."""
