#!/usr/bin/env python3
"""Measures the adapter against the same service in FastAPI and asyncpg. See README.md.

Run it with `cargo xtask bench service`. It needs wrk, PostgreSQL's programs, and a Python that has FastAPI, uvicorn,
uvloop, httptools, asyncpg and orjson.
"""

import argparse
import ast
import contextlib
import hashlib
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from compare import Server, default_folder

KEY = "test-api-key-12345"  # of the test tenant that revision 002 makes

ROWS = """\
INSERT INTO action_logs (id, tenant_id, action_type, provider_name, request_payload, response_data, status,
                         execution_time_ms, created_at, updated_at)
SELECT gen_random_uuid(), t.id, 'crm_create', 'echo', '{{"name": "Ada", "email": "ada@example.org"}}',
       '{{"echo": {{"name": "Ada", "email": "ada@example.org"}}}}', 'success', 3,
       now() - n * interval '1 second', now() - n * interval '1 second'
FROM tenants t, generate_series(1, {rows}) n WHERE t.slug = 'test-tenant'"""

BODY = '{"action_type": "crm_create", "provider": "echo", "payload": {"name": "Ada", "email": "ada@example.org"}}'

# Each thread of wrk has a random prefix of its own; `seed` differs from run to run.
POST = """\
local prefix, n = nil, 0
function setup(thread) thread:set("seed", {seed} + math.random(1, 1e9)) end
function init() math.randomseed(seed); prefix = string.format("%d-%d-", seed, math.random(1, 1e9)) end
function request()
  n = n + 1
  return wrk.format("POST", "/api/v1/actions", {{["X-API-Key"] = "{key}", ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = {idempotency_key}}}, [==[{body}]==])
end
"""

GET = """\
local cursors = {{ {cursors} }}
function request()
  local cursor = cursors[math.random(1, #cursors)]
  return wrk.format("GET", "/api/v1/actions?limit=50&cursor=" .. cursor, {{["X-API-Key"] = "{key}"}})
end
"""


# What a transaction of a tenant begins and ends with.
TRANSACTION = """\
\\startpipeline
BEGIN;
SET LOCAL ROLE adapter_app;
SET LOCAL app.current_tenant_id = '{tenant}';
SELECT 1 FROM tenants WHERE id = '{tenant}' AND api_key_hash = '{key_hash}' AND is_active;
{statement};
COMMIT;
\\endpipeline
"""


class Postgres:
    """The same SQL without any service: what PostgreSQL itself can do beside the program that makes the load."""

    name = "pgbench, the SQL alone"

    def __init__(self, server, port, options):
        self.server, self.options, self.results = server, options, {}
        folder = pathlib.Path(__file__).parent
        twin = ast.parse((folder / "fastapi_twin.py").read_text())
        # Not imported: this Python need not have FastAPI.
        texts = {name: ast.literal_eval(node.value) for node in twin.body if isinstance(node, ast.Assign)
                 for name in [node.targets[0].id] if name in ("CLAIM", "END", "PAGE")}
        psql = [f"{options.postgres}/psql", "-X", "-At", "-d", server.url("service"), "-c"]
        query = "SELECT id FROM tenants WHERE slug = 'test-tenant'"
        self.tenant = subprocess.run([*psql, query], check=True, capture_output=True, text=True).stdout.strip()
        number = "('00000000-0000-4000-{}-' || lpad(:n::text, 12, '0'))::uuid"
        ticket, entry = number.format("8001"), number.format("8002")
        payload = '\'{"name": "Ada", "email": "ada@example.org"}\''

        def claim(key):
            return filled(texts["CLAIM"], ticket, self.literal(self.tenant), key, "'POST'", "'/api/v1/actions'",
                          "repeat('0', 64)", "60", entry, "'crm_create'", "'echo'", payload, "NULL")
        end = filled(texts["END"], entry, "'success'", payload, "NULL", "3", "now()", ticket, "201", payload, "86400")
        page = texts["PAGE"].replace("ORDER BY", "AND (created_at, id) < ($3, $4) ORDER BY")
        page = filled(page, self.literal(self.tenant), "51", "now() - :k * interval '1 second'",
                      "'00000000-0000-0000-0000-000000000000'::uuid")
        any_number = "\\set n random(1, 999999999999)\n"
        self.scripts = {
            "POST, echo": any_number + self.transaction(claim("'pgbench-' || :n")) + self.transaction(end),
            "replay": any_number + self.transaction(claim(f"'replay-{port}-' || (:n::bigint % 100)")),
            "page of GET": "\\set k random(1, 2000)\n" + self.transaction(page),
        }

    @staticmethod
    def literal(value):
        return f"'{value}'::uuid"

    def transaction(self, statement):
        key_hash = hashlib.sha256(KEY.encode()).hexdigest()
        return TRANSACTION.format(tenant=self.tenant, key_hash=key_hash, statement=statement)

    def measure(self):
        for what, script in self.scripts.items():
            with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
                file.write(script)
                file.flush()
                command = [f"{self.options.postgres}/pgbench", "--no-vacuum", "--protocol=prepared", "--jobs=1",
                           f"--client={self.options.pool}", f"--time={self.options.seconds}", f"--file={file.name}",
                           self.server.url("service")]
                text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            rate, latency = (float(re.search(found, text).group(1))
                             for found in (r"tps = ([\d.]+) \(without", r"latency average = ([\d.]+)"))
            self.results.setdefault(what, []).append((rate, latency, float("nan")))


def filled(text, *values):
    """A statement with expressions in the places of its parameters."""
    return re.sub(r"\$(\d+)", lambda found: values[int(found.group(1)) - 1], text)


class Service:
    """A process that serves, and what it answered under load."""

    def __init__(self, name, command, environment, port):
        self.name, self.port = name, port
        self.process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True,
                                        cwd=pathlib.Path(__file__).parent)
        self.results = {}
        for _ in range(200):
            with contextlib.suppress(OSError):
                self.page(None)
                return
            time.sleep(0.1)
        sys.exit(f"{name} does not answer")

    def page(self, cursor):
        """A page of actions."""
        url = f"http://127.0.0.1:{self.port}/api/v1/actions?limit=50" + (f"&cursor={cursor}" if cursor else "")
        request = urllib.request.Request(url, headers={"X-API-Key": KEY})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def cursors(self, count=40):
        """Cursors of the first pages."""
        found, cursor = [], None
        for _ in range(count):
            cursor = self.page(cursor)["next_cursor"]
            found.append(cursor)
        return found

    def load(self, what, script, options):
        """Requests per second, the median and the 99th percentile in milliseconds."""
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script)
            file.flush()
            command = [options.wrk, "-t", "1", "-c", str(options.connections), "-d", f"{options.seconds}s", "--latency", "-s",
                       file.name, f"http://127.0.0.1:{self.port}"]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        if bad := re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", text):
            sys.exit(f"{self.name}, {what}: {bad.group(0)}")
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
        latency = {share: milliseconds(*re.search(rf"{share}%\s+([\d.]+)(\w+)", text).groups()) for share in (50, 99)}
        self.results.setdefault(what, []).append((rate, latency[50], latency[99]))

    def peak(self):
        """The largest resident set of the process and its workers, in megabytes."""
        group = subprocess.run(["ps", "-o", "pid=", "-g", str(self.process.pid)], capture_output=True, text=True).stdout
        status = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in group.split()]
        return sum(int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) for text in status) / 1024

    def stop(self):
        """Ends it and its workers."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 15)
        self.process.wait()


def milliseconds(number, unit):
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def services(server, options):
    """The adapter, and its twin with one and with as many workers as there are processors."""
    url = server.url("service")
    port = free_port()
    yield Service("adapter", [options.adapter], {
        "DATABASE_URL": url, "ADAPTER_PORT": str(port), "ADAPTER_RATE_LIMIT": "0", "ADAPTER_POOL_SIZE": options.pool,
    }, port)
    for workers in sorted({1, os.cpu_count()}):
        port = free_port()
        pool = str(max(1, int(options.pool) // workers))
        command = [options.python, "-m", "uvicorn", "fastapi_twin:app", "--port", str(port), "--workers", str(workers),
                   "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error"]
        yield Service(f"FastAPI, {workers} worker{'s' * (workers > 1)}", command,
                      {"DATABASE_URL": url, "ADAPTER_POOL_SIZE": pool}, port)


def measure(service, round_number, options):
    def post(idempotency_key):
        return POST.format(seed=time.monotonic_ns() % 10**9, key=KEY, body=BODY, idempotency_key=idempotency_key)
    service.load("POST, echo", post("prefix .. n"), options)
    # A hundred keys that exist after the first hundred requests, whose results do not count.
    replay = post(f'"replay-{service.port}-" .. (n % 100)')
    if round_number == 0:
        for n in range(100):
            request = urllib.request.Request(
                f"http://127.0.0.1:{service.port}/api/v1/actions", BODY.encode(),
                {"X-API-Key": KEY, "Content-Type": "application/json", "Idempotency-Key": f"replay-{service.port}-{n}"})
            urllib.request.urlopen(request, timeout=10).read()
    service.load("replay", replay, options)
    cursors = ", ".join(f'"{cursor}"' for cursor in service.cursors())
    service.load("page of GET", GET.format(cursors=cursors, key=KEY), options)


def report(found, postgres, options):
    print(f"\n{options.rows:,} rows, {options.connections} connections, {options.seconds} s each, {options.rounds} rounds, "
          f"medians\n")
    print("| | requests/s | p50 (ms) | p99 (ms) | adapter's rate |")
    print("|---|---:|---:|---:|---:|")
    adapter = found[0]
    for what, runs in adapter.results.items():
        best = statistics.median(run[0] for run in runs)
        for service in (*found, postgres):
            rate, p50, p99 = (statistics.median(column) for column in zip(*service.results[what]))
            ratio = "" if service is adapter else f"{best / rate:.2f} times"
            latencies = f"{p50:.1f} (mean) | " if service is postgres else f"{p50:.1f} | {p99:.1f}"
            print(f"| {what}: {service.name} | {rate:,.0f} | {latencies} | {ratio} |")
    print("\nPeak memory: " + ", ".join(f"{service.name} {service.peak():.0f} MB" for service in found))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", required=True, help="the program to measure")
    parser.add_argument("--python", required=True, help="a Python with FastAPI and the rest")
    parser.add_argument("--wrk", default="wrk", help="the program that makes the load")
    parser.add_argument("--postgres", required=True, help="the folder of PostgreSQL's programs")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--pool", default="10", help="connections to the database")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, help="where the server is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder or default_folder()) as made, contextlib.ExitStack() as cleanup:
        folder = pathlib.Path(made)
        folder.chmod(0o755)
        server = Server(options.postgres, folder)
        cleanup.callback(server.stop)
        server.fresh("service")
        subprocess.run([options.adapter, "--migrate"], env=os.environ | {"DATABASE_URL": server.url("service")},
                       check=True, stderr=subprocess.DEVNULL)
        server.sql(ROWS.format(rows=options.rows), "VACUUM ANALYZE", "CHECKPOINT", database="service")
        found = []
        for service in services(server, options):
            cleanup.callback(service.stop)
            found.append(service)
        postgres = None
        for round_number in range(options.rounds):
            # Whoever comes first in a round comes last in the next.
            for service in found if round_number % 2 == 0 else reversed(found):
                measure(service, round_number, options)
            postgres = postgres or Postgres(server, found[0].port, options)
            postgres.measure()
        report(found, postgres, options)


if __name__ == "__main__":
    main()
