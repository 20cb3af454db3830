#!/usr/bin/env python3
"""Measures limbeck's batches beside writers, against one UPDATE. See README.md.

Run it with `cargo xtask bench batch`. It needs nothing but Python's standard library and PostgreSQL's programs.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from compare import Server

SCHEMA = """\
CREATE TABLE events (id bigint PRIMARY KEY, amount int NOT NULL, cents int, touched int NOT NULL DEFAULT 0, pad text);
INSERT INTO events SELECT n, n % 1000, NULL, 0, repeat('x', 60) FROM generate_series(1, {rows}) n;
"""

WRITER = """\
\\set id random(1, {rows})
UPDATE events SET touched = touched + 1 WHERE id = :id;
"""

ONE_UPDATE = "UPDATE events SET cents = amount * 100 WHERE cents IS NULL"

INDEX = """\
-- What is left is found by an index.
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
CREATE INDEX CONCURRENTLY events_left ON events (id) WHERE cents IS NULL;

-- limbeck:downgrade
DROP INDEX CONCURRENTLY events_left;
"""

BATCHES = """\
-- Amounts in cents
--
-- revision: a2
-- down_revision: a1

-- limbeck:upgrade
-- limbeck:batch size={size} pause={pause}
UPDATE events SET cents = amount * 100
WHERE id IN (SELECT id FROM events WHERE cents IS NULL ORDER BY id LIMIT :'batch');

-- limbeck:downgrade
"""

BY_KEY = """\
-- Amounts in cents, again
--
-- revision: a3
-- down_revision: a2

-- limbeck:upgrade
DROP INDEX CONCURRENTLY events_left;
CREATE TABLE upto (id bigint);
INSERT INTO upto VALUES (0);
-- limbeck:batch size={size} pause={pause}
WITH next AS (SELECT id FROM events WHERE id > (SELECT max(id) FROM upto) ORDER BY id LIMIT :'batch'),
     moved AS (INSERT INTO upto SELECT max(id) FROM next HAVING count(*) > 0)
UPDATE events SET cents = amount * 100 FROM next WHERE events.id = next.id;
DROP TABLE upto;

-- limbeck:downgrade
"""


class Writers:
    """pgbench at a fixed rate; a transaction's time counts from when it was due."""

    def __init__(self, server, database, folder, options):
        script = folder / "writer.sql"
        script.write_text(WRITER.format(rows=options.rows))
        self.logs = folder / f"log_{database}_{time.monotonic_ns()}"
        self.logs.mkdir()
        command = [server.programs / "pgbench", "-n", "-c", str(options.clients), "-j", "1", "-R", str(options.rate),
                   "-T", "86400", "-f", script, "-l", "--log-prefix", self.logs / "writers", server.url(database)]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def stop(self):
        """Ends them, and gives their times in milliseconds, sorted."""
        self.process.terminate()
        self.process.wait()
        lines = [line.split() for log in self.logs.iterdir() for line in log.read_text().splitlines()]
        return sorted(int(line[2]) / 1000 for line in lines if len(line) >= 6 and line[2].isdigit())


def percentile(times, share):
    return times[min(len(times) - 1, int(len(times) * share))] if times else float("nan")


def beside_writers(server, database, folder, options, work):
    """Does the work beside writers; its seconds, and the writers' times."""
    writers = Writers(server, database, folder, options)
    time.sleep(2)
    begin = time.perf_counter()
    work()
    seconds = time.perf_counter() - begin
    if options.settle:
        time.sleep(options.settle)
    return seconds, writers.stop()


def limbeck(server, database, project, options, target):
    command = [options.limbeck, "--url", server.url(database), "upgrade", target]
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limbeck", required=True, help="the program to measure")
    parser.add_argument("--postgres", required=True, help="the folder of PostgreSQL's programs")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--size", type=int, default=5000, help="rows in a batch")
    parser.add_argument("--pause", default="0", help="between two batches")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rate", type=int, default=200, help="the writers' transactions per second")
    parser.add_argument("--idle", type=int, default=30, help="seconds of the writers alone")
    parser.add_argument("--settle", type=int, default=2, help="seconds of the writers after the work")
    parser.add_argument("--folder", type=pathlib.Path, help="where the server is made")
    options = parser.parse_args()
    options.limbeck = shutil.which(options.limbeck) or sys.exit(f"no program {options.limbeck}")

    room = options.folder or (pathlib.Path("/dev/shm") if pathlib.Path("/dev/shm").is_dir() else None)
    with tempfile.TemporaryDirectory(dir=room) as made:
        folder = pathlib.Path(made)
        folder.chmod(0o755)
        server = Server(options.postgres, folder)
        try:
            measure(server, folder, options)
        finally:
            server.stop()


def measure(server, folder, options):
    project = folder / "project"
    (project / "migrations/versions").mkdir(parents=True)
    (project / "limbeck.toml").write_text("")
    (project / "migrations/versions/1.sql").write_text(INDEX)
    for name, text in ("2.sql", BATCHES), ("3.sql", BY_KEY):
        (project / "migrations/versions" / name).write_text(text.format(size=options.size, pause=options.pause))

    def say(text):
        print(f"  {text} ...", file=sys.stderr)

    say(f"{options.rows:,} rows")
    server.sql("ALTER SYSTEM SET max_wal_size = '8GB'", "SELECT pg_reload_conf()", "CREATE DATABASE one")
    server.sql(*SCHEMA.format(rows=options.rows).strip().split("\n"), "VACUUM ANALYZE", database="one")
    server.sql("CREATE DATABASE batches TEMPLATE one", "CHECKPOINT")

    say("the writers alone")
    _, idle = beside_writers(server, "one", folder, options, lambda: time.sleep(options.idle))
    say("one UPDATE")
    one, one_times = beside_writers(server, "one", folder, options, lambda: server.sql(ONE_UPDATE, database="one"))
    server.sql("DROP DATABASE one WITH (FORCE)", "CHECKPOINT")
    say("an index of what is left, concurrently")
    index, index_times = beside_writers(server, "batches", folder, options,
                                        lambda: limbeck(server, "batches", project, options, "a1"))
    say("batches")
    batches, batch_times = beside_writers(server, "batches", folder, options,
                                          lambda: limbeck(server, "batches", project, options, "a2"))

    say("batches that remember the last key")
    by_key, key_times = beside_writers(server, "batches", folder, options,
                                       lambda: limbeck(server, "batches", project, options, "a3"))

    print(f"\n{options.rows:,} rows, batches of {options.size:,}, pause {options.pause}, "
          f"{options.clients} writers at {options.rate}/s\n")
    print("| | seconds | rows/s | writers' p50 (ms) | p99 | p99.9 | longest |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, seconds, times in [("writers alone", None, idle), ("one UPDATE", one, one_times),
                                 ("index, concurrently", index, index_times), ("batches", batches, batch_times),
                                 ("batches, by key", by_key, key_times)]:
        took = "" if seconds is None else f"{seconds:.1f}"
        rate = "" if seconds is None else f"{options.rows / seconds:,.0f}"
        shares = " | ".join(f"{percentile(times, share):,.1f}" for share in (0.5, 0.99, 0.999, 1))
        print(f"| {name} | {took} | {rate} | {shares} |")
    print(f"\nbatches have {one / batches:.0%} of one UPDATE's throughput, by key {one / by_key:.0%}; the writers' p99 is "
          f"{percentile(batch_times, 0.99) / percentile(idle, 0.99):.1f} and "
          f"{percentile(key_times, 0.99) / percentile(idle, 0.99):.1f} times that of the writers alone, beside one UPDATE "
          f"{percentile(one_times, 0.99) / percentile(idle, 0.99):,.0f} times")


if __name__ == "__main__":
    main()
