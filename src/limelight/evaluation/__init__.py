"""How good the answers are, and whether the attention went to the right place."""
