#!/usr/bin/env python3
"""Measures what the journal costs: what `limbeck upgrade head --sql` prints, run by psql without the journal's entries, with
them as a run of limbeck sends them, and as they are printed. See README.md.

Run it with `cargo xtask bench journal`.
"""

import argparse
import contextlib
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import compare

# The share of an upgrade's time that the journal may take.
MOST = 0.10
WAYS = ("without", "with", "printed")
ENTRY = re.compile(r'^INSERT INTO "limbeck"\.journal .*?^FROM .*? actual;\n\n', re.MULTILINE | re.DOTALL)


# What differs between the entries of these scripts.
ARRAY = r"ARRAY\[[^]]*\]::text\[\]"
VALUES = re.compile(
    rf"('[^']*'), ('[^']*'), 'done', ({ARRAY}), ({ARRAY}), ('[^']*'), ('[^']*'), ('[^']*'), ('[^']*'|NULL), 1, 1, "
    rf"('[^']*'), now\(\), clock_timestamp\(\), CASE WHEN actual\.now = ({ARRAY}) THEN"
)
TYPES = "text, text, text[], text[], text, text, text, text, text, text[]"
SLOTS = "$1, $2, 'done', $3, $4, $5, $6, $7, $8, 1, 1, $9, now(), clock_timestamp(), CASE WHEN actual.now = $10 THEN"


def without_entries(script, count):
    """The same transactions, without the statements that write the journal."""
    bare, found = ENTRY.subn("", script)
    if found != count:
        sys.exit(f"found {found} entries in the script, expected {count}")
    return bare


def prepared_entries(script):
    """The same transactions, with one statement that the session prepares, as limbeck itself does it."""
    first = ENTRY.search(script).group()
    prepare = f"PREPARE limbeck_done ({TYPES}) AS\n{VALUES.sub(lambda _: SLOTS, first, count=1)}"
    execute = lambda entry: f"EXECUTE limbeck_done ({', '.join(VALUES.search(entry.group()).groups())});\n\n"
    made = ENTRY.sub(execute, script)
    # The tables are there from the first transaction's beginning on.
    at = made.index("EXECUTE limbeck_done")
    return made[:at] + prepare + made[at:]


class Overhead:
    """One direction, both ways, in turns."""

    def __init__(self, server, folder, count):
        self.server, self.folder, self.count = server, folder, count
        self.psql = str(server.programs / "psql")

    def write(self, name, script):
        (self.folder / f"{name}_printed.sql").write_text(script)
        (self.folder / f"{name}_with.sql").write_text(prepared_entries(script))
        (self.folder / f"{name}_without.sql").write_text(without_entries(script, self.count))

    def run(self, name, way):
        """The time, and the processor's time of client and server, which a busy machine does not change."""
        file = self.folder / f"{name}_{way}.sql"
        args = (self.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.server.url("journal"), "-f", file)
        program = compare.Program(self.folder, {}, *args)
        before = self.worked()
        program.run()
        return program.times[0], self.worked() - before

    def worked(self):
        """The seconds that the programs have worked which have ended: those of this process, and the server's sessions."""
        # A session ends a moment after its client.
        self.wait_for_sessions()
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        postmaster = int((self.server.data / "postmaster.pid").read_text().split()[0])
        fields = pathlib.Path(f"/proc/{postmaster}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = int(fields[13]) + int(fields[14])
        return own.ru_utime + own.ru_stime + ticks / os.sysconf("SC_CLK_TCK")

    def wait_for_sessions(self):
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'journal'"
        command = [self.psql, "-X", "-A", "-t", "-d", self.server.url("postgres"), "-c", query]
        while subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.strip() != b"0":
            time.sleep(0.05)

    def measure(self, names, runs):
        times = {(name, way): [] for name in names for way in WAYS}
        for turn in range(runs):
            for way in WAYS[turn % len(WAYS):] + WAYS[: turn % len(WAYS)]:
                self.server.fresh("journal")
                for name in names:
                    times[name, way].append(self.run(name, way))
                    self.server.sql("CHECKPOINT")
        return times


def report(times, names):
    missed = False
    print("| measurement | entries | with the journal | without | overhead | per revision | target |")
    print("|---|---|---:|---:|---:|---:|---|")
    for name, title, count in names:
        for kind, what in enumerate(("time", "processor")):
            for way, entries in (("with", "as a run sends them"), ("printed", "as printed")):
                both = [(a[kind], b[kind]) for a, b in zip(times[name, way], times[name, "without"])]
                share = statistics.median(a / b for a, b in both) - 1
                each = statistics.median((a - b) / count for a, b in both)
                target = ""
                if (name, what, way) == ("up", "processor", "with"):
                    missed |= share > MOST
                    target = f"{'MISSED' if share > MOST else 'met'}: at most {MOST:.0%}"
                print(
                    f"| {title}, {what} | {entries} | {statistics.median(a for a, _ in both) * 1000:.0f} ms | "
                    f"{statistics.median(b for _, b in both) * 1000:.0f} ms | {share:.1%} | {each * 1e6:.0f} µs | {target} |"
                )
    return missed


def main():
    parser = argparse.ArgumentParser(description="Measures what the journal costs.")
    parser.add_argument("--limbeck", required=True, help="the program that prints the scripts")
    parser.add_argument("--postgres", required=True, help="the folder of initdb, pg_ctl, postgres and psql")
    parser.add_argument("--runs", type=int, default=15, help="how often each script is run")
    parser.add_argument("--count", type=int, default=1000, help="how many revisions")
    parser.add_argument("--folder", default=compare.default_folder(), help="where the server and the project are made")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="limbeck-bench-", dir=options.folder))
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        server = compare.Server(options.postgres, folder)
        stack.callback(server.stop)
        head = compare.write_projects(folder, server, options.count)

        def printed(*args):
            command = [options.limbeck, *args, "--sql"]
            done = subprocess.run(command, cwd=folder / f"limbeck_{options.count}", check=True, stdout=subprocess.PIPE)
            return done.stdout.decode()

        overhead = Overhead(server, folder, options.count)
        overhead.write("up", printed("upgrade", "head"))
        overhead.write("down", printed("downgrade", f"{head}:base"))
        times = overhead.measure(("up", "down"), options.runs)
        up, down = f"upgrade head, {options.count} revisions", f"downgrade base, {options.count} revisions"
        sys.exit(report(times, (("up", up, options.count), ("down", down, options.count))))


if __name__ == "__main__":
    main()
