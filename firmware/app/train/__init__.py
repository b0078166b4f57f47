# Training mode 培训: the whole day against a host that lives in the terminal. Real flows, engine,
# journal and messages; own storage, own keys, own operators. Nothing real is read, written or sent
# while it is on.
#
# It is on as long as a flag file lies on the data volume. Only when it does is anything of this
# package loaded but these lines.

import os

FLAG = "/training.json"


def begun(data, canvas):
    """mode.Training, with every title on `canvas` marked, None when the terminal is not in
    training. `data`: folder of the data volume (board.DATA)."""
    try:
        os.stat(data + FLAG)
    except OSError:  # no such file, or no volume
        return None
    from .mode import Training

    return Training(data, canvas)
