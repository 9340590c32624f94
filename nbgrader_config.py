"""What differs from nbgrader's defaults. Read by every `nbgrader` command in this folder."""

from coursekit.nbgrader_seam import replaced_steps

c = get_config()

# The course folder and the students may have any name, and submissions may hold anything;
# some of nbgrader's own steps fail there.
replaced_steps.install()

c.CourseDirectory.course_id = "residual-networks"
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "__pycache__",
    "*.pyc",
    ".*",
    # The notebooks write these files, and write them again where they are missing.
    "*_signs.h5",
    "model.png",
    # The judge writes verdicts into autograded/; a student's files of that name are ignored.
    "*.verdict.json",
    # Only the release reads these.
    "assignment.toml",
    "blocks.py",
]

# Generating an assignment: hidden tests and the solution go into test cells before SaveCells
# takes the cells into the gradebook, and out again before the release is written.
c.GenerateAssignment.preprocessors = [
    "coursekit.nbgrader_seam.generating.InjectHiddenTests",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
    "coursekit.nbgrader_seam.generating.StampVersion",
]
c.GenerateAssignment.post_convert_hook = "coursekit.release.vendoring.complete_release"

# Grading begins by resetting earlier scores, and by repair: it finds the notebook, reads it
# in whatever state it is, and rebuilds it from the release. nbgrader_config.json names the
# class that does this, c.Autograde.exporter_class, and that class refuses to grade without
# this file: nbgrader ignores a configuration with a mistake in it, and would then run
# students' code with your rights.

# Grading, first pass: the gradebook's copy replaces every locked cell, that of the
# version which the submission was made from, and the hidden tests are taken out
# again, so that they never reach autograded/.
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "coursekit.nbgrader_seam.overwrite_by_version.OverwriteByVersion",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.OverwriteCells.add_missing_cells = True

# Grading, second pass: student code runs in a student kernel, test cells are
# judged outside it.
c.Autograde.autograde_preprocessors = [
    "coursekit.nbgrader_seam.judge_answers.JudgeAnswers",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# What a submission may use: `coursekit doctor` prints every limit and its default, which can be
# changed here, for all assignments or for one. A limit that is hit is named in the verdict.
# c.StudentKernel.cell_seconds = 600
# c.StudentKernel.by_assignment = {"residual-networks-v2a": {"cell_seconds": 60}}

# Students' text may hold HTML, and code that takes hours to colour; neither may run on their
# feedback pages or on the grader's. nbgrader_config.json, which comes first, sees to that:
# c.HTMLExporter.sanitize_html and c.HTMLExporter.filters.
