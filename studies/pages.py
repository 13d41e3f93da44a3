"""Pages of two built books as pictures, one above the other: python -m studies.pages BEFORE AFTER (folders of html)."""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from scripts.browser import find_browser
from studies.machine import RESULTS

# file: (page, section)
PAGES = {
    "first-page": ("index", ""),
    "chapter-3": ("chapters/03-the-derivative", "#first-alarm-the-row-sums"),
    "chapter-7": ("chapters/07-learning-to-read-digits", "#the-weights-as-images"),
    "chapter-8": ("chapters/08-the-step-and-the-word", "#how-much-error-chance-explains"),
    "ledger": ("chapters/the-lecture-claim-by-claim", ""),
}
# (width, height, share at which it is shown), light and dark
SCREENS = [(1280, 900, 0.5), (390, 844, 0.6)]
GAP = 8


def picture(browser, address, width, height, share, mode):
    """Return what a screen shows at an address."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=mode, reduced_motion="reduce")
    page.goto(address)
    page.wait_for_timeout(1500)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    return image.resize((round(width * share), round(height * share)), Image.Resampling.LANCZOS)


def joined(images, across):
    """Return images side by side, or one below the other."""
    width = (sum if across else max)(image.width + GAP for image in images)
    height = (max if across else sum)(image.height + GAP for image in images)
    sheet, place = Image.new("RGB", (width, height), "gray"), 0
    for image in images:
        sheet.paste(image, (place, 0) if across else (0, place))
        place += (image.width if across else image.height) + GAP
    return sheet


def main(*folders):
    """Write a picture for each page: before above, after below; wide and narrow, light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        for name, (page, section) in PAGES.items():
            addresses = [f"{(Path(folder).resolve() / page).as_uri()}.html{section}" for folder in folders]
            views = [(*screen, mode) for screen in SCREENS for mode in ("light", "dark")]
            rows = [joined([picture(browser, address, *view) for view in views], True) for address in addresses]
            joined(rows, False).save(RESULTS / "pages" / f"{name}.webp", quality=60, method=6)


if __name__ == "__main__":
    main(*sys.argv[1:])
