"""``vggcost fleet``: training on many GPUs, each with a copy of the network."""

from __future__ import annotations

from vggcost import units
from vggcost.cli import EXIT_FINE
from vggcost.cli.memory import add_optimizer
from vggcost.cli.options import (
    Parser,
    Read,
    add_input,
    add_network,
    add_output,
    read_batches,
    read_count,
)
from vggcost.cli.output import emit
from vggcost.cli.request import output_from, request
from vggcost.errors import VggcostError
from vggcost.fleet import words
from vggcost.fleet.plan import PAPER_BATCH, PAPER_EPOCHS, PAPER_IMAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from vggcost.costs.table import Table
    from vggcost.fleet.gradients import StepWork
    from vggcost.fleet.model import Cluster
    from vggcost.fleet.plan import Wanted
    from vggcost.results.gpu_speed import Speed

GPUS = (1, 8, 64, 512)
LOCAL_LINK = "16GB/s"
SPEEDS = ("measured", "result", "device")
"""What says how fast one GPU is, one of which must be given."""


def parser() -> Parser:
    """The command's options."""
    result = Parser(
        "fleet",
        "Training on many GPUs with a copy of the network on each: what the gradients cost on their way round\n"
        "a ring while the backward pass runs, what binds, how long an epoch takes. docs/fleet.md has the model\n"
        "and its errors.",
        "vggcost fleet D --batch 64 --gpus 8,64 --link 25Gbit/s --per-node 4 --measured 1=130.9img/s",
    )
    add_network(result, programs=False)
    add_input(result)
    _add_fleet(result)
    _add_speed(result)
    _add_run(result)
    group = result.add_argument_group("the model")
    group.add_argument(
        "--evaluate", action="store_true", help="hold it against published runs, each laboratory left out in its turn"
    )
    add_output(result, human=False)
    return result


def _add_fleet(result: Parser) -> None:
    group = result.add_argument_group("the fleet")
    group.add_argument("--gpus", action=Read, read=read_batches, metavar="N,N", help="numbers of GPUs (1,8,64,512)")
    group.add_argument(
        "--link",
        action=Read,
        read=words.read_link,
        metavar="SPEED",
        help="what joins machines, one way: 25Gbit/s, 3GB/s, 100Gbps:rdma (:tcp where nobody says)",
    )
    group.add_argument("--per-node", action=Read, read=read_count, metavar="N", help="GPUs in a machine (1)")
    group.add_argument(
        "--local-link",
        action=Read,
        read=words.read_link,
        metavar="SPEED",
        help=f"what joins the GPUs in a machine, one way ({LOCAL_LINK}, PCIe 3.0 x16)",
    )


def _add_speed(result: Parser) -> None:
    group = result.add_argument_group("how fast one GPU is")
    group.add_argument(
        "--measured",
        action="append",
        metavar="N=RATE",
        help="1=130.9img/s: the total of N GPUs at --batch a GPU; may be repeated, and the others calibrate the link",
    )
    group.add_argument("--from", dest="result", metavar="RESULT", help="what vggcost bench --format json wrote")
    group.add_argument("--device", metavar="NAME", help="a forecast for it (vggcost predict --devices lists them)")


def _add_run(result: Parser) -> None:
    group = result.add_argument_group("the run")
    add_optimizer(group, "for the memory: ")
    group.add_argument(
        "--total-batch",
        action=Read,
        read=read_count,
        metavar="N",
        help=f"strong scaling: images of a step of all GPUs ({PAPER_BATCH}, the paper's)",
    )
    group.add_argument(
        "--images", action=Read, read=read_count, metavar="N", help=f"images of an epoch ({PAPER_IMAGES}, ImageNet's)"
    )
    group.add_argument(
        "--epochs", action=Read, read=read_count, metavar="N", help=f"epochs of a run ({PAPER_EPOCHS}, the paper's)"
    )
    group.add_argument("--price", action=Read, read=words.read_price, metavar="N", help="of a GPU for an hour: 3.06")


def run(args: Namespace) -> int:
    """Print or write the plan, or what the model is worth."""
    if args.evaluate:
        _evaluate(args)
        return EXIT_FINE
    from vggcost.costs.table import table
    from vggcost.costs.training import Training, check_dtype
    from vggcost.fleet import plan
    from vggcost.fleet.gradients import work_of
    from vggcost.report.fleet import document

    _check_speed(args)
    asked = request(args)
    check_dtype(asked.dtype)
    (network,) = asked.networks
    batch, cluster, wanted = asked.batch, _cluster(args), _wanted(args)
    cluster.between(max(wanted.gpus))
    counted = table(network, (batch, network.variant.in_channels, *network.image))
    element_bytes, optimizer = units.dtype_bytes(asked.dtype), args.optimizer or "sgd"
    work = work_of(counted, element_bytes, Training(optimizer))
    speed = _speed(args, counted, asked.dtype, work, cluster)
    known = speed.calibrated
    weak = plan.scales(work, batch, cluster, known, wanted)
    fleet = plan.Fleet(
        network=network.identity(),
        input=counted.input,
        dtype=asked.dtype,
        optimizer=optimizer,
        work=work,
        cluster=cluster,
        calibrated=known,
        source=speed.source,
        notes=speed.notes,
        wanted=wanted,
        weak=weak,
        strong=tuple(plan.strong_scales(work, batch, cluster, known, wanted)),
        split=tuple(plan.splits(work, batch, element_bytes, cluster, known, weak)),
    )
    asked.write(document(fleet))
    return EXIT_FINE


def _evaluate(args: Namespace) -> None:
    _check_alone(args)
    from vggcost.fleet.evaluation import evaluated
    from vggcost.fleet.published import runs
    from vggcost.report.fleet_evaluation import document
    from vggcost.report.formats import rendered

    fmt, place = output_from(args)
    emit(rendered(document(evaluated(runs())), fmt), place)


def _cluster(args: Namespace) -> Cluster:
    from vggcost.fleet.model import Cluster

    local = args.local_link or words.read_link(LOCAL_LINK, "--local-link")
    return Cluster(args.link, local.as_local(), args.per_node or 1)


def _wanted(args: Namespace) -> Wanted:
    from vggcost.fleet.plan import Wanted

    return Wanted(
        tuple(sorted(args.gpus or GPUS)),
        args.total_batch or PAPER_BATCH,
        args.images or PAPER_IMAGES,
        args.epochs or PAPER_EPOCHS,
        args.price,
    )


def _check_alone(args: Namespace) -> None:
    """Refuse what an evaluation has no use for.

    Raises:
        VggcostError: there is such an option.
    """
    outside = ("evaluate", "format", "output", "words", "more_formats", "isolate", "time_limit")
    given = [name for name, value in vars(args).items() if value not in (None, False) and name not in outside]
    if given:
        word = {"names": "a network", "result": "--from"}.get(given[0], f"--{given[0].replace('_', '-')}")
        raise VggcostError(f"--evaluate is of published runs, and {word} is given beside it; leave one of them away")


def _check_speed(args: Namespace) -> None:
    """Refuse a line that says in no way, or in two, how fast one GPU is.

    Raises:
        VggcostError: it does.
    """
    given = [f"--{'from' if name == 'result' else name}" for name in SPEEDS if getattr(args, name) is not None]
    if not given:
        raise VggcostError(
            "nothing says how fast one GPU is; give --measured 1=130.9img/s, --from RESULT.json or --device NAME"
        )
    if len(given) > 1:
        raise VggcostError(f"{' and '.join(given)} both say how fast one GPU is; give one of them")


def _speed(args: Namespace, counted: Table, dtype: str, work: StepWork, cluster: Cluster) -> Speed:
    from vggcost.results import gpu_speed

    if args.result is not None:
        return gpu_speed.of_result(args.result, counted, dtype, work)
    if args.device is not None:
        return gpu_speed.of_device(args.device, counted, dtype)
    from vggcost.fleet.calibration import calibrated
    from vggcost.fleet.gradients import fused

    measured = [words.read_measured(text, "--measured") for text in args.measured]
    found = calibrated(measured, counted.input[0], fused(work.gradients), cluster)
    return gpu_speed.Speed(found, f"--measured {', '.join(args.measured)}")
