#!/usr/bin/env python3
"""Measures `limbeck check` against `alembic check` on a database of many tables. See README.md.

Run it with `cargo xtask bench autogenerate`. It needs nothing but Python's standard library.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import compare

DATABASE = "tables"
REVISION = "5f0c3a9b7d21"

ENV_PY = """\
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from alembic import context
from sqlalchemy import create_engine, pool
from tables import metadata

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

SQLALCHEMY = '''
{name} = Table(
    "{name}",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("parent_id", BigInteger, ForeignKey("{parent}.id", name="{name}_parent_id_fkey")),
    Column("name", String(100), nullable=False),
    Column("email", Text),
    Column("quantity", Integer, nullable=False, server_default="0"),
    Column("price", Numeric(10, 2)),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("payload", JSONB),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("updated_at", DateTime(timezone=True)),
    Index("{name}_name_idx", "name"),
    Index("{name}_parent_id_created_at_idx", "parent_id", "created_at"),
)
'''

STRUCT = """\
use chrono::{{DateTime, Utc}};
use limbeck::Table;
use sqlx::FromRow;

#[derive(Debug, FromRow, Table)]
#[table(name = "{name}", index("name"), index(parent_id, created_at))]
pub struct {struct} {{
    #[column(primary_key)]
    pub id: i64,
    #[column(references = "{parent}(id)")]
    pub parent_id: Option<i64>,
    #[column(sql_type = "varchar(100)")]
    pub name: String,
    pub email: Option<String>,
    #[column(default = "0")]
    pub quantity: i32,
    #[column(sql_type = "numeric(10, 2)")]
    pub price: Option<rust_decimal::Decimal>,
    #[column(default = "true")]
    pub active: bool,
    pub payload: Option<serde_json::Value>,
    #[column(default = "now()")]
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
}}
"""

SQL = """\
CREATE TABLE {name} (
    id bigint PRIMARY KEY,
    parent_id bigint REFERENCES {parent} (id),
    name varchar(100) NOT NULL,
    email text,
    quantity integer NOT NULL DEFAULT 0,
    price numeric(10, 2),
    active boolean NOT NULL DEFAULT true,
    payload jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz
);
CREATE INDEX ON {name} (name);
CREATE INDEX ON {name} (parent_id, created_at);
"""


def tables(count):
    """Names, each with that of the table that its foreign key refers to: the one before, the first one itself."""
    for number in range(count):
        name, parent = f"item_{number:04}", f"item_{max(number - 1, 0):04}"
        yield {"name": name, "parent": parent, "struct": f"Item{number:04}"}


def write_limbeck(folder, count):
    """One struct a file, and one revision that makes all tables."""
    (folder / "migrations/versions").mkdir(parents=True)
    (folder / "src/models").mkdir(parents=True)
    (folder / "limbeck.toml").write_text('script_location = "migrations"\nmodels = ["src/models"]\n')
    for table in tables(count):
        (folder / f"src/models/{table['name']}.rs").write_text(STRUCT.format(**table))
    up = "".join(SQL.format(**table) for table in tables(count)).rstrip(";\n")
    down = ";\n".join(f"DROP TABLE {table['name']}" for table in reversed(list(tables(count))))
    revision = compare.LIMBECK_REVISION.format(message="all tables", id=REVISION, parent="", up=up, down=down)
    (folder / f"migrations/versions/20251101_1430_{REVISION}_all_tables.sql").write_text(revision)


def write_alembic(folder, count, url):
    """The same tables as SQLAlchemy's metadata; the revision is only stamped."""
    (folder / "migrations/versions").mkdir(parents=True)
    (folder / "alembic.ini").write_text(f"[alembic]\nscript_location = migrations\nsqlalchemy.url = {url}\n")
    (folder / "migrations/env.py").write_text(ENV_PY)
    (folder / "migrations/script.py.mako").write_text("")
    head = "from sqlalchemy import *\nfrom sqlalchemy.dialects.postgresql import JSONB\n\nmetadata = MetaData()\n"
    (folder / "tables.py").write_text(head + "".join(SQLALCHEMY.format(**table) for table in tables(count)))
    revision = compare.ALEMBIC_REVISION.format(
        message="all tables", id=REVISION, parent="", parent_repr="None", up="SELECT 1", down="SELECT 1"
    )
    (folder / f"migrations/versions/{REVISION}.py").write_text(revision)


class Times:
    """What was measured of one way to check."""

    def __init__(self):
        self.wall, self.client, self.server, self.queries = [], [], [], None


class Bench:
    """Each way in turns: what else the machine does meets all of them."""

    def __init__(self, options, server, folder):
        self.options, self.server, self.folder = options, server, folder
        self.cache = folder / "cache"
        self.times = {}

    def limbeck(self, *args):
        return self.folder / "limbeck", [self.options.limbeck, *args]

    def alembic(self, *args):
        return self.folder / "alembic", [self.options.alembic, *args]

    def ways(self):
        """Title, what must be forgotten before, and the command."""
        database, revisions = ("check", "--against", "database"), ("check",)
        yield "alembic check", None, self.alembic("check")
        for title, args in (("limbeck check --against database", database), ("limbeck check", revisions)):
            yield f"{title}, cold", "schemas", self.limbeck(*args)
            yield f"{title}, warm", None, self.limbeck(*args)

    def run(self):
        self.prepare()
        ways = list(self.ways())
        for turn in range(self.options.rounds):
            print(f"  round {turn + 1} of {self.options.rounds} ...", file=sys.stderr)
            for title, forgotten, command in ways:
                self.times.setdefault(title, Times())
                self.once(title, forgotten, command)
        for title, forgotten, command in ways:
            self.times[title].queries = self.queries(forgotten, command)

    def prepare(self):
        count = self.options.tables
        print(f"  {count} tables ...", file=sys.stderr)
        write_limbeck(self.folder / "limbeck", count)
        write_alembic(self.folder / "alembic", count, self.server.url(DATABASE, "+psycopg2"))
        self.server.fresh(DATABASE)
        self.execute(self.limbeck("upgrade", "head"))
        self.server.sql("VACUUM ANALYZE", database=DATABASE)
        # Once, so that neither pays for compiling Python or for making the template of scratch servers.
        self.execute(self.alembic("check"))
        self.execute(self.limbeck("check"))

    def execute(self, command):
        folder, args = command
        env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
        env |= {"XDG_CACHE_HOME": str(self.cache), "DATABASE_URL": self.server.url(DATABASE)}
        process = subprocess.Popen(args, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{' '.join(map(str, args))}: exit code {process.returncode}\n{said.decode()}")
        return usage.ru_utime + usage.ru_stime

    def once(self, title, forgotten, command):
        self.forget(forgotten)
        times, before, begin = self.times[title], self.server_seconds(), time.perf_counter()
        client = self.execute(command)
        times.wall.append(time.perf_counter() - begin)
        times.client.append(client)
        # A session counts when its process has ended.
        time.sleep(0.2)
        times.server.append(self.server_seconds() - before)

    def forget(self, what):
        if what:
            shutil.rmtree(self.cache / "limbeck" / what, ignore_errors=True)

    def server_seconds(self):
        """Processor time of all ended sessions of the database's server."""
        pid = (self.server.data / "postmaster.pid").read_text().split()[0]
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def queries(self, forgotten, command):
        """Messages with SQL that the database gets, as its log says."""
        self.forget(forgotten)
        self.server.sql(f"ALTER DATABASE {DATABASE} SET log_statement = 'all'")
        log = self.server.data / "log"
        begin = log.stat().st_size
        self.execute(command)
        self.server.sql(f"ALTER DATABASE {DATABASE} RESET log_statement")
        with open(log, "rb") as file:
            file.seek(begin)
            return len(re.findall(rb"LOG:  (?:statement|execute [^:]+): ", file.read()))


# How much faster than Alembic each way must be at least.
TARGETS = {"limbeck check --against database, cold": 10, "limbeck check --against database, warm": 10, "limbeck check, warm": 10}


def report(times):
    """The table; whether a target is missed."""
    failed, alembic = False, times["alembic check"]
    print("| | median | client's processor | server's processor | queries | times as fast | target |")
    print("|---|---:|---:|---:|---:|---:|---|")
    for title, measured in times.items():
        ratio = statistics.median(slow / fast for slow, fast in zip(alembic.wall, measured.wall))
        limit, target = TARGETS.get(title), ""
        if limit:
            failed |= ratio < limit
            target = f"{'met' if ratio >= limit else 'MISSED'}: at least {limit}"
        seconds = [f"{statistics.median(values):.2f} s" for values in (measured.wall, measured.client, measured.server)]
        shown = "" if measured is alembic else f"{ratio:.1f}"
        print(f"| {title} | {' | '.join(seconds)} | {measured.queries} | {shown} | {target} |")
    return failed


def main():
    parser = argparse.ArgumentParser(description="Measures limbeck check against alembic check.")
    parser.add_argument("--limbeck", required=True, help="the program")
    parser.add_argument("--alembic", required=True, help="the alembic program, with psycopg2")
    parser.add_argument("--postgres", required=True, help="the folder of initdb, pg_ctl, postgres and psql")
    parser.add_argument("--tables", type=int, default=1000, help="how many tables there are")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is run")
    parser.add_argument("--folder", default=compare.default_folder(), help="where the server and the projects are made")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="limbeck-bench-", dir=options.folder)
        folder = pathlib.Path(stack.enter_context(made))
        folder.chmod(0o755)
        server = compare.Server(options.postgres, folder)
        stack.callback(server.stop)
        bench = Bench(options, server, folder)
        bench.run()
        sys.exit(report(bench.times))


if __name__ == "__main__":
    main()
