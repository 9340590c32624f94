"""Run a submission's own cells in a student kernel, and have its test cells judged outside it."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

import zmq
from nbclient.exceptions import CellExecutionComplete, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader import utils
from nbgrader.preprocessors import Execute
from traitlets import Bool, Float, Unicode

from coursekit.course.assignment import read_notebook
from coursekit.course.library import refuse_other_library
from coursekit.errors import InfrastructureError
from coursekit.gradebook.asked_cells import tests_digest
from coursekit.grading.undefined_names import CellEnd, CellEnds, error_in_words
from coursekit.judge.judge_client import JudgeProcess, OutOfTime
from coursekit.judge.verdict import CellVerdict, NotebookVerdict
from coursekit.judge.warm_judge_client import prepare
from coursekit.kernels.manager import student_kernel, working_folder
from coursekit.kernels.outputs.cell_outputs import CellOutputs
from coursekit.kernels.outputs.hit_limits import limit_hit
from coursekit.kernels.outputs.output_meter import OutputMeter
from coursekit.kernels.outputs.plain_outputs import formed_message, plain_error, plain_message
from coursekit.kernels.time_limits import TimeLimits
from coursekit.kernels.trace_request import request_trace
from coursekit.pages.verdict_html import verdict_html
from coursekit.sandbox.settings import StudentKernel
from resnets_utils.notebooks.released import ReleasedNotebook

# How long a cell that took too long has for its interruption and last outputs.
_STOPPING_SECONDS = 10
MAX_REASON_LETTERS = 300
NOT_RUN = (
    "Grading ends with the last graded cell: this cell and those below were not run. "
    "No points depend on them.\n"
)
_ENDED = "the kernel stopped while {} ran"
_UNHEARD = "{} could not be run: the kernel has closed the channel that it is asked on"


class JudgeAnswers(Execute):  # type: ignore[misc]
    """Replaces nbgrader's Execute.

    The student's kernel runs the student's cells and never a test cell. When a
    test cell's turn comes, the judge runs the gradebook's copy of it, in a
    process of its own, on the graphs that the student's functions draw. The
    cell's score is written into its output, where SaveAutoGrades looks for it.
    """

    trace_timeout = Float(60, help="Seconds that one call of a student's function may take.").tag(
        config=True
    )
    judge_timeout = Float(120, help="Seconds that the judge may compute over one test cell.").tag(
        config=True
    )
    judge_patience = Float(
        600, help="Seconds that one test cell may take where the machine does other things too."
    ).tag(config=True)
    repair_timeout = Float(60, help="Seconds that reading one submission may take.").tag(
        config=True
    )
    salts_file = Unicode(
        "",
        help="JSON file of salts by student, to repeat gradings; others get that of the run.",
    ).tag(config=True)
    record_timing = Bool(False, help="Keep when each cell ran, in the notebook.").tag(config=True)
    run_all = Bool(
        False, help="Run the cells after the last graded one too, on which no points depend."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: Any = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Run and judge one submitted notebook.

        Raises:
            InfrastructureError: if grading itself failed; then there is no score.

        """
        info = resources["nbgrader"]
        submission = info["submission"]
        graded_by, release = submission.graded_by, submission.release
        refuse_other_library(release)
        confinement = StudentKernel(parent=self).confinement(info["assignment"])
        # Formgrader shows the log, and not what is written to the terminal.
        tell = self.log.info if confinement.level.sandboxed else self.log.warning
        tell("Student code runs: %s", confinement.level.words)
        self._limits = confinement.limits
        self._time = TimeLimits(self._limits)
        self._tests = submission.cells.tests
        self._last = _last_asked(nb)
        self._told_of_the_rest = self.run_all
        self._remarks = [*filter(None, (graded_by.remark, *submission.repairs))]
        self._said = 0  # how many of them stand above a verdict
        self._cells: list[CellVerdict] = []
        self._stopped = ""  # why no further cell runs
        self._dead = False
        self._disk_was_full = False
        self._too_long = 0.0  # the seconds after which the last cell was stopped
        # Functions that gave no result in time, and the words.
        self._hung: dict[tuple[str, bool], str] = {}
        self._put_out: Counter[str] = Counter()
        self._salt = submission.salt
        prepare(self._tests, self._salt, at_once=False)
        try:
            with (
                working_folder(release, submission.folder, submission.own_files.contents) as folder,
                JudgeProcess(self.judge_timeout, self.judge_patience) as self._judge,
                student_kernel(confinement, self._time.end + _STOPPING_SECONDS) as self._manager,
            ):
                resources.setdefault("metadata", {})["path"] = str(folder.path)
                notebook = release / f"{graded_by.notebook}.ipynb"
                self._ends = CellEnds(
                    ReleasedNotebook(read_notebook(notebook), notebook).functions,
                    {**submission.own_files.left_out, **folder.left_out},
                    submission.python,
                )
                nb, resources = super().preprocess(nb, resources, km=self._manager)
                if self.kc is not None:
                    self.kc.stop_channels()
            missing = set(self._tests) - {cell.grade_id for cell in self._cells}
            if missing:
                raise InfrastructureError(
                    f"test cells {', '.join(sorted(missing))} were not judged",
                    "grade the submission again",
                )
        finally:
            resources["metadata"].pop("path", None)
        info["verdict"] = NotebookVerdict(
            info["assignment"],
            info["notebook"],
            info["student"],
            tuple(self._cells),
            self._salt,
            confinement.level.isolation,
            tuple(self._remarks),
            submission.digest,
            tests_digest(graded_by.assignment, graded_by.notebook, submission.cells),
        )
        return nb, resources

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Run a cell of the student's, or judge a test cell."""
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if utils.is_grade(cell) and grade_id in self._tests:
            self._judge_cell(cell, grade_id)
        elif cell.cell_type == "code":
            if index > self._last and not self.run_all:
                self._leave_out(cell)
            elif self._stopped:
                self._ends.add(CellEnd(cell.source, grade_id, self._stopped, stopped=True))
            else:
                cell, resources = self._run_cell(cell, resources, index)
                self._note_end(cell, grade_id, f"cell {index + 1}")
        return cell, resources

    def _leave_out(self, cell: NotebookNode) -> None:
        """Say once that the rest of the notebook does not run."""
        if cell.source.strip() and not self._told_of_the_rest:
            self._told_of_the_rest = True
            cell.outputs = [new_output("stream", name="stdout", text=NOT_RUN)]

    def _run_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Run a cell of the student's within its limits."""
        place = f"cell {index + 1}"
        if over := self._time.over():
            self._stop(f"stopped before {place}: {over}")
            return cell, resources
        self._meter = OutputMeter(self._limits, self._put_out)
        self._outputs = CellOutputs(cell)
        self._too_long = 0.0
        # If a flood of output loses the message "idle", the reply still counts.
        self.raise_on_iopub_timeout = False
        try:
            with (
                self._time.counting_as_cells(),
                self._manager.ended_after(self._time.left_to_cell() + _STOPPING_SECONDS),
            ):
                cell, resources = super().preprocess_cell(cell, resources, index)
        except DeadKernelError:
            self._note_death(place, _ENDED)
        except zmq.Again:
            self._note_death(place, _UNHEARD)
        except (CellTimeoutError, RuntimeError) as error:
            # It goes on in spite of the interruption: no further cell can run.
            what = str(error).splitlines()[0]
            self._stop("" if self._too_long else f"{place} was stopped: {what}")
        except Exception as error:
            # The student's process can send whatever it likes.
            self._stop(f"{place} sent messages that cannot be read ({type(error).__name__})")
        if not self._disk_was_full and (full := self._manager.full_disk()):
            self._disk_was_full = True
            self._remarks.append(full.format(place))
        if self._too_long:
            over = self._time.over()
            remark = f"stopped in {place}: {over}"
            if not over:
                remark = f"stopped after {self._too_long:.3g} s in {place}"
            self._remarks.append(remark)
            self._stopped = self._stopped and remark
        if self._meter.cut:
            self._remarks.append(f"output of {place} was cut at {self._meter.cut}")
        elif not (self._meter.complete or self._stopped or self._too_long) and cell.source.strip():
            self._remarks.append(f"output of {place} was lost in part: it was too much at once")
        # A message can set it; so show our own count.
        cell.execution_count = self.code_cells_executed if cell.source.strip() else None
        return cell, resources

    def _note_end(self, cell: NotebookNode, grade_id: str, place: str) -> None:
        """Take down how a cell ended."""
        why, stopped = "", bool(self._too_long or self._stopped)
        for output in cell.outputs:
            if output.output_type == "error":
                why = error_in_words(output.ename, output.evalue)[:MAX_REASON_LETTERS]
                if hit := limit_hit(output.ename, output.evalue, self._limits):
                    self._remarks.append(hit.format(place))
                    why, stopped = hit.format(place), True
        if self._too_long or self._stopped:
            why = self._stopped or f"stopped after {self._too_long:.3g} s in {place}"
        self._ends.add(CellEnd(cell.source, grade_id, why, stopped))

    def _note_death(self, place: str, otherwise: str) -> None:
        """Say why the kernel has ended; it answers nothing more."""
        self._dead = True
        self._manager.refuse_loss()
        why = self._manager.why_it_ended() or otherwise
        self._stop(why.format(place))

    def _stop(self, why: str) -> None:
        """Run no further cell of the student's."""
        self._stopped = why or "stopped"
        if why:
            self._remarks.append(why)

    def _get_timeout(self, cell: NotebookNode | None) -> float:
        """The seconds that a cell may take: nbclient asks before it runs one."""
        return self._time.left_to_cell()

    async def _async_handle_timeout(
        self, timeout: float, cell: NotebookNode | None = None
    ) -> dict[str, Any] | None:
        """Remember that a cell took too long; nbclient then interrupts it."""
        self._too_long = timeout
        self.raise_on_iopub_timeout = True
        reply: dict[str, Any] | None = await super()._async_handle_timeout(timeout, cell)
        return reply

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Take over the plain part of an output within its limits; nbclient learns of the end."""
        formed = formed_message(msg)
        admitted = None if formed is None else self._meter.admit(formed)
        if self._meter.complete:
            raise CellExecutionComplete
        if admitted is not None and admitted["msg_type"] != "status":
            self._outputs.take(plain_message(admitted))

    def on_cell_executed(self, **told: Any) -> None:
        """Show an error that is in the reply alone."""
        content, cell = told["execute_reply"]["content"], told["cell"]
        shown = any(output.output_type == "error" for output in cell.outputs)
        if content["status"] == "error" and not shown:
            cell.outputs.append(new_output("error", **plain_error(content)))

    def _judge_cell(self, cell: NotebookNode, grade_id: str) -> None:
        source, points = self._tests[grade_id]
        verdict = self._verdict(grade_id, source, points)
        # What is said of the whole notebook stands above the next verdict.
        remark = "\n".join(self._remarks[self._said :])
        self._said = len(self._remarks)
        self._cells.append(verdict)
        cell.outputs = [
            new_output(
                "execute_result",
                # nbgrader reads the score from the text.
                data={
                    "text/plain": f"{verdict.score:g}",
                    "text/html": verdict_html(verdict, remark),
                },
                execution_count=None,
            ),
        ]

    def _verdict(self, grade_id: str, source: str, points: float) -> CellVerdict:
        """The judge's verdict; without the function's answers if the submission's time is over."""
        asked = grade_id, source, points, self._answer, self._salt
        if not self._time.over_for_all():
            with contextlib.suppress(OutOfTime):
                return self._judge.judge(*asked, until=self._time.end)
        return self._judge.judge(*asked)

    def _answer(self, call: dict[str, Any]) -> dict[str, str]:
        """Make a call in the student's kernel, if it still runs.

        What was defined before a limit was hit is judged; only a dead kernel answers nothing.
        """
        if self._dead:
            return {"status": "raised", "reason": self._stopped}
        function = call["function"]
        # A network is called with the student's own blocks, and with right ones in their place.
        # If a block has hung, only the second call tells something of the network.
        called = (function, bool(call["blocks"]))
        others = {name for name, _ in self._hung} - {function}
        hung = self._hung.get(called) or (not others and self._hung.get((function, not called[1])))
        if hung:
            return {"status": "raised", "reason": hung}
        if over := self._time.over_for_all():
            return self._out_of_time(f"{function} was not called: {over}", over)
        try:
            reply = request_trace(self.kc, call, min(self.trace_timeout, self._time.left()))
        except TimeoutError as error:
            if over := self._time.over_for_all():
                return self._out_of_time(f"{function} gave no result: {over}", over)
            self._hung[called] = str(error)
            reply = {"status": "raised", "reason": str(error)}
        except (DeadKernelError, zmq.Again) as error:
            self._note_death(function, _ENDED if isinstance(error, DeadKernelError) else _UNHEARD)
            return {"status": "raised", "reason": self._stopped}
        # The student's process may leave the reason out.
        reason = reply.get("reason", f"{function} gave no result")
        if reply["status"] == "raised":
            name, _, text = reason.partition(": ")
            hit = limit_hit(name, text, self._limits) or self._manager.crowded()
            if hit and hit.format(function) not in self._remarks:
                self._remarks.append(hit.format(function))
        if reply["status"] == "undefined":
            if cause := self._ends.cause_of(function):
                return {**reply, "reason": f"{reason}: {cause}"}
            if self._stopped:
                return {"status": "raised", "reason": f"{reason}: {self._stopped}"}
        elif reply["status"] == "raised":
            return {**reply, "reason": self._ends.explained(reason)}
        return reply

    def _out_of_time(self, reason: str, over: str) -> dict[str, str]:
        """The reply for a call that the submission has no time for; one remark says so."""
        if not any(over in remark for remark in self._remarks):
            self._remarks.append(reason)
        return {"status": "raised", "reason": reason}


def _last_asked(notebook: NotebookNode) -> int:
    """The place of the last cell that gives points or is graded by hand; the last of all if none.

    What stands after it can change no score.
    """
    asked = [
        at
        for at, cell in enumerate(notebook.cells)
        if utils.is_grade(cell) or utils.is_solution(cell) or utils.is_task(cell)
    ]
    return max(asked, default=len(notebook.cells))
