"""What tokens cost: the operator's prices, else those of genai-prices for the endpoint's own address.

genai-prices ships its price list with the package; nothing is fetched. A model behind an address it does not know has no price, whatever
the model is called: the same model costs nothing on one's own machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.money import Money

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of one model at one endpoint, in USD per million tokens."""

    url: str
    model: str
    input_price: float | None = None
    """None: the published one."""
    output_price: float | None = None

    def cost(self, input_tokens: int, output_tokens: int) -> Money | None:
        """What so many tokens cost; None when no price is known."""
        if self.input_price is not None and self.output_price is not None:
            return Money.of((input_tokens * self.input_price + output_tokens * self.output_price) / TOKENS_PER_PRICE)
        # The optional extra, which takes a while to import.
        from genai_prices import Usage, calc_price  # noqa: PLC0415

        try:
            found = calc_price(Usage(input_tokens=input_tokens, output_tokens=output_tokens), self.model, provider_api_url=self.url)
        except LookupError:
            return None
        return Money.of(float(found.total_price))
