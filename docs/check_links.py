"""Check that every relative link and picture in the project's Markdown files leads to a file."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
SKIPPED = {".venv", "var", "node_modules"}


def broken_links() -> list[str]:
    """Return ``file: target`` for each link that leads nowhere."""
    pages = [page for page in ROOT.rglob("*.md") if not SKIPPED & set(page.relative_to(ROOT).parts)]
    return [
        f"{page.relative_to(ROOT)}: {target}"
        for page in sorted(pages)
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]


if __name__ == "__main__":
    sys.exit("\n".join(broken_links()) or 0)
