"""bundle, image, flash, deploy: the repository's builders under one roof (make has the same)."""

import contextlib

from .. import ports
from ..errors import LinkError, ToolError


def register(add, group):
    p = add("bundle", "compile and sign the firmware of a board for its bundle slot", run_bundle)
    p.add_argument("--board", required=True, help="a folder of boards/, e.g. SY_CLASSIC")
    p.add_argument("--key", metavar="FILE", help="PEM file that signs a release")
    p.add_argument("--dev", action="store_true", help="with the development modules")
    p.add_argument("--counter", type=int, help="instead of the firmware's")
    p.add_argument("--out", metavar="FOLDER", default="out/bundle", help="default: out/bundle")
    p = add("image", "make a flashable image from a MicroPython base", run_image)
    p.add_argument("--board", required=True, help="a folder of boards/, e.g. SY_CLASSIC")
    p.add_argument("--base", required=True, metavar="FILE", help="MicroPython for the chip")
    p.add_argument("--bundle", metavar="FILE", help="a .syb file for slot 0")
    p.add_argument("--key", metavar="FILE", help="PEM file of the key that signs bundles")
    p.add_argument("--bootloader", metavar="FILE", help="instead of the base's")
    p.add_argument("--version", help="instead of the bundle's or the firmware's")
    p.add_argument("--out", metavar="FOLDER", help="default: out/image")
    p = add("flash", "write an image to a board and read it back; a terminal keeps its books",
            run_flash)  # fmt: skip
    p.add_argument("image", help="what `image` made (.bin)")
    p.add_argument("--board", help="refuse an image for another board")
    p.add_argument("--erase", action="store_true",
                   help="the whole flash: a first flash; destroys keys and books")  # fmt: skip
    p.add_argument("--yes", action="store_true", help="do not ask before --erase destroys")
    p.add_argument("--before", default="default-reset", help="as in esptool")
    p.add_argument("--after", default="hard-reset", help="as in esptool")
    p.add_argument("--no-stub", action="store_true", help="as in esptool")
    p = add("deploy", "development: a bundle, or files, onto a stopped terminal", run_deploy)
    p.add_argument("files", nargs="+", help="one .syb bundle, or files")
    p.add_argument("--slot", type=int, choices=(0, 1), help="of the bundle (default: the other)")
    p.add_argument("--to", default="/flash/lib", help="folder of the files (default /flash/lib)")


@contextlib.contextmanager
def _translated(hint=""):
    from flashing import FlashingError

    try:
        yield
    except FlashingError as e:
        raise ToolError(str(e), hint) from None


def run_bundle(work):
    a = work.args
    from bundle import BundleError, build

    try:
        made = build.build(a.board, a.key, a.dev, counter=a.counter, say=work.out.say)
        path = build.write(made, a.out)
    except BundleError as e:
        raise ToolError(str(e)) from None
    size = len(made.data)
    data = {"file": str(path), "manifest": made.manifest, "size": size, "slot": made.slot}
    lines = [f"{part:12} {n:5} files {size:10,}" for part, n, size in made.parts()]
    lines += [f"{size:,} of {made.slot:,} bytes of the slot", str(path)]
    work.out.result(data, lines)


def run_image(work):
    a = work.args
    from flashing import image

    more = {"out": a.out} if a.out else {}
    with _translated("see `make image` in the Makefile"):
        made = image.build(a.board, a.base, a.bundle, a.key, a.bootloader, a.version, **more)
    work.out.result(made.listing(), [*made.lines(), f"{made.path}"])


def run_flash(work):
    a = work.args
    from flashing import flash

    port = _port(work)
    hint = "hold BOOT while you plug the board in, and try again"
    with _translated(hint), work.out.progress() as tell:
        report = flash.flash(
                port, a.image, a.board, erase=a.erase, stub=not a.no_stub, before=a.before,
                after=a.after, warn=lambda text: _confirmed(work, text), progress=tell,
            )  # fmt: skip
    rows = [vars(d) for d in report.regions]
    data = {"chip": report.chip, "flash_size": report.flash_size, "regions": rows}
    work.out.result(data, report.lines())


def _port(work):
    """The port, when it can be there: what is wrong with it is no matter of the boot button."""
    port = work.port()
    problem = ports.problem(port)
    if problem:
        raise LinkError(*problem)
    return port


def _confirmed(work, warning):
    """Return when the person wants what destroys."""
    work.out.say(warning)
    if not work.args.yes and work.ask("Type ERASE to go on:") != "ERASE":
        raise ToolError("not confirmed; nothing was written")


def run_deploy(work):
    a, files = work.args, work.args.files
    from flashing import deploy

    port = _port(work)
    hint = "stop the development build first: tech.stop() on its console"
    with _translated(hint), work.out.progress() as tell:
        if files[0].endswith(".syb"):
            report = deploy.bundle(port, files[0], slot=a.slot, progress=tell)
        else:
            report = deploy.files(port, files, a.to, progress=tell)
    work.out.result(vars(report), report.lines())
