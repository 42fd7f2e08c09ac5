"""A page as a browser makes it."""

import json
import shutil
import socket
import subprocess

from bs4 import BeautifulSoup

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_BUDGET = 20_000  # ms of the page's own clock, which runs as fast as the machine can


class Browser:
    """A Chromium that opens one page after another: to start it costs more than a page does.

    It is asked in words of the DevTools protocol, each a JSON text that ends with a zero byte.
    """

    def __init__(self, profile):
        self._line, theirs = socket.socketpair()
        self._line.settimeout(300)
        pipe = ["sh", "-c", 'exec "$@" 3<&0 4<&0', "sh"]  # where --remote-debugging-pipe listens
        command = [*pipe, *_command(profile), "--remote-debugging-pipe"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, stdin=theirs, **quiet)
        theirs.close()
        self._heard, self._console, self._asked, self._session = b"", [], 0, {}
        page = self._ask("Target.createTarget", url="about:blank")
        self._session = self._ask("Target.attachToTarget", **page, flatten=True)
        for kind in ("Page", "Runtime", "Log"):
            self._ask(f"{kind}.enable")

    def browse(self, url, width=1280):
        """The page's DOM after its scripts ran, and what it wrote to the console."""
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        self._ask("Emulation.setVirtualTimePolicy", policy="pause")
        self._console.clear()
        self._ask("Page.navigate", url=url)
        running = {"policy": "pauseIfNetworkFetchesPending", "budget": _BUDGET}
        self._ask("Emulation.setVirtualTimePolicy", **running)
        while self._hear().get("method") != "Emulation.virtualTimeBudgetExpired":
            pass
        shown = self._ask("Runtime.evaluate", expression="document.documentElement.outerHTML")
        return BeautifulSoup(shown["result"]["value"], "html.parser"), [*self._console]

    def close(self):
        self._line.close()  # it ends with its line
        self._process.wait(60)

    def _ask(self, method, **parameters):
        self._asked += 1
        asked = {"id": self._asked, "method": method, "params": parameters, **self._session}
        self._line.sendall(json.dumps(asked).encode() + b"\0")
        while (answer := self._hear()).get("id") != self._asked:
            pass
        return answer["result"]

    def _hear(self):
        """The next message; a line for the console is kept."""
        while b"\0" not in self._heard:
            if not (more := self._line.recv(1 << 20)):
                raise ConnectionError("Chromium ended")
            self._heard += more
        text, _, self._heard = self._heard.partition(b"\0")
        message = json.loads(text)
        if say := _LINES.get(message.get("method")):
            self._console.append(say(**message["params"]))
        return message


def _entry(entry, **_):
    return f"{entry['text']} {entry.get('url', '')}"


def _exception(exceptionDetails, **_):
    thrown = exceptionDetails.get("exception", {})
    return f"{exceptionDetails['text']} {thrown.get('description', '')}"


def _call(args, **_):
    return " ".join(str(part.get("value", part.get("description"))) for part in args)


_LINES = {
    "Log.entryAdded": _entry,
    "Runtime.exceptionThrown": _exception,
    "Runtime.consoleAPICalled": _call,
}


def print_page(url, profile, file):
    """The page as a PDF, as `make pdf` prints the book."""
    command = [*_command(profile), f"--virtual-time-budget={_BUDGET}", "--no-pdf-header-footer"]
    subprocess.run(
        [*command, f"--print-to-pdf={file}", url], capture_output=True, timeout=300, check=True
    )


def _command(profile):
    options = ["headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"]
    options += ["disable-background-networking", "disable-component-update", "disable-sync"]
    return [CHROMIUM, *(f"--{option}" for option in options), f"--user-data-dir={profile}"]
