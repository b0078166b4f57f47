"""python -m tools.activation from the repository's root: activation files on the host.

key KEY.pem                       a new RSA-2048 signing key
make APPLICATION.json --key KEY.pem --signer NAME -o ACTIVATION.json
                                  check the application, sign the file; first passwords are
                                  printed once (or written to --passwords FILE)
check ACTIVATION.json --key KEY.pem
                                  schema, signature, dates (KEY may be the public half)
show ACTIVATION.json              what is in it, without salts and hashes
row NAME KEY.pem                  the signer's row for the firmware's signers.py
"""

import argparse
import json
import sys
from pathlib import Path

# `import activation` is a top-level module of tools/, in the tests too.
_TOOLS = str(Path(__file__).resolve().parents[1])
if _TOOLS not in sys.path:
    sys.path.insert(0, _TOOLS)

import activation  # noqa: E402


def _arguments(argv):
    parser = argparse.ArgumentParser(prog="activation", description=__doc__.splitlines()[0])
    todo = parser.add_subparsers(dest="what", required=True)
    p = todo.add_parser("key", help="a new signing key")
    p.add_argument("key")
    p = todo.add_parser("make", help="application -> signed activation file")
    p.add_argument("application")
    p.add_argument("--key", required=True)
    p.add_argument("--signer", required=True)
    p.add_argument("-o", "--output", required=True)
    p.add_argument("--passwords", help="file for the first passwords; default: standard output")
    p = todo.add_parser("check", help="schema, signature, dates")
    p.add_argument("file")
    p.add_argument("--key", required=True)
    p = todo.add_parser("show", help="what is in a file")
    p.add_argument("file")
    p = todo.add_parser("row", help="the signer's row for the firmware")
    p.add_argument("name")
    p.add_argument("key")
    return parser.parse_args(argv)


def _make(options):
    try:
        application = json.loads(Path(options.application).read_text(encoding="utf-8"))
    except ValueError as e:
        raise activation.ActivationError(f"{options.application}: {e}") from None
    key = activation.load_key(options.key)
    data, first = activation.make(application, key, options.signer)
    Path(options.output).write_bytes(data)
    print(f"{options.output}: {len(data)} bytes, terminal {application['terminal']}")
    letter = "".join(f"{number} {password}\n" for number, password in sorted(first.items()))
    if options.passwords:
        path = Path(options.passwords)
        path.touch(mode=0o600)
        path.chmod(0o600)  # also when it was there
        path.write_text(letter, encoding="utf-8")
    else:
        print("first passwords, told to their holders one by one; they are nowhere else:")
        print(letter, end="")


def show(content):
    """Lines: the file without what is only for the terminal."""
    for name in sorted(content):
        value = content[name]
        if name == "operators":
            value = ", ".join(f"{p['number']} {p['role']}" for p in value)
        elif name == "technician":
            value = value["number"]
        elif name == "wifi":
            value = ", ".join(
                n["ssid"] + (" (password)" if n.get("password") else " (open)") for n in value
            )
        elif isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in sorted(value.items()))
        yield f"{name:11} {value}"


def main(argv=None):
    options = _arguments(argv)
    try:
        if options.what == "key":
            activation.save_key(activation.new_key(), options.key)
            print(f"{options.key}: keep it where nobody else can read it")
        elif options.what == "make":
            _make(options)
        elif options.what == "check":
            data = Path(options.file).read_bytes()
            content = activation.check(data, activation.load_public(options.key))
            print(f"good: terminal {content['terminal']}, until {content['not_after']}")
        elif options.what == "show":
            content, _, _ = activation.opened(Path(options.file).read_bytes())
            print("\n".join(show(content)))
        else:
            print(repr(activation.signer_row(options.name, activation.load_public(options.key))))
    except activation.ActivationError as e:
        print(f"activation: {e}", file=sys.stderr)
        return 1
    except OSError as e:
        print(f"activation: {e.filename}: {e.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
