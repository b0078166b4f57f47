"""What a bundle is made of, as CycloneDX 1.5 JSON: deterministic, no time stamp."""

import hashlib
import json
import uuid

_SPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122, appendix C: URLs


def _hash(data):
    return [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]


def _licence(name):
    return [{"license": {"id": name}}]


def _part(name, data, manifest, sources):
    """The component of one file of the bundle."""
    part = {
        "type": "file" if name.endswith(".mpy") else "data",
        "bom-ref": name,
        "name": name,
        "version": manifest["version"],
        "hashes": _hash(data),
        "licenses": _licence("OFL-1.1" if name.startswith("font") else "MIT"),
    }
    if name in sources:
        value = hashlib.sha256(sources[name]).hexdigest()
        part["properties"] = [{"name": "shouyin:source-sha256", "value": value}]
    return part


def _framework(version):
    return {
        "type": "framework",
        "bom-ref": "micropython",
        "name": "micropython",
        "version": version,
        "licenses": _licence("MIT"),
        "purl": f"pkg:github/micropython/micropython@v{version}",
    }


def sbom(manifest, files, sources, tools):
    """JSON text. `files`: {name in the bundle: contents}; `sources`: {name: source's bytes} of the
    compiled ones; `tools`: {"mpy-cross": version, "micropython": version}."""
    parts = [_part(name, data, manifest, sources) for name, data in sorted(files.items())]
    parts.append(_framework(tools["micropython"]))
    product = {
        "type": "firmware",
        "bom-ref": "bundle",
        "name": f"shouyin-{manifest['board']}",
        "version": manifest["version"],
        "hashes": [{"alg": "SHA-256", "content": manifest["sha256"]}],
        "licenses": _licence("MIT"),
    }
    serial = uuid.uuid5(_SPACE, json.dumps(manifest, sort_keys=True))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": product,
            "tools": {
                "components": [
                    {"type": "application", "name": "mpy-cross", "version": tools["mpy-cross"]}
                ]
            },
            "properties": [
                {"name": "shouyin:arch", "value": manifest["arch"]},
                {"name": "shouyin:mpy", "value": manifest["mpy"]},
                {"name": "shouyin:counter", "value": str(manifest["counter"])},
            ],
        },
        "components": parts,
        "dependencies": [{"ref": "bundle", "dependsOn": [p["bom-ref"] for p in parts]}],
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
