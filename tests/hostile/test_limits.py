"""What a notebook can use up: its own room, and for no longer than its time."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hostile.arena import DISK, SETTINGS, cell


def fork_bomb():
    import os
    import time

    count, error = 0, 0
    for _ in range(5000):
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            count += 1
        except OSError as refused:
            error = refused.errno
            break
    return [count, error]


def fork_for_ever():
    """Every child forks as well, and nobody stops."""
    import os

    while True:
        try:
            os.fork()
        except OSError:
            continue


def thread_bomb():
    import threading
    import time

    threads = []
    try:
        while len(threads) < 5000:
            thread = threading.Thread(target=time.sleep, args=(0.5,))
            thread.start()
            threads.append(thread)
    except RuntimeError:
        pass
    for thread in threads:
        thread.join()
    return len(threads)


def take_at_once():
    try:
        return len(bytearray(20 * 2**30))
    except MemoryError:
        return "refused"


def take_in_pieces():
    kept = []
    try:
        for _ in range(20 * 2**10):
            kept.append(bytearray(b"x") * 2**20)
    except MemoryError:
        return len(kept)
    return "20 GiB"


def take_in_children():
    """Each process stays below its own limit; together they would take more than all."""
    import os
    import time

    for _ in range(40):
        if os.fork() == 0:
            kept = [bytearray(b"x") * 2**20 for _ in range(500)]
            time.sleep(60)
            os._exit(len(kept) % 2)
    time.sleep(60)


def take_shared():
    """Memory that belongs to no process: shared mappings, and files that lie nowhere."""
    import mmap
    import os

    kept = []
    try:
        while len(kept) < 200:
            kept.append(os.memfd_create("x"))
            for _ in range(60):
                os.write(kept[-1], b"x" * 2**20)
    except OSError:
        pass
    for _ in range(300):
        kept.append(mmap.mmap(-1, 2**25))
        for at in range(0, 2**25, 4096):
            kept[-1][at] = 1
    return len(kept) * 2**25


def fill(folders):
    import os

    piece = b"x" * 2**20
    filled = []
    for folder in folders:
        size = 0
        for number in range(40):
            try:
                with open(f"{folder}/filler{number}", "wb", 0) as file:
                    for _ in range(20):
                        size += file.write(piece)
            except OSError:
                break
        filled.append(size)
    for folder in folders:
        for name in os.listdir(folder):
            if name.startswith("filler"):
                os.unlink(f"{folder}/{name}")
    return filled


def flood_with_files(folders, most):
    import os

    count = 0
    try:
        for number in range(most):
            folder = f"{folders[number % len(folders)]}/{number // 50_000}"
            if number % 50_000 < len(folders):
                os.makedirs(folder, exist_ok=True)
            os.close(os.open(f"{folder}/{number}", os.O_CREAT | os.O_WRONLY))
            count += 1
    except OSError as error:
        return [count, error.errno]
    return [count, 0]


def one_large_file():
    try:
        with open("/tmp/large", "wb") as file:
            file.truncate(2**40)
    except OSError as error:
        return error.errno
    return 0


def open_many_files():
    kept = []
    try:
        for _ in range(100_000):
            kept.append(open("/dev/null"))
    except OSError as error:
        return [len(kept), error.errno]
    return "100000"


@pytest.fixture(scope="module")
def used(arena):
    """What one notebook could use up (each attack cleans up, where it may, for the next)."""
    attacks = {
        "threads": cell(thread_bomb),
        "at once": cell(take_at_once),
        "in pieces": cell(take_in_pieces),
        "disk": cell(fill, ["/room/work", "/tmp", "/dev/shm", "/room/home", "/room/run"]),
        "device": "print(_json.dumps([name for name in ('/dev/x', '/x', "
        "'/room/x') if not __import__('os').system(f'echo > {name}')]))",
        "large": cell(one_large_file),
        "open": cell(open_many_files),
        "forks": cell(fork_bomb),
    }
    return dict(zip(attacks, map(json.loads, arena.texts(*attacks.values())), strict=True))


def test_processes_and_threads_are_counted(used):
    assert 10 < used["threads"] < SETTINGS.processes
    count, error = used["forks"]
    assert 10 < count < SETTINGS.processes
    assert error == 11


def test_memory_of_a_process_is_bounded(used):
    assert used["at once"] == "refused"
    assert used["in pieces"] * 2**20 < SETTINGS.memory_bytes


def test_disks_are_small(used):
    most = [DISK + 8192, DISK + 8192, 2**26, 2**26, 2**20]
    assert [size for size, limit in zip(used["disk"], most, strict=True) if not limit / 2 < size <= limit] == []
    assert used["device"] == []


def test_files_are_bounded(used):
    assert used["large"] == 27
    assert used["open"][0] < SETTINGS.open_files


@pytest.mark.parametrize("attack", [take_in_children, take_shared])
def test_memory_of_a_room_is_bounded(arena, attack):
    free = available()
    lowest, ended = [free], threading.Event()

    def watch():
        while not ended.wait(0.02):
            lowest[0] = min(lowest[0], available())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        execution = arena.run("before = 1", cell(attack), "after = 1")
    finally:
        ended.set()
        thread.join()
    assert execution.cells[0].outcome == "finished"
    assert execution.cells[1].outcome in ("killed", "timed out", "raised")
    assert free - lowest[0] < 3 * 2**30, "the machine's memory was used"


def available() -> int:
    with open("/proc/meminfo") as file:
        return int(file.read().split("MemAvailable:")[1].split()[0]) * 1024


def test_a_flood_of_empty_files_is_bounded_and_gone(arena):
    before = inodes()
    execution = arena.run(cell(flood_with_files, ["/room/work", "/tmp", "/dev/shm", "/room/home"], 3_000_000))
    assert execution.cells[0].outcome in ("killed", "timed out", "finished")
    assert inodes() - before < 100_000


def inodes() -> int:
    """Return how many inodes of memory file systems the kernel holds (0 where only root may know)."""
    try:
        with open("/proc/slabinfo") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("shmem_inode_cache"))
    except OSError:
        return 0


ENDLESS = {
    "a loop": "while True: pass",
    "a loop that swallows interrupts": "while True:\n    try:\n        while True: pass\n"
    "    except BaseException: pass",
    "a loop that ignores the signal": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    "a call that does not return": "import re\nre.match('(a+)+b', 'a' * 60)",
    "a stopped process": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "a stopped first process": "import os, signal\ntry:\n    os.kill(1, signal.SIGSTOP)\nexcept OSError: pass\n"
    "while True: pass",
    "a sleep with a swarm": f"{cell(fork_for_ever)}",
}


@pytest.fixture(scope="module")
def endless(arena):
    """All of them at once: they wait, mostly."""
    with ThreadPoolExecutor(len(ENDLESS)) as pool:
        return dict(zip(ENDLESS, pool.map(lambda text: arena.run("x = 1", text), ENDLESS.values()), strict=True))


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_ended(endless, name):
    outcomes = [item.outcome for item in endless[name].cells]
    assert outcomes in (["finished", "timed out"], ["finished", "killed"])


def test_two_fork_bombs_do_not_harm_a_neighbour(arena):
    """Three rooms at a time, in threads of one grader; the innocent one must not notice."""
    work = ["import subprocess, threading\nx = [1]", "t = threading.Thread(target=x.append, args=(2,))\n"
    "t.start()\nt.join()",
            "print(x, subprocess.run(['echo', 'here'], capture_output=True, text=True).stdout.strip())"]  # fmt: skip
    started, enough = threading.Event(), threading.Event()

    def bomb() -> list[str]:
        ends = []
        while not enough.is_set():  # one after another, however slow the innocent are
            ends.append(arena.run("x = 1", cell(fork_for_ever), progress=lambda text: started.set()).cells[1].outcome)
        return ends

    with ThreadPoolExecutor(3) as pool:
        bombs = [pool.submit(bomb) for _ in "ab"]
        assert started.wait(30)
        try:
            innocent = [arena.run(*work) for _ in range(4)]
        finally:
            enough.set()
        ends = [end for bombed in bombs for end in bombed.result()]
    assert [[item.text for item in run.cells] for run in innocent] == [["", "", "[1, 2] here\n"]] * 4
    assert set(ends) <= {"timed out", "killed"}


def look_at_neighbours():
    """Signal every number there is, and look for any process but those of this room."""
    import os

    found = {name for name in os.listdir("/proc") if name.isdigit()}
    signalled = 0
    for number in range(2, 10_000):
        if not os.path.exists(f"/proc/{number}"):  # which is there for a thread, too
            try:
                os.kill(number, 0)
                signalled += 1
            except OSError:
                continue
    return [len(found), signalled]


def test_a_room_does_not_see_another(arena):
    wait = (
        "import time\nopen('/tmp/mine', 'w').write('x')\ntime.sleep(1.2)\nimport os\nprint(sorted(os.listdir('/tmp')))"
    )
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(arena.run, wait)
        seen, signalled = json.loads(arena.texts(cell(look_at_neighbours))[0])
        assert arena.texts("import os\nprint(os.path.exists('/tmp/mine'))") == ["False\n"]
        assert first.result().cells[0].text == "['mine']\n"
    assert seen <= 3
    assert signalled == 0


def test_the_course_files_are_as_they_were(arena, data):
    """Each notebook has a copy of its own; what it does to that stays in its room."""
    arena.run("open('course.csv', 'w').write('mine')\nimport os\nos.mkdir('graded')\nopen('graded/x', 'w')")
    assert arena.texts("import os\nprint(open('course.csv').read(), os.listdir('.'))") == [
        "id,text\n1,hello\n ['course.csv']\n"
    ]
    assert (data / "course.csv").read_text() == "id,text\n1,hello\n"
    assert os.listdir(data) == ["course.csv"]
