"""Token usage: the cost of a call to a model, and the unit of budgets."""

from msgspec import Struct, field


class Usage(Struct, frozen=True, omit_defaults=True):
    """Tokens, as the provider counted them. Encoded, the first two are always there and the others only if they are not 0."""

    prompt_tokens: int = field(default_factory=int)
    completion_tokens: int = field(default_factory=int)
    cached_tokens: int = 0
    """How many of the prompt tokens the server read from its prompt cache, which costs less."""
    reasoning_tokens: int = 0
    """How many of the completion tokens the model spent on thinking, which nobody sees."""
    reused: int = 0
    """How many calls were not made, because the user had bought the same before. They cost no tokens."""

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def at_most(self, tokens: int) -> "Usage":
        """This usage, cut to `tokens` in all, with the shares that its counts have: nobody is charged more than was held."""
        tokens = max(0, tokens)
        if self.total <= tokens:
            return self
        prompt, cached, reasoning = (
            count * tokens // self.total
            for count in (self.prompt_tokens, self.cached_tokens, self.reasoning_tokens)
        )
        return consistent_usage(prompt, tokens - prompt, cached, reasoning, self.reused)

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.reused + other.reused,
        )


def consistent_usage(prompt: int, completion: int, cached: int, reasoning: int, reused: int = 0) -> Usage:
    """A usage whose parts are not larger than the whole. In stores they may be: a release from before the parts changes
    only the first two counts."""
    return Usage(prompt, completion, min(cached, prompt), min(reasoning, completion), reused)
