"""A process is killed at every step of a replacement; one complete set of files must survive."""

import subprocess
import sys

KILLS = '''
import os, signal, sys, tempfile
from pathlib import Path
from limelight.files import whole_file, whole_folder
from limelight.replacement import UNFINISHED, complete_replacement, replace_files

NAMES = ["a", "folder", "only_old", "only_new"]


def content(folder):
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def write(folder, word, names):
    for name in names:
        path = folder / name / "inside" if name == "folder" else folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(word)


def killed_at(step, work):
    """Whether a child process was killed at a step of its work; False if the work ended before."""
    child = os.fork()
    if child == 0:
        left = [step]

        def count(event, arguments):
            if event == "open" or event.startswith(("os.", "shutil.")):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def replacement(step):
    folder = Path(tempfile.mkdtemp())
    write(folder, "old", ["a", "folder", "only_old", "notes"])
    old = content(folder)
    write(folder / UNFINISHED, "new", ["a", "folder", "only_new"])
    killed = killed_at(step, lambda: replace_files(folder, NAMES))
    while killed_at(step, lambda: complete_replacement(folder)):
        step += 1
    new = {"a": "new", "folder/inside": "new", "only_new": "new", "notes": "old"}
    found = {name: text for name, text in content(folder).items() if not name.startswith(UNFINISHED)}
    assert found in (old, new), (step, found)
    if found == old:
        replace_files(folder, NAMES)
    assert content(folder) == new, (step, content(folder))
    return killed


def single(step, opened):
    folder = Path(tempfile.mkdtemp())

    def work(word):
        with opened(folder / "x") as temporary:
            (temporary / "inside" if temporary.is_dir() else temporary).write_text(word)

    work("old")
    killed = killed_at(step, lambda: work("new"))
    found = {name: text for name, text in content(folder).items() if name.startswith("x")}
    assert set(found.values()) in ({"old"}, {"new"}), (step, found)
    work("newer")
    assert set(content(folder).values()) == {"newer"} and os.listdir(folder) == ["x"], (step, content(folder))
    return killed


for case in (replacement, lambda step: single(step, whole_file), lambda step: single(step, whole_folder)):
    step = 1
    while case(step):
        step += 1
    print(step - 1)
'''


def test_a_kill_at_any_step_leaves_one_complete_set() -> None:
    ended = subprocess.run([sys.executable, "-c", KILLS], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert all(int(kills) >= 8 for kills in ended.stdout.split()), ended.stdout
