"""The session of docs/technician.md: what happens in it, and the words between the commands."""

from simulator import preset
from simulator.bench import Bench

TECHNICIAN = ("90", "tech-13579")


def play(folder, seed, session_class):
    """The whole session; the page."""
    with Bench(folder / "terminal", seed=seed) as bench:
        bench.start()
        bench.wait_for_network()
        s = session_class(bench, folder)
        s.text("# The technician's page")
        s.run("unlock", [("abcdefgh", False)])
        s.mpremote("import tech", "print(tech.help())")
        return s.page()
