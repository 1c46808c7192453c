"""A headless Chromium that tests drive over a pipe: no other package is needed."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for path in map(shutil.which, NAMES) if path), None)
QUIET = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--remote-debugging-pipe",
]  # fmt: skip
PATIENCE = 60
# A browser on a pipe reads commands from 3 and answers on 4.
START = """
import fcntl, os, sys
ours = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3]]
os.dup2(ours[0], 3), os.dup2(ours[1], 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One browser with one page."""

    def __init__(self, width=1280, height=900):
        self.complaints, self.requests, self.number = [], [], 0
        self.folder = tempfile.mkdtemp()
        theirs_in, self.write = os.pipe()
        self.read, theirs_out = os.pipe()
        command = [BROWSER, *QUIET, f"--user-data-dir={self.folder}", "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(theirs_in), str(theirs_out), *command],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in), os.close(theirs_out)
        self.rest, self.session = b"", None
        targets = self.send("Target.getTargets")["targetInfos"]
        (page,) = [target["targetId"] for target in targets if target["type"] == "page"]
        self.session = self.send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for room in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{room}.enable")
        self.resize(width, height)

    def resize(self, width, height=900):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", **size)

    def send(self, method, **values):
        self.number += 1
        message = {"id": self.number, "method": method, "params": values}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self):
        while b"\0" not in self.rest:
            piece = os.read(self.read, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(text)
        self._note(message.get("method"), message.get("params"))
        return message

    def _note(self, event, parameters):
        if event == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(parameters["entry"]["text"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(parameters["exceptionDetails"]["exception"].get("description", "exception"))
        elif event == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(one.get("value")) for one in parameters["args"]))

    def open(self, page):
        """Open a page, wait until it is loaded, and return the seconds that it took."""
        started = time.perf_counter()
        address = page if str(page).startswith("http") else Path(page).resolve().as_uri()
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        return time.perf_counter() - started

    def run(self, code):
        answer = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description"))
        return answer["result"].get("value")

    def wait(self, code):
        started = time.perf_counter()
        while not self.run(code):
            if time.perf_counter() - started > PATIENCE:
                raise TimeoutError(f"never came true: {code}")
            time.sleep(0.02)

    def drag(self, x, y, to_x, to_y):
        """Press at one place, release at another."""

        def mouse(kind, x, y):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

        mouse("mouseMoved", x, y)
        mouse("mousePressed", x, y)
        for step in range(1, 6):
            mouse("mouseMoved", x + (to_x - x) * step / 5, y + (to_y - y) * step / 5)
        mouse("mouseReleased", to_x, to_y)

    def double_click(self, x, y, until):
        """Click twice until it counts: on a busy machine the second click may come too late to be one of two."""
        started = time.perf_counter()
        while not self.run(until):
            if time.perf_counter() - started > PATIENCE:
                raise TimeoutError(f"never came true: {until}")
            for kind in ("mousePressed", "mouseReleased") * 2:
                self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
            time.sleep(0.5)

    def choose(self, selector, *files):
        """Choose files in an input, as a person does."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def press(self, key):
        """Press a key such as ArrowDown on what has the focus."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def hover(self, x, y):
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self, file, whole=False):
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(file).write_bytes(base64.b64decode(shot["data"]))

    def print(self, file):
        Path(file).write_bytes(base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"]))

    def close(self):
        self.session = None
        try:
            self.send("Browser.close")
            self.process.wait(10)
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.write), os.close(self.read)
        shutil.rmtree(self.folder, ignore_errors=True)
