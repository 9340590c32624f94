"""Run the code cells of a notebook in its folder, one after the other, in plain Python.

This script runs on the oldest Python that students may have, without the kit and
without Jupyter. The file ``cells.json`` holds the cells' names and texts; what each
cell printed or raised is written to ``said.json``.
"""

import contextlib
import io
import json
import sys
import traceback

sys.path.insert(0, "")  # the folder's own resnets_utils

with open("cells.json", encoding="utf-8") as file:
    cells = json.load(file)
said = []
for name, text in cells:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(text, name, "exec"), globals())
        except Exception:
            traceback.print_exc(file=printed)
    said.append([name, printed.getvalue()])
with open("said.json", "w", encoding="utf-8") as file:
    json.dump(said, file)
