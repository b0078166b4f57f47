"""make image, make flash, make deploy."""

import argparse
import sys
from pathlib import Path

from . import FlashingError, board, report


def _parser():
    parser = argparse.ArgumentParser(prog="flashing", description=__doc__)
    sub = parser.add_subparsers(dest="command", required=True)
    p = sub.add_parser("image", help="one flashable file, without ESP-IDF")
    p.add_argument("--board", required=True)
    p.add_argument("--base", required=True, help="an official MicroPython, or of make firmware")
    p.add_argument("--bundle", help=".syb file for slot 0")
    p.add_argument("--key", help="PEM of the key that signed the bundle")
    p.add_argument("--bootloader", help="instead of the one that belongs to BASE")
    p.add_argument("--version")
    p = sub.add_parser("flash", help="write an image with esptool")
    p.add_argument("--port", required=True)
    p.add_argument("--board", required=True)
    p.add_argument("--image", help="default: the newest of the board in out/image")
    p.add_argument("--erase", help="1 or all: what the terminal holds too")
    p.add_argument("--no-stub", action="store_true")
    p.add_argument("--before", default="default-reset")
    p.add_argument("--after", default="hard-reset")
    p = sub.add_parser("deploy", help="a bundle, or files, onto a development board")
    p.add_argument("--port", required=True)
    p.add_argument("--bundle")
    p.add_argument("--slot", type=int, choices=(0, 1))
    p.add_argument("--files", nargs="*", default=())
    p.add_argument("--to", default="/flash/lib")
    return parser


def _named(options, *wanted):
    for name in wanted:
        if not getattr(options, name):
            raise FlashingError(f"{name.upper()}= is missing")


def _image(options):
    from . import image

    _named(options, "board", "base")

    made = image.build(
        options.board,
        options.base,
        bundle=options.bundle,
        key=options.key,
        bootloader=options.bootloader,
        version=options.version,
    )
    print("\n".join(made.lines()))
    print(f"{made.path} and {made.path.with_suffix('.json').name}")


def _newest(name):
    from . import image

    board.load(name)
    found = sorted(image.OUT.glob(f"{name}-*.bin"), key=lambda p: p.stat().st_mtime)
    if not found:
        raise FlashingError(f"no image of {name} in out/image: make image BOARD={name} BASE=...")
    return found[-1]


def _warn(text, agreed=False):
    """Ask before a terminal loses what only it has; who asks where nobody can be asked says it
    with ERASE=all."""
    print(text, file=sys.stderr)
    if agreed:
        return
    if not sys.stdin.isatty():
        raise FlashingError("nobody can be asked here, nothing was written; ERASE=all agrees")
    if input("Type ERASE to go on: ") != "ERASE":
        raise FlashingError("nothing was written")


def _flash(options):
    from . import flash, image

    _named(options, "port", "board")
    path = Path(options.image) if options.image else _newest(options.board)
    loaded = image.load(path)
    print("\n".join(loaded.lines()))
    done = flash.flash(
        options.port,
        loaded,
        board=options.board,
        erase=options.erase not in (None, "", "0"),
        stub=not options.no_stub,
        before=options.before,
        after=options.after,
        warn=lambda text: _warn(text, options.erase == "all"),
        progress=report.Bar(),
    )
    print("\n".join(done.lines()))


def _deploy(options):
    from . import deploy

    _named(options, "port")
    if bool(options.bundle) == bool(options.files):
        raise FlashingError("BUNDLE= or FILES= says what is to be deployed")
    if options.bundle:
        done = deploy.bundle(
            options.port, options.bundle, slot=options.slot, progress=report.Bar()
        )
    else:
        done = deploy.files(options.port, options.files, options.to, progress=report.Bar())
    print("\n".join(done.lines()))


def main(arguments=None):
    options = _parser().parse_args(arguments)
    try:
        {"image": _image, "flash": _flash, "deploy": _deploy}[options.command](options)
    except FlashingError as e:
        print(f"{options.command}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
