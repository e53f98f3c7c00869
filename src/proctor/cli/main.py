"""The command line: parses, calls, prints. Everything heavy is imported by the verb that needs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from proctor import __version__
from proctor.core.allocator import keep_freed_memory
from proctor.errors import ProctorError

TRAIN_HELP = "train a model: a recipe by name, or a TOML file"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed, 2 the request itself is wrong."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    if arguments is None:  # the process is this command's alone
        keep_freed_memory()
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
    _add_verify(verbs)
    _add_audit(verbs)
    _add_curate(verbs)
    explain = verbs.add_parser(
        "explain", help="what an algorithm computes", description="Print what a preset computes: its equation, its constants and its nearest neighbours."
    )
    explain.add_argument("preset", metavar="PRESET", help="as `algorithm` takes it, such as grpo")
    explain.add_argument("other", metavar="OTHER", nargs="?", help="print only what this preset does otherwise")
    explain.set_defaults(run=_explain)
    _add_view(verbs)
    _add_report(verbs)
    _add_bench(verbs)
    recipes = verbs.add_parser("recipes", help="list the recipes, or describe one", description="List the recipes and their scales, or print the card of one.")
    recipes.add_argument("name", metavar="RECIPE", nargs="?", help="print its card: the paper, published constants, stages")
    recipes.add_argument("--scale", metavar="SCALE", help="as `proctor train` takes it")
    recipes.set_defaults(run=_recipes)
    lab = verbs.add_parser("lab", help="try published claims at small scale", description="Run an experiment of the lab, or list them.")
    lab.add_argument("name", metavar="NAME", nargs="?", help="of an experiment; none lists them")
    lab.add_argument("--all", action="store_true", help="run every experiment; what is finished is read, what was interrupted goes on")
    lab.add_argument("--seeds", metavar="N,N", help="instead of the experiment's own, 2 to 10")
    lab.add_argument("--jobs", metavar="N", type=int, default=1, help="seeds at a time, each in a process with its share of the cores (default: 1)")
    lab.add_argument("--root", metavar="DIR", default="runs/lab", help="where arms are kept (default: runs/lab)")
    lab.add_argument("--docs", metavar="DIR", default="runs/lab/gallery", help="where figures, numbers and lab.md go (default: runs/lab/gallery)")
    lab.set_defaults(run=_lab)
    doctor = verbs.add_parser("doctor", help="what this machine can do", description="Say what this machine can do and what to install for the rest.")
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_train(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    train = verbs.add_parser("train", help=TRAIN_HELP, description=f"{TRAIN_HELP[0].upper()}{TRAIN_HELP[1:]}. `proctor recipes` lists the names.")
    train.add_argument("what", metavar="RECIPE|FILE.toml", help="a recipe, or a file with configuration keys (its key `recipe` names a recipe to start from)")
    train.add_argument("--out", metavar="DIR", help="run directory (default: runs/<recipe>-<time>)")
    train.add_argument("--scale", metavar="SCALE", help="size of the recipe: tiny, pocket, 135m or paper, where the recipe has it")
    _add_assignments(train)
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
    evaluate.add_argument("--k", default="", metavar="K,K", help="report avg@N of all samples, and pass@k and maj@k for these k, each at most --num-samples")
    evaluate.add_argument("--reward-model", metavar="RUN", help="report best@k too: the accuracy of the completion among k that this reward model likes best")
    evaluate.add_argument("--temperature", type=float, metavar="T", help="0 is greedy (default: 0 for one sample, 1 for several)")
    evaluate.add_argument("--max-completion-tokens", type=int, metavar="N", help="(default: the run's, else 256)")
    evaluate.add_argument(
        "--thinking-budget", metavar="N,N", help="end the thinking after N tokens; several, or none for no limit, give a table (default: the run's, else none)"
    )
    evaluate.add_argument("--mode", choices=("think", "no_think", "both"), help="ask for thinking, against it, or for each in turn (default: the run's)")
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
    sample.add_argument("--thinking-budget", type=int, metavar="N", help="end the thinking after N tokens: a sentence is put in, and the model answers")
    sample.add_argument("--mode", choices=("think", "no_think"), help="ask for thinking or against it, where the model knows both")
    sample.add_argument("--seed", type=int, default=0, metavar="N", help="(default: %(default)s)")
    sample.add_argument("--json", action="store_true", help="one JSON object a completion: text, token_ids, completion_mask, logprobs, finish_reason")
    sample.set_defaults(run=_sample)


def _add_verify(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verify = verbs.add_parser(
        "verify",
        help="grade completions in a file",
        description="Grade the rows of a file, each {completion, answer} or {completion, task}, and print one JSON row of verdict for each, in order. "
        "A row that cannot be graded gets the outcome ERROR and its reason. Exits 0 when every row got its verdict.",
    )
    verify.add_argument("file", metavar="FILE.jsonl", help="JSON lines; - reads standard input")
    _add_grading(verify, needs_name=True)
    verify.add_argument("--cases", action="store_true", help="compare with each row's `expected` (an outcome, true or false); exit 1 if any disagrees")
    verify.set_defaults(run=_verify)


def _add_audit(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    audit = verbs.add_parser(
        "audit",
        help="try to cheat a verifier, a reward function, a data set or a run's whole reward",
        description="Give a verifier or reward function its gold answers, which must pass, wrong answers and known attacks, which must fail, and completions "
        "that hang or crash careless graders. Of a recipe or a run's file, the weighted sum of all parts of its reward is audited on its own tasks. "
        "Prints what got through with the exact input; exits 1 if anything did.",
    )
    audit.add_argument(
        "target",
        metavar="TARGET",
        help="a verifier by name, a function (my_rewards.py:f, package.module:f; TRL, verl and other signatures), a data file, a recipe, or a run's TOML file",
    )
    audit.add_argument("--data", metavar="SOURCE", help="tasks to attack with: a file or a generator (default: Proctor's own specimens)")
    _add_grading(audit, needs_name=False)
    audit.add_argument(
        "--surface",
        metavar="NAME",
        action="append",
        help="attack only this surface (math, choice, text, ...); may be repeated (default: what the target grades)",
    )
    audit.add_argument(
        "--max-tasks", type=int, default=20, metavar="N", help="attack on the first N tasks of the data; gold is checked on all (default: %(default)s)"
    )
    audit.add_argument("--scale", metavar="SCALE", help="size of the recipe that is the target")
    audit.add_argument("--stage", metavar="NAME", help="of a recipe in stages (default: the first of reinforcement learning with tasks of its own)")
    _add_assignments(audit)
    audit.add_argument("--out", metavar="DIR", help="write audit.json and audit.md there")
    audit.add_argument("--json", action="store_true", help="print the report as JSON")
    audit.set_defaults(run=_audit)


def _add_curate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    curate = verbs.add_parser(
        "curate",
        help="turn raw rows into tasks worth training on",
        description="Run the filters that a file names over its sources: duplicates, contamination, verifiability, difficulty by the model's own pass rate. "
        "Writes the rows that pass and a report of what each filter removed, as HTML and JSON. Stages that are done already are not run again.",
    )
    curate.add_argument("spec", metavar="SPEC.toml", help="sources, output and filters; docs/curation.md has every filter with its arguments")
    curate.add_argument("--dry-run", action="store_true", help="print the resolved specification, and stop")
    curate.add_argument("--json", action="store_true", help="print the report as JSON")
    curate.set_defaults(run=_curate)


def _add_assignments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="assignments",
        help="set a configuration key, as in learning_rate=1e-5 or data.train=tasks.jsonl; may be repeated",
    )


def _add_grading(parser: argparse.ArgumentParser, *, needs_name: bool) -> None:
    """What decides how completions are graded, for both verbs that do."""
    default = "" if needs_name else " (default: math; only for a data file)"
    parser.add_argument("--verifier", metavar="NAME", required=needs_name, help=f"math, choice, exact, format, ... or an import string{default}")
    parser.add_argument(
        "--argument",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="arguments",
        help="argument of the verifier, as in ignore_case=true; may be repeated",
    )
    parser.add_argument("--timeout", type=float, metavar="S", help="wall seconds for one completion (default: 10; a run's own where one is audited)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: the processors, at most four)")
    parser.add_argument("--memory-mib", type=int, metavar="N", help="address space of a worker in MiB (default: 2048; a run's own where one is audited)")


def _add_view(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    view = verbs.add_parser(
        "view",
        help="look at runs: curves, rollouts, suspicions",
        description="Show runs as a local web page, live while they train: curves, rollouts, suspicions, verdicts, comparisons. Needs the extra `view`.",
    )
    view.add_argument(
        "runs", metavar="RUN", nargs="*", help="run directories, directories of runs, or Parquet files of `proctor eval --rollouts` (default: runs/)"
    )
    view.add_argument("--port", type=int, default=0, metavar="N", help="on 127.0.0.1 (default: any that is free)")
    view.add_argument("--open", action="store_true", help="open the address in a browser")
    view.add_argument("--text", action="store_true", help="browse in the terminal instead")
    view.add_argument("--where", default="", metavar="SEARCH", help="with --text: begin with this search, as in 'reward > 0.9 and length < 20'")
    view.add_argument("--cases", metavar="FILE", help="write the rollouts marked as wrongly judged as verifier test cases (JSONL), and stop")
    view.set_defaults(run=_view)


def _add_report(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    report = verbs.add_parser(
        "report",
        help="one HTML file about runs",
        description="Write one HTML file about runs that needs nothing else, with a sample of their rollouts. Needs the extra `view`.",
    )
    report.add_argument("runs", metavar="RUN", nargs="+", help="as for `proctor view`")
    report.add_argument("-o", "--out", required=True, metavar="FILE", help="the file to write")
    report.add_argument("--rollouts", type=int, default=200, metavar="N", help="at most this many rollouts of each run (default: %(default)s)")
    report.set_defaults(run=_report)


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


def _verify(options: argparse.Namespace) -> int:
    from proctor.cli.verify import run

    return run(options)


def _audit(options: argparse.Namespace) -> int:
    from proctor.cli.audit import run

    return run(options)


def _curate(options: argparse.Namespace) -> int:
    from proctor.cli.curate import run

    return run(options)


def _view(options: argparse.Namespace) -> int:
    from proctor.cli.view import run

    return run(options)


def _report(options: argparse.Namespace) -> int:
    from proctor.cli.report import run

    return run(options)


def _recipes(options: argparse.Namespace) -> int:
    from proctor.cli.recipes import run

    return run(options)


def _lab(options: argparse.Namespace) -> int:
    from proctor.cli.lab import run

    return run(options)


def _doctor(options: argparse.Namespace) -> int:
    from proctor.cli.doctor import run

    return run(as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
