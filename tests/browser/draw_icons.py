"""Draw the icons of the installed app from the brand mark: `python -m tests.browser.draw_icons`.

What it draws is committed; run it again when templates/components/brand_mark.html changes.
"""

from __future__ import annotations

import re

from .product import CHROMIUM, FLAGS, ROOT

FOLDER = ROOT / "cryptopulse" / "static" / "img"
#: File -> edge in px, and whether the system cuts it to a shape of its own: then it fills the
#: square, with the mark inside the 80 % that every shape leaves.
ICONS = {
    "icon-192.png": (192, False),
    "icon-512.png": (512, False),
    "icon-maskable-192.png": (192, True),
    "icon-maskable-512.png": (512, True),
    "apple-touch-icon.png": (180, True),
}
PAGE = (
    "<style>*{{margin:0}}svg{{display:block;width:100vw;height:100vh;color:#fff;"
    "background:{background}}}</style>{svg}"
)
FILL = "#5560e6"


def drawing(*, is_cut: bool) -> str:
    mark = (FOLDER / "favicon.svg").read_text()
    if not is_cut:
        return PAGE.format(background="transparent", svg=mark)
    wave = re.sub(r"<rect[^>]*/>", "", mark).replace('viewBox="0 0 24 24"', 'viewBox="-4 -4 32 32"')
    return PAGE.format(background=FILL, svg=wave)


def main() -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, (edge, is_cut) in ICONS.items():
            page = browser.new_page(viewport={"width": edge, "height": edge})
            page.set_content(drawing(is_cut=is_cut))
            page.screenshot(path=FOLDER / name, omit_background=not is_cut)
            page.close()
            print(FOLDER / name)
        browser.close()


if __name__ == "__main__":
    main()
