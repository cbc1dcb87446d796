"""What a notebook can do to its kernel and to the grader's ends of its sockets: end itself, and no more."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from grader.model import ProbeRequest
from tests.hostile.arena import cell


def flood_raw(channel, frame):
    """Write ZeroMQ frames onto the kernel's own connection to the grader, past ipykernel and libzmq."""
    import os
    import socket

    piece = bytes(200_000)
    head = bytes([frame]) + (len(piece).to_bytes(8, "big") if frame & 2 else b"\xff")
    data = memoryview((head + piece) * 8 if frame & 2 else (head + piece[:255]) * 4000)
    for name in os.listdir("/proc/self/fd"):
        try:
            peer = socket.socket(fileno=os.dup(int(name)))
            if not str(peer.getsockname()).endswith(f"k-{channel}") or peer.getpeername() != "":
                continue
            peer.setblocking(True)
            for _ in range(200):
                peer.sendall(data)
        except (OSError, TypeError):
            continue
    import time

    time.sleep(60)


def flood_iopub(kind):
    """Publish from a thread through the kernel's own socket, past the limiter in the room."""
    import json
    import threading
    import time

    kernel = get_ipython().kernel  # noqa: F821
    parent = kernel.get_parent()
    session = type(kernel.session).send
    content = {
        "stream": {"name": "stdout", "text": "x" * 900_000},
        "display_data": {"data": {"text/plain": "x" * 900_000}, "metadata": {}, "transient": {"display_id": "y"}},
        "update_display_data": {"data": {"text/html": "x" * 900_000}, "metadata": {}, "transient": {"display_id": "y"}},
        "comm_open": {"comm_id": "c", "target_name": "jupyter.widget", "data": {"state": {"x": [[]] * 100_000}}},
        "status": {"execution_state": "busy", "execution_count": [[]] * 100_000},
        "nested": {"x": json.loads("[" * 900 + "]" * 900)},
    }[kind]
    threads = [
        threading.Thread(
            target=lambda: [
                session(kernel.session, kernel.iopub_socket, kind, content, parent=parent) for _ in range(400)
            ],
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(60)


FLOODS = {
    "two million lines": "for number in range(2_000_000): print(number)",
    "one line of 100 MB": "print('x' * 10**8)",
    "a long error": "raise ValueError('x' * 10**7)",
    "a value of 100 MB": "'x' * 10**8",
    "a display of 100 MB": "from IPython.display import display, HTML\ndisplay(HTML('x' * 10**8))\n"
    "display({'text/plain': 'y' * 10**8, 'image/png': 'z' * 10**8}, raw=True)",
    "the descriptor itself": "import os\nfor _ in range(2000): os.write(1, b'x' * 100_000)",
    "a subprocess": "import subprocess\nsubprocess.run('yes', timeout=2)",
    "the shell": "!yes | head -c 300000000",
    "stderr": "import sys\nfor _ in range(300): sys.stderr.write('x' * 10**6)",
    "stdout's parent class": "import sys\nfor _ in range(100): type(sys.stdout).write(sys.stdout, 'x' * 10**6)",
}
RAW = {
    **{f"{kind} messages": cell(flood_iopub, kind) for kind in
       ("stream", "display_data", "update_display_data", "comm_open", "status", "nested")},
    "an error of 100 MB": "raise ValueError('x' * 10**8)",
    "an endless message of outputs": cell(flood_raw, 3, 3),
    "large frames of outputs": cell(flood_raw, 3, 2),
    "commands among outputs": cell(flood_raw, 3, 4),
    "an endless message of replies": cell(flood_raw, 1, 3),
    "small frames of replies": cell(flood_raw, 1, 0),
    "endless small parts of replies": cell(flood_raw, 1, 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def flooded(arena):
    """All floods that a kernel survives, in one notebook."""
    return arena.run(*FLOODS.values(), "print('still here')")


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_cut_and_the_notebook_goes_on(flooded, name):
    run = flooded.cells[list(FLOODS).index(name)]
    assert run.outcome in ("finished", "raised", "timed out")
    assert len(run.text) + len(run.error_message) <= 11_000
    assert flooded.cells[-1].outcome == "finished"


@pytest.fixture(scope="module")
def raw(arena):
    """The others, some at a time: each watches the grader's memory."""
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(RAW, pool.map(lambda text: arena.run("x = 1", text), RAW.values()), strict=True))


@pytest.mark.parametrize("name", RAW)
def test_a_flood_past_the_limiter_leaves_the_grader_as_it_was(raw, name):
    before, flood = raw[name].cells
    assert before.outcome == "finished"
    assert flood.outcome in ("killed", "timed out", "finished", "raised")
    assert len(flood.text) <= 10_000


KERNEL = "import os, sys, zmq\nkernel = get_ipython().kernel\nsession = kernel.session\nS = type(session)\n"
ENDS = {
    "os._exit": "import os\nos._exit(0)",
    "sys.exit": "import sys\nsys.exit(3)",
    "exit and quit": "exit()\nquit()",
    "kernel shutdown": KERNEL + "kernel.do_shutdown(False)\nkernel.io_loop.stop()",
    "kernel shutdown and restart": KERNEL + "kernel.do_shutdown(True)",
    "segmentation fault": "import ctypes\nctypes.string_at(0)",
    "abort": "import os\nos.abort()",
    "deep recursion": "import sys\nsys.setrecursionlimit(10**8)\ndef f(): return f()\nf()",
    "deep repr": "x = []\nfor _ in range(10**6): x = [x]\nimport sys\nsys.setrecursionlimit(10**8)\nrepr(x)",
    "kill 1": "import os, signal\nos.kill(1, signal.SIGKILL)\nos.kill(1, signal.SIGTERM)\nos.kill(1, signal.SIGHUP)",
    "kill all": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "kill the group": "import os, signal\nos.kill(0, signal.SIGKILL)",
    "kill the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "daemons": "import os, subprocess, time\nfor _ in range(3):\n    if os.fork() == 0:\n        os.setsid()\n"
    "        if os.fork() == 0:\n            import signal\n            for n in range(1, 32):\n                "
    "try: signal.signal(n, signal.SIG_IGN)\n                except (OSError, ValueError): pass\n"
    "            time.sleep(600)\n        os._exit(0)\n"
    "subprocess.Popen(['nohup', 'sleep', '600'], start_new_session=True)\nos.kill(os.getpid(), 9)",
    "closing every file": "import os\nos.closerange(0, 4096)",
    "destroying the context": "import zmq\nzmq.Context.instance().destroy(0)\n"
    + KERNEL
    + "kernel.iopub_thread.close()",
    "closing the sockets": KERNEL + "kernel.shell_stream.close(0) if kernel.shell_stream else None\n"
    "kernel.iopub_socket.close(0)\nkernel.control_stream.close(0)",
    "no modules": "import sys\nsys.modules.clear()\nimport os",
    "no builtins": "import builtins\nfor name in list(vars(builtins)): delattr(builtins, name)",
    "other builtins": "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.open = builtins.print = None\n"
    "builtins.len = lambda x: -1\nbuiltins.dict = builtins.str = int",
    "no threads": "import threading\nthreading.Thread.start = lambda self: None\nthreading.Lock = None",
    "no loop": "import asyncio\nasyncio.get_event_loop().stop()\nasyncio.get_running_loop().close()",
    "collector": "import gc\ngc.freeze()\nfor x in gc.get_objects():\n    try: x.__dict__.clear()\n"
    "    except Exception: pass",
    "a closed display": "import os\nos.rmdir('/room/run')",
    "sockets replaced": "import os, socket\nfor n in range(1, 6):\n    path = f'/room/run/k-{n}'\n    "
    "os.path.lexists(path) and os.unlink(path)\n    if n % 2:\n        os.symlink('/etc/passwd', path)\n    else:\n"
    "        s = socket.socket(socket.AF_UNIX)\n        s.bind(path)\n        s.listen()\nprint('done')",
    "log replaced": "import os\nos.unlink('/room/run/kernel.log')\nos.mkfifo('/room/run/kernel.log')\n"
    "os.unlink('/room/run/kernel.json')\nos.symlink('/', '/room/run/kernel.json')\nos._exit(1)",
    "interrupted for ever": "import signal, os\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n"
    "import time\ntime.sleep(9)",
}
FORGERIES = {
    "handlers that answer nothing": KERNEL
    + "for name in list(kernel.shell_handlers): kernel.shell_handlers[name] = print",
    "handlers that raise": KERNEL + "def bad(*a): raise SystemExit\n"
    "for name in list(kernel.shell_handlers): kernel.shell_handlers[name] = bad",
    "no reply at all": KERNEL + "session.send = lambda *a, **k: None",
    **{
        f"content is {name}": KERNEL + f"def send(stream, kind, content=None, *a, _send=S.send, **k):\n"
        f"    if isinstance(kind, dict): kind['content'] = {value}\n"
        f"    return _send(session, stream, kind, {value}, *a, **k)\nsession.send = send"
        for name, value in {
            "a list": "[1]",
            "a number": "7",
            "text": "'text'",
            "nothing": "None",
            "empty": "{}",
            "of wrong types": "{'status': ['error'], 'ename': {'a': 1}, 'evalue': 3.5, 'execution_state': None, "
            "'name': 9, 'text': ['x'], 'data': 'x', 'value': {'a': []}, 'error': None, 'networks': {'a': 1}, "
            "'error_line': 'x', 'notes': [[1, 2], 'x', ['cuda', '\\x1b[31m']], 'transient': 'x', "
            "'execution_count': {}}",
            "an error without a name": "{'status': 'error', 'execution_state': 'idle'}",
            "an error of numbers": "{'status': 'error', 'ename': 7, 'evalue': None, 'traceback': 3, "
            "'execution_state': 'idle'}",
            "networks of everything": "{'status': 'ok', 'execution_state': 'idle', 'error_line': 10**400, 'networks': "
            "[[], None, {'name': 'x', 'identity': 10**3000, 'kind': 'k', 'digest': 'd', 'parameters': -1}] * 300, "
            "'value': '[' * 9000, 'notes': [['path', 'x' * 10**5]] * 2000}",
            "a huge value": "{'status': 'ok', 'execution_state': 'idle', 'value': '[' + '[],' * 30000 + '1]'}",
            "a value that is not finite": "{'status': 'ok', 'execution_state': 'idle', 'value': '[NaN, 1e999, "
            "-Infinity]'}",
            "half a letter": "{'status': 'error', 'ename': '\\ud800', 'evalue': '\\udfff\\x00\\x1b[2J', "
            "'execution_state': 'idle'}",
        }.items()
    },
    **{
        f"bytes are {name}": KERNEL
        + f"def pack(item, _json=__import__('json')):\n    data = _json.dumps(item, default=str).encode()\n"
        f"    return {value}\nsession.pack = pack"
        for name, value in {
            "no JSON": "b'{' + data",
            "NaN": "b'NaN'",
            "a huge number": "b'9' * 5000",
            "deep": "b'[' * 100000",
            "no text": "bytes(range(256))",
            "another coding": "data.decode().encode('utf-16')",
            "twice": "data + data",
            "a list": "b'[' + data + b']'",
        }.items()
    },
    "no signature": KERNEL + "session.sign = lambda parts: b''",
    "no delimiter": KERNEL + "import jupyter_client.session as j\nj.DELIM = b'<>'",
    "other parents": KERNEL + "def send(stream, kind, content=None, parent=None, *a, **k):\n"
    "    return S.send(session, stream, kind, content, {'header': {'msg_id': 'x' * 9}}, *a, **k)\nsession.send = send",
    "no parents": KERNEL + "def send(stream, kind, content=None, parent=None, *a, **k):\n"
    "    return S.send(session, stream, kind, content, None, *a, **k)\nsession.send = send",
    "many replies": KERNEL + "def send(*a, **k):\n    for _ in range(50): S.send(session, *a, **k)\n"
    "    return S.send(session, *a, **k)\nsession.send = send",
    "idle at once": KERNEL + "parent = kernel.get_parent()\n"
    "S.send(session, kernel.iopub_socket, 'status', {'execution_state': 'idle'}, parent=parent)\nprint('late')",
    "parts by the hundred": KERNEL
    + "def send(stream, *a, **k):\n    stream.send_multipart([b'x'] * 500)\nsession.send = send",
    "a patched transformer": KERNEL + "get_ipython().input_transformers_cleanup.append(lambda lines: ['print(1)\\n'])",
    "a patched shell": KERNEL + "type(get_ipython()).run_cell_async = type(get_ipython()).run_cell = None",
    "failing events": "get_ipython().events.register('post_run_cell', lambda *a: 1 / 0)\n"
    "get_ipython().events.register('pre_run_cell', lambda *a: exit())",
    "a failing namespace": "class N(dict):\n    def items(self): raise SystemExit\n    __iter__ = items\n"
    "get_ipython().user_ns.__class__\nget_ipython().user_ns = N()",
    "a failing error": "class E(Exception):\n    def __str__(self): raise KeyboardInterrupt\n"
    "    __repr__ = __str__\nraise E",
    "a lying error": "class E(Exception):\n    __name__ = 7\nE.__name__ = '::error::<b>'\nraise E('\\x1b[31m<script>')",
}
PROBES = """
def answer(namespace, x):
    return {"x": x}
"""
ASKED = [
    ProbeRequest(name=f"p{number}", function="answer", arguments={"x": number}, timeout_seconds=1) for number in (1, 2)
]


@pytest.fixture(scope="module")
def ended(arena):
    """Every way to end, some at a time: each in a room of its own."""
    return run_all(arena, ENDS)


@pytest.fixture(scope="module")
def forged(arena):
    return run_all(arena, FORGERIES)


def run_all(arena, attacks):
    def run(text):
        return arena.run("print('before')", text, "print('after')", requests=ASKED, probes_source=PROBES)

    with ThreadPoolExecutor(12) as pool:
        return dict(zip(attacks, pool.map(run, attacks.values()), strict=True))


@pytest.mark.parametrize("name", ENDS)
def test_whatever_ends_a_kernel_leaves_the_rest(ended, name):
    check_rest(ended[name])


@pytest.mark.parametrize("name", FORGERIES)
def test_whatever_a_kernel_says_is_only_data(forged, name):
    check_rest(forged[name])


def check_rest(execution):
    assert (execution.cells[0].outcome, execution.cells[0].text) == ("finished", "before\n")
    assert set(execution.replies) == {"p1", "p2"}
    for reply in execution.replies.values():
        assert len(json.dumps(reply.value)) < 200_000
        assert isinstance(reply.error, str)
    for run in execution.cells:
        assert len(run.text) + len(run.error_message) + len(run.error_name) < 12_000
        json.dumps([run.text, run.error_name, run.error_message]).encode()
        assert "\x1b" not in run.text + run.error_name + run.error_message
    for finding in execution.findings:
        assert len(finding.message) < 2000
        assert "\x1b" not in finding.message
