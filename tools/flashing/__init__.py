"""From files onto a board: images, flashing, and changes to a development board.

    image.build(board, base, bundle=None, ...) -> image.Image     a flashable file, see image.py
    flash.flash(port, image, ...)              -> flash.Report    esptool writes it, see flash.py
    deploy.bundle(port, path, ...)             -> deploy.Report   a bundle into a slot (mpremote)
    deploy.files(port, paths, ...)             -> deploy.Report   single files (mpremote)

Each raises FlashingError with a text for the person at the keyboard, and calls
`progress(what, done, total)` (bytes) while it works, when one is given. `python -m flashing` is
the command line of `make image`, `make flash` and `make deploy`.
"""


class FlashingError(Exception):
    """What is wrong, and with what, in words for the person who flashes."""
