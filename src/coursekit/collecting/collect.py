"""``coursekit collect``: from downloads to ``submitted/``."""

from __future__ import annotations

import contextlib
import errno
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nbgrader.apps import NbGrader
from nbgrader.coursedir import CourseDirectory
from rich.console import Console

from coursekit.collecting.claimed import Claimed, choose_newest, is_newer, row_of
from coursekit.collecting.collected_table import show_table
from coursekit.collecting.download import UnreadableFile, open_download
from coursekit.collecting.hand_ins import HandIn, ReadDownload, read_download
from coursekit.collecting.placing import Digests, digests_of, find_existing, put_in_place
from coursekit.collecting.platforms import BLACKBOARD, FOLDERS, Who
from coursekit.collecting.record import (
    IN_PLACE,
    NEW,
    REPLACED,
    UNCHANGED,
    all_rows,
    read_record,
    record_file,
    write_record,
)
from coursekit.collecting.roster import (
    Found,
    Roster,
    from_gradebook,
    from_records,
    read_roster,
    why_no_folder,
)
from coursekit.command_runner import Say, line_printer
from coursekit.course.assignment import assignments, find_assignment
from coursekit.course.student_names import escaped
from coursekit.errors import CourseKitError
from coursekit.gradebook.students import Student, read_students, remember_students
from coursekit.machine_errors import in_words
from coursekit.nbgrader_seam import commands
from coursekit.processes.plain_files import shown
from coursekit.repair.finding.timestamp import FILE

ROSTER = "roster.csv"
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True)
class CollectingWish:
    """What was asked for on the command line.

    Attributes:
        assignment: the assignment's name.
        downloads: archives and folders.
        platform: the platform's name, or "" to go by names.
        roster: the roster; None for the course's own, if it has one.
        zone: the time zone of times in names, or "" for this machine's.
        force: whether to replace submissions that may be newer.
        dry_run: whether to change nothing.

    """

    assignment: str
    downloads: Sequence[Path]
    platform: str = ""
    roster: Path | None = None
    zone: str = ""
    force: bool = False
    dry_run: bool = False


def collect(course: Path, wish: CollectingWish, console: Console) -> int:
    """Collect submissions; return the exit status: 0, or 1 if something was not collected.

    Raises:
        CourseKitError: if nothing can be collected.

    """
    find_assignment(course, wish.assignment)
    commands.install()
    say = line_printer(console)
    downloads = [path.absolute() for path in wish.downloads]
    given = (wish.roster or course / ROSTER).absolute()
    with contextlib.chdir(course):
        app = NbGrader()
        app.load_config_file()
        coursedir = CourseDirectory(parent=app, root=str(course))
        roster = read_roster(given) if wish.roster or given.is_file() else None
        run = _Run(coursedir, wish, roster, _zone(wish.zone))
        with contextlib.ExitStack() as opened:
            run.read(dict.fromkeys(downloads), opened)
            try:
                run.place_all()
            finally:
                if not wish.dry_run:
                    run.remember()
        return run.tell(console, say)


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CourseKitError(
            f"{name} is no time zone", "name one such as: --timezone Europe/Berlin"
        ) from None


class _Run:
    """One run."""

    def __init__(
        self, coursedir: Any, wish: CollectingWish, roster: Roster | None, zone: tzinfo | None
    ) -> None:
        self._coursedir = coursedir
        self._wish = wish
        self._roster = roster
        # Of these, the ids are those of the download's platform.
        self._has_ids: set[str] = set()
        self._zone = zone
        self._others = {one.name for one in assignments(Path(coursedir.root))} - {wish.assignment}
        self._left_out: list[str] = []
        self._known = from_gradebook(read_students(coursedir.db_url))
        self._rosters: list[Roster] = []
        self._record = record_file(Path(coursedir.root), wish.assignment)
        self._before = read_record(self._record)
        self._rows = all_rows(self._record.parent)
        self._read: list[tuple[str, ReadDownload]] = []
        self._claimed: list[Claimed] = []
        self._problems: list[CourseKitError] = []

    def read(self, downloads: Any, opened: contextlib.ExitStack) -> None:
        """Read what the downloads hold, and find out whose it is."""
        for path in downloads:
            try:
                files = opened.enter_context(open_download(path))
                found = read_download(path, files, self._wish.platform, self._zone)
            except CourseKitError as error:
                self._problems.append(error)
                continue
            self._read.append((path.name, found))
            earlier = from_records(self._rows, found.platform.name)
            self._rosters = [one for one in (self._roster, earlier, self._known) if one]
            people = [who for hand_in in found.hand_ins for who in hand_in.people]
            self._has_ids = {
                roster.origin
                for roster in self._rosters
                if any(roster.find(who).how == "id" for who in people)
            }
            for hand_in in found.hand_ins:
                if self._is_for_another(hand_in):
                    self._left_out.append(hand_in.origin)
                else:
                    self._claim(path.name, hand_in)
            if found.unknown:
                names = ", ".join(map(escaped, found.unknown))
                self._problems.append(
                    CourseKitError(
                        f"{path.name}: not collected, for it is no name of "
                        f"{found.platform.title}'s: {names}",
                        "rename it as the platform does, or put it into submitted/ yourself",
                    )
                )

    def _is_for_another(self, hand_in: HandIn) -> bool:
        """Take this assignment's out of folders as submitted/ has them; whether nothing is left."""
        if hand_in.platform is not FOLDERS or not hand_in.files:
            return False
        files = {
            inside: file
            for inside, file in hand_in.files.items()
            if inside.parts[0] not in self._others
        }
        if all(inside.parts[1:] and inside.parts[0] == self._wish.assignment for inside in files):
            files = {Path(*inside.parts[1:]): file for inside, file in files.items()}
        hand_in.files = files
        return not files

    def _claim(self, download: str, hand_in: HandIn) -> None:
        """Note whose a hand-in is."""
        for named in hand_in.people or (Who(()),):
            who = named
            found = self._find(hand_in, who)
            if hand_in.platform is BLACKBOARD and found.by:
                # Its names do not tell where an id begins.
                who = Who((found.by,), who.name)
            reason = "; ".join((*hand_in.problems, *filter(None, [found.problem])))
            for student in found.students or ("",):
                one = Claimed(hand_in, download, who, student, found.how, reason=reason)
                if student and not reason and (why := why_no_folder(student)):
                    one.reason = f"the id {escaped(student)!r} {why}"
                self._claimed.append(one)

    def _find(self, hand_in: HandIn, who: Who) -> Found:
        """Who somebody is: the roster's word counts, and then the gradebook's."""
        told = []
        for roster in self._rosters:
            found = roster.find(who)
            if roster is self._known and self._is_elsewhere(hand_in, found):
                continue
            if found.how == "name" and hand_in.platform.lasting and who.ids:
                found = self._unless_another(roster, found, who)
            if found.students or found.several:
                return found
            told.append(found)
        if self._roster:
            return told[0]
        if who.ids and (hand_in.platform.lasting or not who.name):
            return Found((who.ids[0],), "platform")
        return Found(
            problem=f"{who} has another number in every assignment, so that a roster is needed"
        )

    def _is_elsewhere(self, hand_in: HandIn, found: Found) -> bool:
        """Whether the gradebook has an id from another platform: its numbers are others'."""
        platforms = {row.platform for row in self._rows if row.lms_id == found.by}
        return bool(platforms) and hand_in.platform.name not in platforms

    def _unless_another(self, roster: Roster, found: Found, who: Who) -> Found:
        """Who has a name: not somebody with another id of the platform's."""
        (student,) = found.students
        known = roster.people[student].lms_ids
        if not known or roster.origin not in self._has_ids:
            return found
        return Found(
            problem=f"{who} has the name of {student}, whose id is {', '.join(known)} in "
            f"{roster.origin}",
            several=True,
        )

    def place_all(self) -> None:
        """Put each student's newest hand-in in place."""
        if not self._wish.dry_run:
            # Submissions that were replaced are kept in it.
            self._record.parent.mkdir(mode=0o700, exist_ok=True)
        by_student: dict[str, list[Claimed]] = defaultdict(list)
        for one in self._claimed:
            if one.student and not one.reason:
                by_student[one.student].append(one)
        for claimed in by_student.values():
            chosen = choose_newest(claimed)
            if chosen:
                self._place(chosen)

    def _place(self, one: Claimed) -> None:
        try:
            self._decide(one, digests_of(one.hand_in))
        except UnreadableFile as reason:
            one.reason = str(reason)
        except CourseKitError as error:
            one.reason = error.message
        except OSError as error:
            if error.errno in _FULL_DISK:
                raise
            one.reason = str(error)

    def _decide(self, one: Claimed, digests: Digests) -> None:
        place = Path(
            self._coursedir.format_path(
                self._coursedir.submitted_directory, one.student, self._wish.assignment
            )
        )
        existing = find_existing(self._coursedir, place)
        result = NEW
        if existing:
            new = {inside: digest for inside, digest in digests.items() if inside != Path(FILE)}
            if new == existing.digests:
                one.result = UNCHANGED
                return
            newer = is_newer(one, existing.time, self._before.get(one.student))
            if not newer and not self._wish.force:
                one.is_in_the_way = True
                one.reason = (
                    "there is a submission already, and a newer one"
                    if newer is False
                    else "there is another submission already, and no time says which is newer"
                )
                return
            result = REPLACED
        if not self._wish.dry_run:
            aside = self._record.with_name("replaced") / self._wish.assignment / one.student
            kept = put_in_place(one.hand_in.files, one.hand_in.time, place, aside)
            if kept:
                one.notes.append(f"the earlier one is in {kept}")
        one.result = result

    def remember(self) -> None:
        """Write the record of this run, and the platform's ids into the gradebook."""
        if not self._claimed:
            return
        write_record(self._record, self._before, map(row_of, self._claimed))
        placed = [one for one in self._claimed if one.result in IN_PLACE]
        try:
            remember_students(self._coursedir.db_url, map(self._student, placed))
        except Exception as error:
            told = in_words(error)
            if told is None:
                raise
            # What was collected is in place, and the next run remembers it.
            self._problems.append(told)

    def _student(self, one: Claimed) -> Student:
        known = self._roster.people.get(one.student) if self._roster else None
        own = one.how != "group" and one.hand_in.platform.in_grades and one.who.ids
        return Student(
            one.student,
            last_name=known.last_name if known else "",
            first_name=known.first_name if known else "",
            email=known.email if known else "",
            lms_user_id=one.who.ids[0] if own else "",
        )

    def tell(self, console: Console, say: Say) -> int:
        """Show what became of everything; return the exit status."""
        for name, found in self._read:
            say(f"{name}: {found.platform.title}, {len(found.hand_ins)} handed in")
        show_table(console, [(one.student, row_of(one), one.how) for one in self._claimed])
        for one in self._claimed:
            for note in dict.fromkeys((*one.hand_in.notes, *one.notes)):
                if one.result in IN_PLACE:
                    say(f"{escaped(one.student)}: {note}")
        if self._left_out:
            names = ", ".join(map(escaped, self._left_out))
            say(f"left out, handed in for another assignment: {names}")
        left = [one for one in self._claimed if one.reason]
        for one in left:
            whose = shown(one.student or one.hand_in.origin)
            say(f"error: not collected: {whose}: {escaped(one.reason)}")
        self._hint(left, say)
        for problem in self._problems:
            say(f"error: {problem}")
        counted = Counter(one.result for one in self._claimed)
        said = ", ".join(f"{number} {result}" for result, number in sorted(counted.items()))
        say(f"{self._wish.assignment}: {said or 'nothing was collected'}")
        if self._wish.dry_run:
            say("nothing was written; collect with the same command without --dry-run")
        elif self._claimed:
            say(f"who came from which file: {self._record}")
        return 1 if left or self._problems else 0

    def _hint(self, left: Sequence[Claimed], say: Say) -> None:
        if any(not one.student for one in left):
            own = f"write {ROSTER}, with the columns student,lms_id,name"
            filled = (
                f"fill in the column student in {self._record}, and add: --roster {self._record}"
            )
            say(f"hint: {own if self._wish.dry_run else f'{filled}; or {own}'}")
        if any(one.is_in_the_way for one in left):
            say("hint: to replace submissions, which are then kept aside, collect with: --force")
