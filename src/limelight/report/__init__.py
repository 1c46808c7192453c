"""The page that a run leaves behind: facts are collected first and rendered second."""
