"""The offline generator: makes study material from French and English sources by rules, with pure functions."""
