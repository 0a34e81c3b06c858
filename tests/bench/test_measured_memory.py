"""High-water marks on a device whose allocator is simulated: what was there before is not the forward's."""

from __future__ import annotations

from types import SimpleNamespace

from vggcost.bench.measured_memory import MemoryPeaks, allocator_peaks, held_bytes


class SimulatedAllocator:
    """What torch.cuda says of its caching allocator."""

    def __init__(self, allocated):
        self.allocated = self.peak = allocated
        self.waits = 0

    def synchronize(self):
        self.waits += 1

    def memory_allocated(self):
        return self.allocated

    def max_memory_allocated(self):
        return self.peak

    def reset_peak_memory_stats(self):
        self.peak = self.allocated

    def change(self, amount):
        self.allocated += amount
        self.peak = max(self.peak, self.allocated)

    def layer(self, output, workspace=0, freed=0):
        def run(x):
            self.change(output + workspace)
            self.change(-workspace - freed)
            return x

        return run


def tensor(address, size):
    return SimpleNamespace(untyped_storage=lambda: SimpleNamespace(data_ptr=lambda: address, nbytes=lambda: size))


def test_a_storage_that_two_tensors_share_is_held_once():
    assert held_bytes([tensor(1, 100), tensor(2, 30), tensor(1, 100)]) == 130


def test_each_layer_has_the_mark_of_its_own_time_and_the_whole_the_highest():
    room = SimulatedAllocator(5_000)  # a flush buffer and a graph's pool, which are not the forward's
    room.change(10**6)
    room.change(-(10**6))  # a higher mark of an earlier time
    layers = (room.layer(400), room.layer(100, workspace=900, freed=400), room.layer(50, freed=100))

    def whole(x):
        for layer in layers:
            layer(x)
        room.change(-50)

    found = allocator_peaks(room, 2_000, whole, layers, None)
    assert found == MemoryPeaks(2_000 + 400 + 100 + 900, (2_400, 3_400, 2_150))


def test_gradients_of_the_step_before_are_cleared_first_and_a_whole_has_no_layers():
    room = SimulatedAllocator(0)
    room.change(700)
    found = allocator_peaks(room, 10, lambda x: room.change(90), None, None, reset=lambda: room.change(-700))
    assert found == MemoryPeaks(100, None)
    assert room.waits == 1
