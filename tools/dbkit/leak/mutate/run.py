"""`dbkit leak --mutate`: prove the database, then every mutant of it, and count which ones the proof catches."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field

from dbkit.errors import DbkitError
from dbkit.leak.clone import Disposable
from dbkit.leak.mutate.mutants import Mutant, Mutants, find_mutants
from dbkit.leak.mutate.survivors import Explained
from dbkit.leak.mutate.trial import Ground, Trial, is_wrong, try_mutant
from dbkit.leak.proof import Proof, prove
from dbkit.leak.render import closing_line, report_of
from dbkit.leak.session import Session
from dbkit.postgres import Template
from dbkit.report import Severity

__all__ = ["MutationRun", "mutate"]

_SHOWN = 5


@dataclass
class MutationRun:
    """The trials of one database, in the order of its mutants.

    Attributes:
        proof: the unmutated proof, which holds.
        found: the mutants, and how many were not made for what reason.
        seconds: wall time of all trials.
    """

    proof: Proof
    found: Mutants
    trials: list[Trial] = field(default_factory=list)
    seconds: float = 0.0


def mutate(
    copy: Disposable,
    *,
    only: str | None = None,
    jobs: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> MutationRun:
    """Break a disposable database in every way its catalog gives, one at a time, and prove each.

    Args:
        copy: a disposable database on a server of ours; it is populated and cloned.
        only: a part of the name of the mutants that are tried, in which * stands for anything; None takes all.
        jobs: trials at a time; None takes one for each core.

    Raises:
        DbkitError: the unmutated proof does not hold, so a leak would prove nothing; or there is nothing to mutate.
    """
    import psycopg

    if copy.server is None:
        raise DbkitError(
            "mutants need a server of their own",
            detail="Each mutant is a clone, and the database that was given is attacked in place.",
            hint="Leave --in-place out.",
        )
    proof = prove(
        copy.conninfo,
        copy.declaration,
        isolation=copy.isolation,
        server_version_num=copy.server_version_num,
        progress=progress,
    )
    ground = Ground(
        copy.declaration, copy.isolation, copy.server_version_num, proof.population, proof.model, _known(proof)
    )
    with psycopg.connect(copy.conninfo) as connection:
        found = find_mutants(connection, proof.model)
        name = connection.info.dbname
    if not found.mutants:
        raise DbkitError(
            "there is nothing to mutate",
            detail="No policy, privilege, key or function keeps tenants apart for an app role.",
            hint="Look at what was understood: dbkit leak --model",
        )
    if only is not None:
        found.mutants = [mutant for mutant in found.mutants if Explained(f"*{only}*", "").matches(mutant.id)]
        if not found.mutants:
            raise DbkitError(
                f"no mutant is called {only}",
                detail="-k is a part of a mutant's name, such as using-true or rental.units; * stands for anything.",
                hint="See the names under killed: dbkit leak --mutate --format json",
            )
    run = MutationRun(proof, found)
    started = time.monotonic()
    template = Template(copy.server, name, pool_size=2)
    try:
        run.trials = _tried(template, found.mutants, ground, jobs or os.cpu_count() or 1, progress)
    finally:
        template.close()
    run.seconds = time.monotonic() - started
    return run


def _known(proof: Proof) -> frozenset[tuple[str, str]]:
    """What the unmutated proof says.

    Raises:
        DbkitError: it does not hold.
    """
    report = report_of(proof)
    wrong = [finding for finding in report.findings if is_wrong(finding)]
    if wrong:
        raise DbkitError(
            "the unmutated proof does not hold, so mutants would show nothing",
            detail=f"{closing_line(report)}. " + " ".join(f"{f.message} [{f.rule}]." for f in wrong[:_SHOWN]),
            hint="Mend what dbkit leak reports first.",
        )
    warned = (finding for finding in report.findings if finding.severity >= Severity.WARNING)
    return frozenset((finding.rule, finding.object or "") for finding in warned)


def _tried(
    template: Template, mutants: list[Mutant], ground: Ground, jobs: int, progress: Callable[[str], None]
) -> list[Trial]:
    """A trial for each mutant: those of the database several at a time, those of the cluster's roles alone."""
    trials: dict[str, Trial] = {}

    def done(trial: Trial) -> None:
        trials[trial.mutant.id] = trial
        survived = sum(not each.killed for each in trials.values())
        progress(f"{len(trials)} of {len(mutants)} mutants tried, {survived} not caught")

    # Proving is Python as much as SQL, so each trial runs in a process; a thread each keeps its clone.
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(jobs, context, _end_with, (os.getpid(),)) as processes,
        ThreadPoolExecutor(jobs) as threads,
        _ended_when_interrupted(processes, threads),
    ):

        def one(mutant: Mutant) -> Trial:
            with template.clone() as clone:
                waiting: Future[Trial] = processes.submit(try_mutant, clone.conninfo, mutant, ground)
                return waiting.result()

        for waiting in as_completed([threads.submit(one, mutant) for mutant in mutants if not mutant.undo]):
            done(waiting.result())
        for mutant in mutants:
            if mutant.undo:
                with _undone(template, mutant):
                    done(one(mutant))
    return [trials[mutant.id] for mutant in mutants]


@contextmanager
def _undone(template: Template, mutant: Mutant) -> Iterator[None]:
    """Take back what was done to a role of the cluster, whatever became of the trial."""
    try:
        yield
    finally:
        with Session(template.server.conninfo()) as session:
            session.must(*mutant.undo)


@contextmanager
def _ended_when_interrupted(processes: ProcessPoolExecutor, threads: ThreadPoolExecutor) -> Iterator[None]:
    """Ctrl-C waits neither for the trials that run nor for those that have not begun."""
    try:
        yield
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        for process in list((processes._processes or {}).values()):
            process.kill()
        raise


def _end_with(parent: int) -> None:
    """A trial's process ends when the run that started it is gone, killed or not."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
