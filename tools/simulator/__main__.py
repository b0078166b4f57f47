"""python -m simulator run | demo. `make run` and `make demo` call this."""

import argparse
import sys


def main():
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="a terminal, live in this window, beside an acquirer")
    run.add_argument(
        "--folder", default="build/terminal", help="where the terminal's flash is kept"
    )
    run.add_argument("--fresh", action="store_true", help="begin with a new terminal")
    run.add_argument("--no-acquirer", action="store_true", help="the acquirer's machine is down")
    demo = commands.add_parser("demo", help="a day of trade, unattended")
    demo.add_argument("--seed", type=int, default=1)
    demo.add_argument("--out", default="out/demo")
    args = parser.parse_args()
    if args.command == "demo":
        from .demo import main as demo_main

        return demo_main(args.seed, args.out)
    from .tui import main as run_main

    return run_main(args)


if __name__ == "__main__":
    sys.exit(main())
