"""Commands, and the options that they share."""
