"""What a convention is: weights over the primitives of a ledger, and how its tool sees a program."""

from __future__ import annotations

from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LIVE, RECORDED, DEFINITION = "live", "recorded", "definition"
"""What holds a row: ``vggcost verify --against`` runs the tool; totals recorded from its release; it is a formula."""

MODULES, ONE_IMAGE = "modules", "modules of one image"
FUNCTIONS, BY_MODULE = "functions", "functions by module"
TRACED, DISPATCHED = "traced operators", "dispatched operators"
WAYS = {
    MODULES: "the calls of modules, by hooks on them; no functions",
    ONE_IMAGE: "the calls of modules that hold no others, by hooks, run on the first image alone; no functions",
    FUNCTIONS: "the calls of functions in whose place it puts its own, by modules of torch.nn, too; no operators",
    BY_MODULE: "the same, and it adds them up by the modules that they are called in",
    TRACED: "every operator that torch.jit records of a forward call",
    DISPATCHED: "every operator that reaches torch's dispatcher, of which composite ones are made",
}
"""The ways in which a tool sees a program."""

TEXTBOOK_NAME = "mac"
"""The name of the convention that holds where none is named."""


class Convention(Record):
    """How one tool, paper or table counts a network.

    `weights` count the primitives of the whole forward call, `image_weights` the same divided by the batch: a tool that
    shows its count per image has only the latter, and ptflops has both. `rules` maps a layer kind to the rule of
    `vggcost.conventions.special_rules` that takes the place of its weights. `unit` is MAC, FLOP, or mixed where
    multiply-accumulates are added to single operations; `called` is what the tool itself calls it. `proof` is what
    holds the row: LIVE, RECORDED or DEFINITION. `known` are further releases that count alike. `sees` are the ways of
    WAYS in which the tool sees a program, none where the convention is about what a layer is, however it is written;
    the handlers of a tool are in `vggcost.conventions.handlers`. A call in a module that k others hold is counted
    k**`shared` times.
    """

    name: str
    tool: str
    release: str | None
    unit: str
    called: str
    proof: str
    source: str
    weights: Mapping[str, int] = {}
    image_weights: Mapping[str, int] = {}
    rules: Mapping[str, str] = {}
    remark: str | None = None
    known: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    shared: int = 0

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases that are known to count so."""
        return (self.release, *self.known) if self.release else self.known

    @property
    def per(self) -> str:
        """What its total is for: one forward call (``batch``), one ``image``, or ``mixed``, parts of either."""
        if not self.image_weights:
            return "batch"
        return "mixed" if self.weights else "image"

    @property
    def is_textbook(self) -> bool:
        """Whether it is the textbook's count, for which every table has a column already."""
        return self.name == TEXTBOOK_NAME

    @property
    def title(self) -> str:
        """Tool and release: ``fvcore 0.1.5.post20221221``."""
        return f"{self.tool} {self.release}" if self.release else self.tool
