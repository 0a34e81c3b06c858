"""The time of a network as one whole number, for who searches what fits: the likely time of a forecast."""

from __future__ import annotations

from math import ceil

from vggcost.formulas.latency import sustained_rate
from vggcost.predict import datasheet
from vggcost.predict.subject import of_table
from vggcost.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vggcost.costs.table import Table
    from vggcost.predict.classes import Choice
    from vggcost.predict.devices import FoundDevice
    from vggcost.predict.parameters import Parameters
    from vggcost.predict.prediction import Prediction

LEVEL = 80
NS_OF_MS = 1e6


class Timer(Record):
    """A device, how the network runs there, and the parameters of the forecast."""

    found: FoundDevice
    choice: Choice
    parameters: Parameters

    def forecast(self, counted: Table) -> Prediction:
        """Return the forecast.

        Raises:
            VggcostError: there is none for the device or the dtype.
        """
        return datasheet.predicted(of_table(counted), self.found, self.choice, self.parameters, LEVEL)

    def ns(self, counted: Table) -> int:
        """Return the likely time [ns], rounded up."""
        return ceil(sustained_rate(self.forecast(counted).likely_ms, NS_OF_MS, 1))

    def least_ns(self, counted: Table) -> int:
        """Return a time [ns] that the likely one is never below, and that never falls when a network grows.

        The likely one falls a little where one more image begins another block, and fewer processors wait in a wave.
        """
        parameters = self.parameters.replace(values={**self.parameters.values, "idle": 0})
        return int(sustained_rate(self.replace(parameters=parameters).forecast(counted).likely_ms, NS_OF_MS, 1))
