"""`make deploy` beside a running terminal: a development build takes it, a release does not."""

import sys
from pathlib import Path

import pytest

from flashing import FlashingError, board, deploy

ptyport = pytest.importorskip("simulator.ptyport")
sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))
import flashkit  # noqa: E402

AT = board.load("SY_CLASSIC").table["bundle_0"].offset


@pytest.fixture
def served(make_till, tmp_path):
    """Callable(flavour): a terminal that runs, and the path of a bundle for it."""

    def make(flavour):
        key, _ = flashkit.make_key(tmp_path)
        syb = tmp_path / "new.syb"
        syb.write_bytes(flashkit.bundle(key, "SY_CLASSIC", counter=5))
        till = make_till()
        till.flavour = flavour
        till.start()
        till.expect("未签到", 120_000)
        return till, syb

    return make


def slot(till, size):
    return Path(till.flash).read_bytes()[AT : AT + size]


def test_a_bundle_goes_into_a_slot_while_the_terminal_runs(served):
    till, syb = served("dev")
    data = syb.read_bytes()
    with ptyport.Served(till) as port:
        deploy.bundle(port.path, syb, reset=False)
        port.do(till.expect, "未签到", 60_000)  # it runs on
    assert slot(till, len(data)) == data


def test_a_release_refuses_it_and_says_why(served):
    till, syb = served(None)
    with ptyport.Served(till) as port:
        with pytest.raises(FlashingError, match="A release answers no Python"):
            deploy.bundle(port.path, syb)
        port.do(till.expect, "未签到", 60_000)
    assert slot(till, 4096) == b"\xff" * 4096
