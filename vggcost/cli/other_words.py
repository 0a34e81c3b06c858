"""What other tools, papers and people call the things that vggcost takes; read only where a word is refused."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def _called(names: Mapping[str, str]) -> dict[str, str]:
    """Turn vggcost's word and a line of others' words into others' words and vggcost's."""
    return {other: own for own, others in names.items() for other in others.split()}


DTYPES = _called(
    {
        "float64": "double fp64 f64 float_64",
        "float32": "float single fp32 f32 full float_32",
        "tf32": "tensorfloat32 tensorfloat-32 tfloat32",
        "float16": "half fp16 f16 float_16 amp mixed",
        "bfloat16": "bf16 brain bfloat amp_bf16 mixed_bfloat16",
        "float8": "fp8 f8 float8_e4m3fn float8_e5m2",
        "int8": "i8 qint8 quint8 uint8 byte",
    }
)

FORMATS = _called(
    {
        "table": "txt text plain screen ascii tabulate",
        "markdown": "md gfm github pipe",
        "csv": "tsv xls xlsx excel spreadsheet",
        "json": "jsonl js dict",
        "latex": "tex booktabs",
        "latex-siunitx": "siunitx",
        "html": "htm page web",
        "typst": "typ",
    }
)

CONVENTIONS = _called(
    {"mac": "macs mult-adds madds fma textbook default", "torch": "pytorch flopcounter flopcountermode"}
)

_OF = {"dtype": DTYPES, "format": FORMATS, "convention": CONVENTIONS}


def own_word(what: str, word: str, known: Sequence[str]) -> str | None:
    """Return what vggcost calls a dtype, a format or a convention that is called by another word; None if unknown.

    >>> own_word("dtype", "Half", ("float32", "float16"))
    'float16'
    """
    words = _OF.get(what, {})
    plain = word.strip().lower().removeprefix("torch.")
    own = words.get(plain, plain if plain in words.values() else None)
    return own if own in known else None


COMMANDS = _called(
    {
        "table": "flops flop macs mac params param parameters parameter size summary summarize show print info"
        " count cost costs layers layer net network model complexity weights stats summarise",
        "compare": "diff versus vs side-by-side",
        "formula": "formulas equation equations symbolic closed-form polynomial sympy math",
        "memory": "mem ram vram activations footprint",
        "fit": "max-batch maxbatch batch-size largest budget",
        "audit": "inspect analyze analyse read load identify which torchinfo profile-model",
        "conventions": "tools counters convention tool counter fvcore ptflops thop calflops torchprofile torchscan",
        "explain": "why where search find lookup number what",
        "verify": "validate prove crosscheck cross-check",
        "configs": "list ls models networks names config configurations zoo",
        "lock": "freeze record snapshot pin baseline",
        "check": "ci guard",
        "plot": "draw figure fig chart graph picture image pic",
        "report": "export reports save write",
        "bench": "benchmark time timing latency speed profile measure run throughput fps",
        "predict": "estimate forecast eta",
        "sweep": "search-space grid explore nas",
        "fleet": "scaling distributed multi-gpu ddp cluster",
        "explorer": "web page html ui gui app serve",
    }
)
"""Every command by the words that people type for it."""

OPTIONS = {
    **_called(
        {
            "--size": "--image-size --img-size --img --imsize --imgsize --input-size --resolution --res --image --hw"
            " --height --crop --sizes --shape --input-shape --input-res",
            "--batch": "--batchsize --batch-size --batch_size --bs -b --n --images --batches",
            "--batch-norm": "--bn --batchnorm --batch_norm --norm --with-bn --use-bn",
            "--no-batch-norm": "--no-bn --no-batchnorm --without-bn",
            "--config": "--model --arch --network --net --name --configuration --cfg -m -a -n -c --variant --vgg"
            " --models",
            "--classes": "--num-classes --num_classes --nclasses --n-classes --nc --outputs --labels --num-class",
            "--in-channels": "--channels --in_channels --input-channels --chans --in-chans --num-channels",
            "--convention": "--tool --counter --count --as --mode --unit --units --backend",
            "--format": "--fmt -f --type --output-format --style --as-format",
            "--output": "--out --save --to --outfile --output-file --dest --path --write",
            "--dtype": "--precision --data-type --datatype --type --dt",
            "--human": "--human-readable -h --si --short --pretty",
            "--all": "--verbose -v -vv --every --full --all-layers --details --detailed",
            "--head": "--hidden --fc --classifier --fc-size --mlp",
            "--width": "--width-mult --width-multiplier --alpha --multiplier --scale",
            "--memory": "--vram --ram --mem --gpu-memory --limit",
            "--optimizer": "--optim --opt",
            "--training": "--train --backward --bwd",
            "--call": "--args --kwargs --init",
            "--like": "--reference --ref --against --expect --target",
            "--threads": "--num-threads --nthreads -t -j --jobs --workers",
            "--budget": "--seconds --duration --warmup --iters --iterations --steps --runs",
            "--channels-last": "--nhwc --channels_last",
            "--compile": "--torch-compile --compiled",
            "--device": "--gpu --cuda --dev --gpus -d",
            "--file": "--toml --network-file",
        }
    )
}
"""Options by the words that people type for them; one that a command lacks is not offered."""

SWITCHES = {
    "--fp16": ("--dtype", "float16"),
    "--half": ("--dtype", "float16"),
    "--bf16": ("--dtype", "bfloat16"),
    "--bfloat16": ("--dtype", "bfloat16"),
    "--float16": ("--dtype", "float16"),
    "--fp32": ("--dtype", "float32"),
    "--fp64": ("--dtype", "float64"),
    "--tf32": ("--dtype", "tf32"),
    "--int8": ("--dtype", "int8"),
    "--amp": ("--mixed", "float16"),
    "--cuda": ("--device", "cuda"),
    "--gpu": ("--device", "cuda"),
    "--cpu": ("--device", "cpu"),
    **{f"--{name}": ("--format", name) for name in ("json", "csv", "markdown", "latex", "html", "typst")},
    "--md": ("--format", "markdown"),
    "--tex": ("--format", "latex"),
    "--grayscale": ("--in-channels", "1"),
    "--gray": ("--in-channels", "1"),
    "--no-top": ("--head", "none"),
    "--cifar10": ("--classes", "10"),
    "--imagenet": ("--classes", "1000"),
}
"""Options without a value by the option and the value that say the same here."""

WITHOUT_USE = {
    **dict.fromkeys(
        ("--gpu", "--cuda", "--device", "--gpus", "--cpu", "--dev"),
        "counting needs no device; bench --device times one",
    ),
    **dict.fromkeys(
        ("--pretrained", "--weights", "--checkpoint-path", "--no-pretrained", "--ckpt"),
        "weights change no count; a stored model is a target itself: audit model.pt",
    ),
    **dict.fromkeys(
        ("--flops", "--macs", "--params", "--parameters", "--flop", "--mac", "--param", "--total", "--totals"),
        "the table has parameters, MACs and FLOPs at once",
    ),
    **dict.fromkeys(("--quiet", "-q", "--silent", "--no-progress"), "in a pipe nothing but the result is printed"),
    **dict.fromkeys(("--verbose", "-v", "-vv", "--debug"), "there is no more to say than the table has"),
    **dict.fromkeys(("--color", "--no-color", "--colour"), "there is no colour"),
    **dict.fromkeys(("--seed", "--yes", "-y", "--force"), "nothing here depends on it"),
}
"""Options that no option here stands for, each with why; offered only where the command lacks what could."""

FOREIGN = (
    *("alexnet", "convnext", "densenet", "efficientnet", "googlenet", "inception", "lenet", "mnasnet", "mobilenet"),
    *("nasnet", "regnet", "resnet", "resnext", "seresnet", "shufflenet", "squeezenet", "swin", "unet", "vit"),
    *("wide-resnet", "xception", "yolo", "bert", "gpt", "llama", "clip"),
)
"""How the names of networks begin that are no VGG."""


def foreign(name: str) -> bool:
    """Whether a name is one of a well-known network that is no VGG.

    >>> foreign("ResNet_18"), foreign("vgg17")
    (True, False)
    """
    return name.strip().lower().replace("_", "-").startswith(FOREIGN)
