#!/usr/bin/env python3
"""Measures limbeck against Alembic and psql, in one run, on a throw-away PostgreSQL. See README.md.

Run it with `cargo xtask bench`. It needs nothing but Python's standard library.
"""

import argparse
import contextlib
import hashlib
import os
import pathlib
import pwd
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SIZES = (5, 1000)
LIMBECK_RUN, PSQL_RUN = "run_limbeck", "run_psql"

ENV_PY = """\
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""

ALEMBIC_REVISION = '''\
"""{message}

Revision ID: {id}
Revises: {parent}
Create Date: 2025-11-01 14:30:00.000000

"""

from alembic import op

revision = "{id}"
down_revision = {parent_repr}
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""{up}""")


def downgrade():
    op.execute("""{down}""")
'''

LIMBECK_REVISION = """\
-- {message}
--
-- revision:      {id}
-- down_revision: {parent}
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
{up};

-- limbeck:downgrade
{down};
"""

# A process's peak counts from the size of the process that it was forked from: this one is small.
LAUNCHER = """\
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
os.write(2, str(usage.ru_maxrss).encode())
sys.exit(os.waitstatus_to_exitcode(status))
"""

TABLE = """\
CREATE TABLE items_{number:04} (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)"""


class Server:
    """A PostgreSQL of initdb's own settings, on a Unix socket and nothing else."""

    def __init__(self, programs, folder):
        self.programs = pathlib.Path(programs)
        self.socket = folder / "socket"
        data = folder / "data"
        # PostgreSQL refuses to run as root.
        self.user = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self.user = "postgres" if "postgres" in names else "nobody"
        for made in (self.socket, data):
            made.mkdir(mode=0o755)
            if self.user:
                shutil.chown(made, self.user)
        self._run("initdb", "-D", data, "-U", "bench", "--auth=trust")
        with open(data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(f"listen_addresses = ''\nunix_socket_directories = '{self.socket}'\n")
        self.data = data
        self._run("pg_ctl", "-D", data, "-w", "-l", data / "log", "start")

    def _run(self, name, *args):
        command = [str(self.programs / name), *map(str, args)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=self.user, cwd="/")

    def stop(self):
        """Ends it; its files go with their folder."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop")

    def url(self, database, driver=""):
        """The address of a database."""
        return f"postgresql{driver}://bench@/{database}?host={self.socket}"

    def sql(self, *statements, database="postgres"):
        """Runs statements, each in a transaction of its own."""
        command = [str(self.programs / "psql"), "-X", "-q", "-d", self.url(database)]
        for statement in statements:
            command += ["-c", statement]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def fresh(self, database):
        """An empty database, with nothing left to write to disk."""
        self.sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)", f"CREATE DATABASE {database}", "CHECKPOINT")


def write_projects(folder, server, count):
    """The same chain of revisions as limbeck's files and as Alembic's."""
    limbeck, alembic = folder / f"limbeck_{count}", folder / f"alembic_{count}"
    (limbeck / "migrations/versions").mkdir(parents=True)
    (alembic / "migrations/versions").mkdir(parents=True)
    (limbeck / "limbeck.toml").write_text('script_location = "migrations"\n')
    url = server.url(f"alembic_{count}", "+psycopg2")
    (alembic / "alembic.ini").write_text(f"[alembic]\nscript_location = migrations\nsqlalchemy.url = {url}\n")
    (alembic / "migrations/env.py").write_text(ENV_PY)
    (alembic / "migrations/script.py.mako").write_text("")
    parent = ""
    for number in range(1, count + 1):
        revision = {
            "id": hashlib.sha1(str(number).encode()).hexdigest()[:12],
            "parent": parent,
            "parent_repr": repr(parent or None),
            "message": f"Create table items_{number:04}",
            "up": TABLE.format(number=number),
            "down": f"DROP TABLE items_{number:04}",
        }
        stem = f"20251101_{number:06}_{revision['id']}_create_table_items_{number:04}"
        (limbeck / f"migrations/versions/{stem}.sql").write_text(LIMBECK_REVISION.format(**revision))
        (alembic / f"migrations/versions/{stem}.py").write_text(ALEMBIC_REVISION.format(**revision))
        parent = revision["id"]
    return parent


class Program:
    """A command with what it needs to run, and what was measured of it."""

    def __init__(self, folder, env, *args):
        self.folder, self.args = folder, [str(arg) for arg in args]
        self.env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8", **env}
        self.times, self.peak = {}, None

    def run(self, turn=0):
        """Once, from the start of the process to its end."""
        begin = time.perf_counter()
        self._start(self.args)
        self.times[turn] = time.perf_counter() - begin

    def weigh(self):
        """Once, for its peak memory in KiB."""
        said = self._start([sys.executable, "-I", "-S", "-c", LAUNCHER, shutil.which(self.args[0]), *self.args[1:]])
        self.peak = int(re.search(rb"\d+$", said).group())

    def _start(self, args):
        done = subprocess.run(args, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(self.args)}: exit code {done.returncode}\n{done.stderr.decode()}")
        return done.stderr

    @property
    def median(self):
        return statistics.median(self.times.values())

    def share_of(self, other):
        """The median of the ratios in the rounds of both: what else the machine does cancels out."""
        return statistics.median(time / other.times[turn] for turn, time in self.times.items() if turn in other.times)


class Bench:
    """The measurements, in the order in which they are printed."""

    def __init__(self, options, server, folder):
        self.options, self.server, self.folder = options, server, folder
        # A distribution's psql may be a script that finds the real one: both are measured.
        self.psqls = {"psql": shutil.which("psql"), "bare psql": str(server.programs / "psql")}
        self.psqls = {name: path for name, path in self.psqls.items() if path}
        self.rows = []

    def limbeck(self, count, *args, database=None):
        env = {"DATABASE_URL": self.server.url(database or f"limbeck_{count}")}
        folder = self.folder / f"limbeck_{count}"
        labels = [pathlib.Path(path) for path in self.options.limbeck]
        names = ["limbeck"] if len(labels) == 1 else [f"limbeck {index + 1}" for index in range(len(labels))]
        return {name: Program(folder, env, path, *args) for name, path in zip(names, labels)}

    def alembic(self, count, *args):
        if not self.options.alembic:
            return {}
        return {"alembic": Program(self.folder / f"alembic_{count}", {}, self.options.alembic, *args)}

    def psql(self, database, *args):
        url = self.server.url(database)
        return {name: Program(self.folder, {}, path, "-X", "-d", url, *args) for name, path in self.psqls.items()}

    def measure(self, title, programs, rounds):
        """Runs the programs in turns; Alembic, which takes long, in every third round."""
        print(f"  {title} ...", file=sys.stderr)
        for turn in range(rounds):
            names = list(programs)
            # Whoever comes first in a round comes last in the next.
            turned = names[turn % len(names):] + names[: turn % len(names)]
            for name in turned:
                if name == "alembic" and turn % 3:
                    continue
                programs[name].run(turn)
        for program in programs.values():
            program.weigh()
        self.rows.append((title, programs))

    def run(self):
        for count in SIZES:
            self.prepare(count)
        for count in SIZES:
            self.reading(count)
        self.running(SIZES[-1])

    def prepare(self, count):
        """Projects of both tools, with a database of each at head."""
        print(f"  {count} revisions ...", file=sys.stderr)
        write_projects(self.folder, self.server, count)
        self.server.fresh(f"limbeck_{count}")
        next(iter(self.limbeck(count, "upgrade", "head").values())).run()
        self.server.fresh(f"alembic_{count}")
        for program in self.alembic(count, "upgrade", "head").values():
            program.run()
        self.server.sql("CHECKPOINT")

    def reading(self, count):
        """What changes nothing."""
        rounds = self.options.rounds
        for args in (["upgrade", "head"], ["current"], ["heads"], ["history"]):
            programs = self.limbeck(count, *args)
            if args[0] in ("upgrade", "current"):
                programs |= self.psql("postgres", "-c", "select 1")
            programs |= self.alembic(count, *args)
            title = "no-op upgrade head" if args[0] == "upgrade" else args[0]
            self.measure(f"{title}, {count} revisions", programs, rounds)

    def running(self, count):
        """All revisions up, and down again, each time in a new database."""
        head = self.printed(count, "heads").split()[0].decode()
        (self.folder / "up.sql").write_bytes(self.printed(count, "upgrade", "head", "--sql"))
        (self.folder / "down.sql").write_bytes(self.printed(count, "downgrade", f"{head}:base", "--sql"))
        ways = {}
        for verb, target, script in (("upgrade", "head", "up.sql"), ("downgrade", "base", "down.sql")):
            psql = self.psql(PSQL_RUN, "-q", "-v", "ON_ERROR_STOP=1", "-f", self.folder / script)
            ways[f"{verb} {target}, {count} revisions"] = (
                self.limbeck(count, verb, target, database=LIMBECK_RUN)
                | {"bare psql": psql["bare psql"]}
                | self.alembic(count, verb, target)
            )
        print(f"  {count} revisions up and down ...", file=sys.stderr)
        names = list(next(iter(ways.values())))
        for turn in range(self.options.runs):
            for name in names[turn % len(names):] + names[: turn % len(names)]:
                if name == "alembic" and turn % 3:
                    continue
                self.server.fresh({"bare psql": PSQL_RUN, "alembic": f"alembic_{count}"}.get(name, LIMBECK_RUN))
                for programs in ways.values():
                    programs[name].run(turn)
                    self.server.sql("CHECKPOINT")
        self.rows += ways.items()

    def printed(self, count, *args):
        """What limbeck prints."""
        program = next(iter(self.limbeck(count, *args).values()))
        return subprocess.run(program.args, cwd=program.folder, env=program.env, check=True, stdout=subprocess.PIPE).stdout


# What the ratio of limbeck to another program may be at most.
TARGETS = {
    ("no-op upgrade head, 5 revisions", "psql"): 1 / 3,
    ("no-op upgrade head, 5 revisions", "alembic"): 1 / 40,
    ("no-op upgrade head, 1000 revisions", "psql"): 0.6,
    ("heads, 1000 revisions", "alembic"): 1 / 40,
    ("upgrade head, 1000 revisions", "bare psql"): 0.8,
    ("downgrade base, 1000 revisions", "bare psql"): 0.8,
}
# In KiB, for what changes nothing.
MEMORY = 30 * 1024


def report(rows):
    """The table."""
    failed = False
    print("| measurement | program | median | spread | peak memory | limbeck to it | target |")
    print("|---|---|---:|---:|---:|---:|---|")
    for title, programs in rows:
        base = next(iter(programs.values()))
        for name, program in programs.items():
            times = list(program.times.values())
            quartiles = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
            ratio, target = "", ""
            if program is base:
                if title.startswith("no-op"):
                    failed |= base.peak > MEMORY
                    target = f"{'met' if base.peak <= MEMORY else 'MISSED'}: at most {MEMORY // 1024} MB"
            else:
                share = base.share_of(program)
                ratio = f"{share:.2f}" if share > 0.1 else f"1/{1 / share:.0f}"
                limit = TARGETS.get((title, name))
                if limit:
                    failed |= share > limit
                    shown = f"{limit:.2f}" if limit > 0.1 else f"1/{1 / limit:.0f}"
                    target = f"{'met' if share <= limit else 'MISSED'}: at most {shown}"
            peak = "" if program.peak is None else f"{program.peak / 1024:.1f} MB"
            print(
                f"| {title} | {name} | {program.median * 1000:.1f} ms | {quartiles[0] * 1000:.1f} to "
                f"{quartiles[2] * 1000:.1f} | {peak} | {ratio} | {target} |"
            )
    return failed


def default_folder():
    """Memory, where it can be had: a busy disk says more about itself than about the programs."""
    memory = pathlib.Path("/dev/shm")
    fits = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    return str(memory) if fits else tempfile.gettempdir()


def main():
    parser = argparse.ArgumentParser(description="Measures limbeck against Alembic and psql.")
    parser.add_argument("--limbeck", action="append", required=True, help="the program; given twice: both are compared")
    parser.add_argument("--alembic", help="the alembic program, with psycopg2; without it Alembic is left out")
    parser.add_argument("--postgres", required=True, help="the folder of initdb, pg_ctl, postgres and psql")
    parser.add_argument("--rounds", type=int, default=25, help="how often each command is run that changes nothing")
    parser.add_argument("--runs", type=int, default=5, help="how often the revisions go up and down")
    parser.add_argument("--folder", default=default_folder(), help="where the server and the projects are made")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="limbeck-bench-", dir=options.folder)))
        folder.chmod(0o755)
        server = Server(options.postgres, folder)
        stack.callback(server.stop)
        bench = Bench(options, server, folder)
        bench.run()
        sys.exit(report(bench.rows))


if __name__ == "__main__":
    main()
