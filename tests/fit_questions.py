"""Random networks with random budgets; what `fit` answers, held against counting that knows nothing of its search."""

from __future__ import annotations

import random
from fractions import Fraction

from vggcost.costs.table import table
from vggcost.costs.training import IMPLEMENTATIONS, STATES, Training
from vggcost.errors import VggcostError
from vggcost.network.catalogue import unfolded
from vggcost.network.layers import Conv2d
from vggcost.network.plan import Configuration, ResidualToken, Variant
from vggcost.results.budgets import MOVED_BY, Budget
from vggcost.results.fit import Fit
from vggcost.results.memory import Memory
from vggcost.results.settings import Setting

AHEAD = 3
"""How many further values are looked at behind the one that is refused; by hand, FAR of them."""
FAR = 40


class Question:
    """A network, what is asked for, and budgets near what some value of it takes."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # networks, not secrets
        pick, choice = self.random.randint, self.random.choice
        self.solve = choice(("batch", "size", "width"))
        # A time is a forecast, which may fall: tests of its own hold it.
        words = [word for word, moved in MOVED_BY.items() if self.solve in moved and word != "time"]
        self.words = self.random.sample(words, pick(1, len(words)))
        adaptive = self.random.random() < 0.7
        variant = Variant(
            batch_norm=self.random.random() < 0.4,
            classes=pick(1, 30),
            in_channels=pick(1, 4),
            bias=self.random.random() < 0.7,
            adaptive_pool=adaptive,
            head=choice(((), (pick(1, 40),), (pick(1, 40), pick(1, 40)))),
            softmax=self.random.random() < 0.3,
        )
        self.plan = Configuration(f"random {seed}", self.tokens(), variant=variant)
        training = None
        if self.random.random() < 0.5:
            training = Training(
                choice(tuple(STATES)),
                choice(IMPLEMENTATIONS),
                choice((1, 1, 2, 5)),
                choice((frozenset(), frozenset(), frozenset({"conv1_1"}))),
                choice((True, False)),
            )
        dtypes = ("float64", "float32", "tf32", "float16", "bfloat16") + (() if training else ("float8", "int8"))
        image = (pick(33, 90), pick(33, 90))
        dtype = choice(dtypes)
        mixed = choice((None, "bfloat16", "float16")) if dtype == "float32" else None
        if training and dtype in ("float16", "bfloat16") and self.random.random() < 0.5:
            training = training.replace(implementation="fused", master_weights=True)
        in_place = self.random.random() < 0.7
        self.setting = Setting(self.plan, variant, image, pick(1, 9), dtype, training, in_place, mixed)
        self.budgets = self.near(self.somewhere())

    def tokens(self):
        pick, choice = self.random.randint, self.random.choice
        width = pick(1, 48)
        found: list = [width]
        pools = 0
        for _ in range(pick(0, 8)):
            word = choice(("conv", "conv", "conv", "M", "LRN", "residual"))
            if word == "conv":
                width = choice((pick(1, 48), 16, 32))
                found.append(choice((width, f"conv1-{width}", f"conv5-{width}/2")))
            elif word == "M" and pools < 3:
                pools += 1
                found.append("M")
            elif word == "LRN":
                found.append("LRN")
            elif word == "residual":
                other = pick(1, 48)
                shortcut = choice(("identity", other))
                width = width if shortcut == "identity" else other
                found.append(
                    ResidualToken((pick(1, 48), width), shortcut if shortcut == "identity" else f"conv1-{other}")
                )
        return tuple(found)

    def somewhere(self):
        """A value that may be asked for."""
        pick = self.random.randint
        if self.solve == "batch":
            return pick(1, choice_of(self.random, (3, 100, 10**6)))
        if self.solve == "size":
            return pick(33, choice_of(self.random, (60, 400, 5000)))
        return self.random.choice((0.125, 0.3, 0.77, 1, 1.5, 2, 7.25, 31))

    def near(self, value):
        """Budgets at what a value takes, a unit beside it, or within some percent of it."""
        found = []
        for word in self.words:
            amount = self.amount(value, word)
            by = self.random.choice((0, -1, 1, amount // 50, -amount // 50, -amount // 3, amount))
            limit = max(1, amount + by)
            found.append(Budget(word, limit, str(limit)))
        return tuple(found)

    def amount(self, value, word):
        """What a value takes, counted without anything of `fit`."""
        setting = self.setting
        variant, image, batch = setting.variant, setting.image, setting.batch
        if self.solve == "batch":
            batch = value
        elif self.solve == "size":
            image = (value, value)
        else:
            variant = variant.replace(width=value)
        counted = table(unfolded(self.plan, variant, image), (batch, variant.in_channels, *image))
        if word != "memory":
            return getattr(counted, word)
        return Memory(
            counted, setting.dtype, setting.training, in_place=setting.in_place, mixed=setting.mixed
        ).peak.bytes

    def holds(self, value):
        """Whether every budget is kept."""
        return all(self.amount(value, budget.word) <= budget.limit for budget in self.budgets)

    def channels(self, factor):
        """The widths of the convolutions at a factor, exact."""
        layers = unfolded(self.plan, self.setting.variant.replace(width=1), self.setting.image).layers
        widths = {conv.c_out for conv in every_conv(layers)}
        return [max(1, width * Fraction(str(factor)) // 1) for width in sorted(widths)]

    def next_width(self, factor):
        """The next factor at which a convolution gets another width, as a fraction."""
        layers = unfolded(self.plan, self.setting.variant.replace(width=1), self.setting.image).layers
        exact = Fraction(str(factor))
        return min(Fraction(max(1, conv.c_out * exact // 1) + 1, conv.c_out) for conv in every_conv(layers))


def choice_of(source, values):
    return source.choice(values)


def every_conv(layers):
    for layer in layers:
        if isinstance(layer, Conv2d):
            yield layer
        yield from every_conv((*getattr(layer, "body", ()), *getattr(layer, "shortcut", ())))


def faults(question: Question, ahead: int = AHEAD) -> list[str]:
    """What is wrong with the answer to a question; nothing, where it is right."""
    try:
        fit = Fit(question.setting, question.solve, question.budgets)
    except VggcostError as error:
        return [] if "the smallest" in str(error) and not question.holds(smallest(question)) else [str(error)]
    return wrong(question, fit.value, None if fit.next is None else fit.next.value, ahead)


def wrong(question: Question, value, beyond, ahead: int = AHEAD) -> list[str]:
    """What is wrong with a pair of values: the largest that fits, and the next."""
    found = []
    if not question.holds(value):
        found.append(f"{value} does not fit")
    if beyond is None:
        return [*found, "there is no next one"] if question.setting.variant.adaptive_pool else found
    if question.holds(beyond):
        found.append(f"{beyond} fits")
    if question.solve != "width":
        if beyond != value + 1:
            found.append(f"{beyond} is not the next")
        found += [f"{later} fits" for later in range(beyond + 1, beyond + 1 + ahead) if question.holds(later)]
    elif question.channels(beyond) != question.channels(question.next_width(value)):
        found.append(f"{beyond} is not the next")
    return found


def smallest(question: Question):
    """The smallest value that runs, found by trying."""
    if question.solve == "batch":
        return 1
    if question.solve == "width":
        return "0.00001"
    for side in range(1, 200):
        try:
            question.amount(side, "macs")
        except VggcostError:
            continue
        return side
    raise AssertionError("it runs on no image")


if __name__ == "__main__":
    import sys

    numbers = range(int(sys.argv[1]))
    answers = {seed: faults(Question(seed), FAR) for seed in numbers}
    print({seed: found for seed, found in answers.items() if found} or f"{len(numbers)} questions, no fault")
