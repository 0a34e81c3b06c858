"""What one change of a field costs the explorer's page: script time of a repaint, for every configuration.

Run by hand on a quiet machine with Chromium and selenium: `python benchmarks/explorer.py [REPAINTS]`. It writes the
page, opens it in a headless browser, changes the batch as often as is said, and prints the median and the worst of the
times in which the script computed and showed everything, with the page's size. Layout and paint, which a browser does
by itself, are not in it. Nothing is asserted.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from selenium import webdriver

from vggcost.cli import main
from vggcost.network.catalogue import TABLE_1

SCRIPT = """
const [place, batchNorm, repaints] = arguments, times = [];
form.elements.config.selectedIndex = place;
form.elements.bn.checked = batchNorm;
form.dispatchEvent(new Event("input"));
for (let n = 1; n <= repaints; n++) {
  form.elements.batch.value = String(n);
  const start = performance.now();
  form.dispatchEvent(new Event("input"));
  times.push(performance.now() - start);
}
return times;
"""


def run(repaints: int) -> None:
    """Print a line for each configuration."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "explorer.html")
        if main(["explorer", "-o", str(page)]):
            sys.exit("the page could not be written")
        options = webdriver.ChromeOptions()
        for word in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"):
            options.add_argument(word)
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            browser.get(page.as_uri())
            print(f"{page.stat().st_size / 1024:.0f} KiB; {repaints} repaints each; script time in ms")
            print(f"{'Network':10} {'median':>7} {'worst':>7}")
            for place, name in enumerate(TABLE_1):
                for batch_norm in (False, True):
                    times = browser.execute_script(SCRIPT, place, batch_norm, repaints)
                    title = f"{name}-bn" if batch_norm else name
                    print(f"{title:10} {statistics.median(times):7.2f} {max(times):7.2f}")
        finally:
            browser.quit()


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
