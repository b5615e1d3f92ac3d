"""Study material by rules: what the offline provider is made of. Pure functions of the source; French and English."""
