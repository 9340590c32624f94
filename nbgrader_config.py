"""What differs from nbgrader's defaults. Read by every `nbgrader` command in this folder."""

from coursekit.nbgrader_seam import commands

c = get_config()

# Every nbgrader command works in this course, or says in one sentence what to use instead.
# The course folder may have any name; nbgrader itself fails on brackets and question marks.
commands.install()

c.CourseDirectory.course_id = "residual-networks"
# The gradebook is gradebook.db in this folder. Several people who grade at once keep it on a
# server: docs/grading.md, "Many graders".
# c.CourseDirectory.db_url = "postgresql://grader@db.example.org/course"
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
    "coursekit.grading.overwrite_by_version.OverwriteByVersion",
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.OverwriteCells.add_missing_cells = True

# Grading, second pass: student code runs in a student kernel, test cells are
# judged outside it.
c.Autograde.autograde_preprocessors = [
    "coursekit.grading.judge_answers.JudgeAnswers",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
]

# Every run makes the feedback pages again: an earlier one may be of an earlier submission or score.
c.GenerateFeedback.force = True
# The pages show the result first, and load nothing from anywhere.
c.GenerateFeedback.exporter_class = "coursekit.nbgrader_seam.feedback_exporter.FeedbackExporter"
c.GenerateFeedback.preprocessors = []

# nbgrader exports 0 for what is not graded, and a comma in a name shifts its columns.
c.ExportApp.plugin_class = "coursekit.exporting.grade_export.GradeExport"

# `coursekit collect` knows the names in the downloads of Canvas, Moodle, Blackboard, Brightspace
# and Gradescope. For others, `nbgrader zip_collect` reads the student from a file's name by a
# pattern, such as this one for ada_lovelace_1815_Numbers_v1.ipynb:
# c.FileNameCollectorPlugin.named_regexp = (
#     r".*/(?P<student_id>[^_/]+_[^_/]+)_\d+_(?P<file_id>[^/]+)"
# )

# What a submission may use: `coursekit doctor` prints every limit and its default, which can be
# changed here, for all assignments or for one. A limit that is hit is named in the verdict.
# c.StudentKernel.cell_seconds = 600
# c.StudentKernel.by_assignment = {"residual-networks-v2a": {"cell_seconds": 60}}

# Students' text may hold HTML, and code that takes hours to colour; neither may run on their
# feedback pages or on the grader's. nbgrader_config.json, which comes first, sees to that:
# c.HTMLExporter.sanitize_html and c.HTMLExporter.filters.
