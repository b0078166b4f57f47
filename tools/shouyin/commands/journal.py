"""journal summary, export."""

import csv
import io
import json

from ..errors import LinkError
from ..work import write_text


def register(add, group):
    journal = group("journal", "the terminal's books; card numbers stay masked")
    add("summary", "count and amount by state, and what is owed", run_summary, journal)
    p = add("export", "the open batch as JSON lines or CSV", run_export, journal)
    p.add_argument("file")
    p.add_argument("--format", choices=("jsonl", "csv"), help="default: by the file's name")


def run_summary(work):
    work.show("journal.summary")


# The columns that a reader looks for, in this order; the rest follows by name.
FIRST = ("batch", "trace", "when", "kind", "state", "amount", "pan_masked", "response_code", "rrn")


def as_csv(rows):
    """CSV of a list of dicts."""
    names = {name for row in rows for name in row}
    columns = [n for n in FIRST if n in names] + sorted(names - set(FIRST))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json_lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def rows(work):
    """The transactions of the open batch, oldest first: a list of dicts, read page by page.
    LinkError when the batch was settled meanwhile."""
    found, at, batch = [], 0, None
    with work.out.progress() as tell:
        while at is not None:
            page = work.call("journal.export", at)
            if batch is None:
                batch = page["batch"]
            if page["batch"] != batch:
                raise LinkError("the batch was settled meanwhile",
                                "repeat the command; nothing was written")  # fmt: skip
            found += page["records"]
            tell("reading the journal", len(found), page["total"])
            at = page["next"]
    return found


def run_export(work):
    file = work.args.file
    found = rows(work)
    kind = work.args.format or ("csv" if file.endswith(".csv") else "jsonl")
    write_text(file, as_csv(found) if kind == "csv" else as_json_lines(found))
    work.out.result({"file": file, "format": kind, "transactions": len(found)},
                    [f"{len(found)} transactions in {file}"])  # fmt: skip
