"""The chat service: answers a learner's questions, from a collection's own text when given one."""
