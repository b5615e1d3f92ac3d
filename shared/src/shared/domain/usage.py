"""Token usage: the cost of a call to a model, and the unit of budgets."""

from msgspec import Struct


class Usage(Struct, frozen=True):
    """Tokens, as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def at_most(self, tokens: int) -> "Usage":
        """This usage, cut to `tokens` in all: nobody is charged more than was held."""
        prompt = min(self.prompt_tokens, max(0, tokens))
        return Usage(prompt, min(self.completion_tokens, max(0, tokens) - prompt))

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens
        )
