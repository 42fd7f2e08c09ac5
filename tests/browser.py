"""A page as a browser makes it."""

import shutil
import subprocess

from bs4 import BeautifulSoup

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


def browse(url, profile, width=1280):
    """The page's DOM after its scripts ran, and what it wrote to the console."""
    done = _run(url, profile, f"--window-size={width},1000", "--dump-dom")
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return BeautifulSoup(done.stdout, "html.parser"), console


def print_page(url, profile, file):
    """The page as a PDF, as `make pdf` prints the book."""
    _run(url, profile, "--no-pdf-header-footer", f"--print-to-pdf={file}")


def _run(url, profile, *what):
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    command += ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    command += ["--disable-sync", f"--user-data-dir={profile}", "--enable-logging=stderr", "--v=0"]
    command += ["--virtual-time-budget=20000", *what, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
