# Runs on the simulated board: sets the terminal up from a JSON file (argv[1]), as a technician
# would.

import json
import sys

from app.tech import provision

with open(sys.argv[1]) as f:
    spec = json.load(f)
print("KCV", provision.from_spec(spec))
