"""journal summary, export."""

import csv
import io
import json

from ..work import write_text


def register(add, group):
    journal = group("journal", "the terminal's books; card numbers stay masked")
    add("summary", "count and amount by state, and what is owed", run_summary, journal)
    p = add("export", "the open batch as JSON lines or CSV", run_export, journal)
    p.add_argument("file")
    p.add_argument("--format", choices=("jsonl", "csv"), help="default: by the file's name")


def run_summary(work):
    work.show("journal.summary")


def as_csv(rows):
    """CSV of a list of dicts, columns in the order of their first appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json_lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def run_export(work):
    file = work.args.file
    data = work.call("journal.export")
    rows = data["transactions"] if isinstance(data, dict) else data
    kind = work.args.format or ("csv" if file.endswith(".csv") else "jsonl")
    write_text(file, as_csv(rows) if kind == "csv" else as_json_lines(rows))
    work.out.result({"file": file, "format": kind, "transactions": len(rows)},
                    [f"{len(rows)} transactions in {file}"])  # fmt: skip
