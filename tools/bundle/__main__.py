"""Bundles and the keys that sign them: make bundle, make keys, python -m tools.bundle signers."""

import argparse
import sys

from . import BundleError, build, keys, signers
from .board import ROOT


def _make(args):
    bundle = build.build(args.board, args.key, args.dev, args.arch, args.version, args.counter)
    total = len(bundle.data)
    for part, n, size in bundle.parts():
        print(f"{part:12} {n:5} files {size:10,}")
    print(f"{'bundle':12} {'':11} {total:10,}")
    print(f"{'slot':12} {'':11} {bundle.slot:10,}  {100 * total / bundle.slot:.1f} % full")
    path = build.write(bundle, args.out)
    m = bundle.manifest
    kind = "development" if m["dev"] else "release"
    print(f"{path}: {kind}, {m['arch']}, mpy {m['mpy']}, counter {m['counter']}")
    print(f"SHA-256 of the image {m['sha256']}")
    if m["dev"]:
        print(
            "signed with the development key: release firmware refuses it; KEY=... signs releases"
        )


def _keys(args):
    if args.out:
        keys.make(args.out, args.bits)
        print(f"{args.out}: keep it secret, and keep a copy: nobody can sign in its place")
    else:
        keys.development()
        print(f"{keys.DEVELOPMENT_KEY} signs for development builds; OUT=... makes another key")


def _signers(args):
    print(signers.write(args.key, args.out, args.activation))


def main():
    parser = argparse.ArgumentParser(prog="bundle", description=__doc__)
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("make", help="a bundle for a board")
    p.add_argument("board")
    p.add_argument("--key", help="PEM file; without it the development key signs")
    p.add_argument("--dev", action="store_true", help="with the modules of development builds")
    p.add_argument("--arch", help="-march of mpy-cross instead of the board's")
    p.add_argument("--version")
    p.add_argument("--counter", type=int)
    p.add_argument("--out", default=ROOT / "out" / "bundle")
    p.set_defaults(run=_make)
    p = commands.add_parser("keys", help="make a key: the development key, or one in a file")
    p.add_argument("--out")
    p.add_argument("--bits", type=int, default=3072, choices=(2048, 3072, 4096))
    p.set_defaults(run=_keys)
    p = commands.add_parser("signers", help="the module of public keys for a board's image")
    p.add_argument("key", nargs="*", help="PEM files; without any the development key")
    p.add_argument(
        "--activation", action="append", default=[], help="public key for activation files"
    )
    p.add_argument("--out", default=signers.OUT)
    p.set_defaults(run=_signers)
    args = parser.parse_args()
    try:
        args.run(args)
    except BundleError as e:
        sys.exit(f"bundle: {e}")


if __name__ == "__main__":
    main()
