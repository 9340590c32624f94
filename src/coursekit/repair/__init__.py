"""Repair before grading: a broken submission becomes a notebook, in four steps.

1. Find the notebook: `candidate_files` (renamed, in a folder), `archives`, `timestamp`;
   `notebook_choice` says which of several counts.
2. Read it: `submitted_notebook` (bytes, bounds), `damaged_text` (what is not quite JSON).
3. Recognise its cells: `pieces` (by metadata, id and text), `recognised_cells` (copies, cut
   and lost answers), `misplaced_code` (in test cells, locked cells and text), `pasted_code`,
   `hand_graded` (answers that somebody reads), `merged_answers` and `own_pictures` for it.
4. Rebuild it from the release: `rebuilt_notebook`, `answer_pictures`.

A new kind of broken submission goes into the step that meets it first, and into
``tests/broken_notebooks.py``. `submission` takes the four steps; `repair_process` and
``__main__`` run them in a process of their own.
"""
