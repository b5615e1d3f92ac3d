"""The chat service answers questions, grounded on the text of a collection if the question names one."""
