"""The command line: parses, calls, prints. Everything heavy is imported by the verb that needs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from proctor import __version__
from proctor.errors import ProctorError

TRAIN_HELP = "train a model: a recipe by name, or a TOML file"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed, 2 the request itself is wrong."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        return options.run(options)
    except ProctorError as error:
        print(f"proctor {options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"proctor {options.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away; let the interpreter not complain about the same again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def build_parser() -> argparse.ArgumentParser:
    """The parser of every verb. `docs/cli.md` is generated from it."""
    parser = argparse.ArgumentParser(prog="proctor", description="Reinforcement learning from verifiable rewards for language models.")
    parser.add_argument("--version", action="version", version=f"proctor {__version__}")
    verbs = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_train(verbs)
    _add_eval(verbs)
    _add_sample(verbs)
    explain = verbs.add_parser(
        "explain", help="what an algorithm computes", description="Print what a preset computes: its equation, its constants and its nearest neighbours."
    )
    explain.add_argument("preset", metavar="PRESET", help="as `algorithm` takes it, such as grpo")
    explain.add_argument("other", metavar="OTHER", nargs="?", help="print only what this preset does otherwise")
    explain.set_defaults(run=_explain)
    _add_bench(verbs)
    recipes = verbs.add_parser("recipes", help="list the recipes and their scales", description="List the recipes and their scales.")
    recipes.set_defaults(run=_recipes)
    doctor = verbs.add_parser("doctor", help="what this machine can do", description="Say what this machine can do and what to install for the rest.")
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_train(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    train = verbs.add_parser("train", help=TRAIN_HELP, description=f"{TRAIN_HELP[0].upper()}{TRAIN_HELP[1:]}. `proctor recipes` lists the names.")
    train.add_argument("what", metavar="RECIPE|FILE.toml", help="a recipe, or a file with configuration keys (its key `recipe` names a recipe to start from)")
    train.add_argument("--out", metavar="DIR", help="run directory (default: runs/<recipe>-<time>)")
    train.add_argument("--scale", metavar="SCALE", help="size of the recipe: tiny, pocket, 135m or paper, where the recipe has it")
    train.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="assignments",
        help="set a configuration key, as in learning_rate=1e-5 or data.train=tasks.jsonl; may be repeated",
    )
    train.add_argument("--dry-run", action="store_true", help="print the resolved configuration and the memory plan, and stop")
    train.add_argument("--resume", action="store_true", help="continue the run in --out, or the newest of this recipe")
    train.set_defaults(run=_train)


def _add_eval(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    evaluate = verbs.add_parser(
        "eval",
        help="evaluate a model on tasks",
        description="Evaluate a model on tasks: mean reward with a bootstrap interval over tasks, pass@k, maj@k, and a paired comparison.",
    )
    evaluate.add_argument("model", metavar="MODEL|RUN", help="what `model` may be in a configuration, or a run directory (its final weights, data and rewards)")
    evaluate.add_argument("--against", metavar="MODEL", help="evaluate this model on the same tasks too, and give the paired difference")
    evaluate.add_argument("--data", metavar="SOURCE", help="tasks: a generator, a file, or a hub data set (default for a run: its held-out tasks)")
    evaluate.add_argument(
        "--reward", metavar="NAME", action="append", help="reward function, by name or import string (default: the run's, else number); may be repeated"
    )
    evaluate.add_argument("--num-tasks", type=int, default=200, metavar="N", help="evaluate the first N tasks (default: %(default)s)")
    evaluate.add_argument("--num-samples", type=int, default=1, metavar="N", help="completions a task (default: %(default)s)")
    evaluate.add_argument("--k", default="", metavar="K,K", help="report pass@k and maj@k for these k, each at most --num-samples")
    evaluate.add_argument("--temperature", type=float, metavar="T", help="0 is greedy (default: 0 for one sample, 1 for several)")
    evaluate.add_argument("--max-completion-tokens", type=int, metavar="N", help="(default: the run's, else 256)")
    evaluate.add_argument("--seed", type=int, default=0, metavar="N", help="of sampling and intervals (default: %(default)s)")
    evaluate.add_argument("--rollouts", metavar="FILE", help="write every completion with its scores to this Parquet file")
    evaluate.add_argument("--json", action="store_true", help="print the result as JSON")
    evaluate.set_defaults(run=_eval)


def _add_sample(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sample = verbs.add_parser("sample", help="let a model write", description="Let a model answer a prompt.")
    sample.add_argument("model", metavar="MODEL|RUN", help="what `model` may be in a configuration, or a run directory (its final weights)")
    sample.add_argument("--prompt", required=True, help="what to say to it; - reads standard input")
    sample.add_argument("--system", help="a system message before it")
    sample.add_argument("-n", "--num-samples", type=int, default=1, metavar="N", help="completions (default: %(default)s)")
    sample.add_argument("--temperature", type=float, default=1.0, metavar="T", help="0 is greedy (default: %(default)s)")
    sample.add_argument("--top-p", type=float, default=1.0, metavar="P", help="(default: %(default)s)")
    sample.add_argument("--top-k", type=int, default=0, metavar="K", help="0 keeps all tokens (default: %(default)s)")
    sample.add_argument("--min-p", type=float, default=0.0, metavar="P", help="(default: %(default)s)")
    sample.add_argument("--stop", action="append", default=[], metavar="TEXT", help="end a completion at this text; may be repeated")
    sample.add_argument("--max-completion-tokens", type=int, default=256, metavar="N", help="(default: %(default)s)")
    sample.add_argument("--seed", type=int, default=0, metavar="N", help="(default: %(default)s)")
    sample.add_argument("--json", action="store_true", help="one JSON object a completion: text, token_ids, logprobs, finish_reason")
    sample.set_defaults(run=_sample)


def _add_bench(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from proctor.cli import bench

    text = "Measure sampling, training, the whole step or start-up on a fixed number of tokens, and count the work exactly."
    parser = verbs.add_parser("bench", help="measure how fast this machine samples, trains and starts", description=text)
    bench.add_arguments(parser)
    parser.set_defaults(run=bench.run)


def _train(options: argparse.Namespace) -> int:
    from proctor.cli.train import run

    return run(options)


def _eval(options: argparse.Namespace) -> int:
    from proctor.cli.evaluate import run

    return run(options)


def _sample(options: argparse.Namespace) -> int:
    from proctor.cli.sample import run

    return run(options)


def _explain(options: argparse.Namespace) -> int:
    from proctor.cli.explain import run

    return run(options.preset, options.other)


def _recipes(options: argparse.Namespace) -> int:
    from proctor.cli.recipes import run

    return run()


def _doctor(options: argparse.Namespace) -> int:
    from proctor.cli.doctor import run

    return run(as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
