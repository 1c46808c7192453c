"""How the exported page reads files, in a real browser."""

import base64
import json
from pathlib import Path
from typing import Any

from support.browser import Browser

READ = """(async () => {
  const model = JSON.parse(document.querySelector(".description").textContent);
  const bytes = (content) => Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0)), plain = (one) => one && [...one];
  try {
    const given = await Promise.all(Object.entries(FILES).map(([name, content]) => files.open(bytes(content), name, model)));
    const { series, notes, fields } = reader.read(given, model);
    const words = Object.fromEntries([...fields].map(([name, column]) => [name, column.words]));
    return { notes, fields: words, series: series.map(({ id, values, times }) => ({ id, values: values.map(plain), times: plain(times) })) };
  } catch (error) {
    return error.message;
  }
})()"""


def read_in_page(browser: Browser, page: Path | None, **files: str | bytes) -> Any:
    """Return what a page reads from files, by name with an underscore for the dot; the sentence if it refuses them.

    None is the page that is open.
    """
    content = {
        name.replace("_", "."): base64.b64encode(one.encode() if isinstance(one, str) else one).decode()
        for name, one in files.items()
    }
    if page is not None:
        browser.open(page)
    return browser.run(READ.replace("FILES", json.dumps(content)))
