"""A server that answers requests with fitted or exported models."""
