"""Rules and types of the domain: pure code without `await`, clock or network."""
