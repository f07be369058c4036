"""OBJ-03, OBJ-06, CTX-02, CTX-04, FLOW-02: call every function within reach with the victim's ids and look what comes.

The control of each function is its call with the caller's own ids. A function is shown to leak when its answer carries
the victim's values, the victim's rows are other than before, the caller's context has become the victim's, or the
answer to a call that names the victim depends on the victim's rows.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from dbkit.leak.checks.functions.caller import Call, Caller, injections
from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.dependence import EXISTENCE, ROWS, TIMED_OUT, depends
from dbkit.leak.checks.functions.effects import Effects
from dbkit.leak.checks.functions.stand import Stand
from dbkit.leak.checks.functions.states import Question, other_states
from dbkit.leak.checks.subject import NEEDS_PARAMETERS
from dbkit.leak.contexts import own_context
from dbkit.leak.paths import HOLDS, LEAK
from dbkit.leak.rows import VICTIM
from dbkit.leak.session import Outcome
from dbkit.report import Evidence, Finding, Severity

__all__ = ["attack_routine", "unreviewed"]

_SETS_CONTEXT = re.compile(r"\bset_config\b|\bset\s+(?:local\s+|session\s+)?[\w.]+\s*(?:=|\bto\b)", re.IGNORECASE)
_ELSEWHERE = re.compile(r"\bdblink\w*\s*\(", re.IGNORECASE)
_QUEUE = re.compile(r"job|queue|task|outbox|inbox|message|event", re.IGNORECASE)
_WITHOUT_CONTEXT = 3
_TRANSACTION = re.compile(r"\b(?:commit|rollback)\s*(?:and\s+(?:no\s+)?chain\s*)?;", re.IGNORECASE)


def unreviewed(routine: Routine, definers: tuple[str, ...]) -> bool:
    """Whether the declaration does not list the function as reviewed."""
    return not any(name.partition("(")[0] == routine.qualified for name in definers)


def attack_routine(
    stand: Stand, effects: Effects, caller: Caller, routines: Routines, routine: Routine
) -> Finding | None:
    """Attack one function as one role.

    Returns:
        The finding, or None for a function that runs with its caller's rights and shows nothing.
    """
    return _Attack(stand, effects, caller, routines, routine).run()


class _Attack:
    """One function under attack by one role."""

    def __init__(self, stand: Stand, effects: Effects, caller: Caller, routines: Routines, routine: Routine) -> None:
        self.stand = stand
        self.effects = effects
        self.caller = caller
        self.routines = routines
        self.routine = routine
        reached = routines.reached(routine)
        self.text = "\n".join(each.facts.text for each in reached)
        self.dynamic = any(each.facts.dynamic for each in reached)
        self.truncates = any(each.facts.truncates for each in reached) or self.dynamic
        self.sets = bool(_SETS_CONTEXT.search(self.text)) or self.dynamic
        self.writes = any(each.facts.written for each in reached) or self.dynamic
        self.tables = routines.tables(routine, stand.model.relations)
        self.of_context = any(
            re.search(rf"(?<![\w.]){re.escape(name)}\s*\(", statement)
            for statement in stand.scope.scope.context
            for name in (routine.qualified, routine.name)
        )
        self.suspected: Finding | None = None

    def run(self) -> Finding | None:
        if _TRANSACTION.search(self.text):
            return self._not_called("it ends the transaction it is called in")
        calls = self.caller.calls(self.routine)
        control = self.stand.run(calls[0].sql)
        control_text = f"{calls[0].sql}; -- with the caller's own ids: {control}"
        outcomes: list[Outcome] = []
        for call in calls:
            outcome = self.stand.run(call.sql)
            if outcome.sqlstate == TIMED_OUT:
                return self._not_called(f"it does not end in time: {call.sql}")
            found = self._judge(call, outcome, control_text)
            if found is not None:
                return found
            outcomes.append(outcome)
        for shown in other_states(self._question(calls, outcomes)):
            return self._leak(shown.sql, shown.witness, control_text, shown.how, shown.prepare)
        found = self._without_context(calls, control_text) or self._injected(control_text)
        if found is not None:
            return found
        return self._without_leak(outcomes, calls[0], control)

    def _question(self, calls: list[Call], outcomes: list[Outcome]) -> Question:
        reviewed = not unreviewed(self.routine, self.stand.model.declaration.definers)
        return Question(
            self.stand,
            self.effects,
            self.routine,
            self.text,
            self.tables,
            [call for call in calls if not self._by_contract(call)],
            refused=all(outcome.refused for outcome in outcomes),
            writes=self.writes,
            truncates=self.truncates,
            dynamic=self.dynamic,
            reviewed=reviewed,
        )

    def _judge(self, call: Call, outcome: Outcome, control: str) -> Finding | None:
        witness = self.stand.shown(outcome, call.given)
        if witness:
            where = "the error text shows" if outcome.refused else "the answer shows"
            return self._leak(call.sql, f"{where} {witness}", control, "foreign rows")
        if outcome.refused or self._by_contract(call):
            return None
        if outcome.rows and self.routine.returns == "refcursor" and outcome.rows[0][0]:
            fetched = self.stand.attacker.session.run('fetch all from "' + outcome.rows[0][0] + '"')
            witness = self.stand.shown(fetched, call.given)
            if witness:
                return self._leak(call.sql, f"its cursor shows {witness}", control, "foreign rows")
        if self.sets or self.writes:
            found = self._context(call, control)
            if found is not None:
                return found
        if self.routine.volatile or self.writes:
            witness = self.effects.written(self.truncates)
            if witness:
                return self._leak(call.sql, witness, control, "foreign writes")
        witness = self._whole_row(outcome)
        if witness:
            return self._leak(call.sql, f"the answer is {witness}", control, "foreign rows")
        return self._depends(call, outcome, control)

    def _whole_row(self, outcome: Outcome) -> str | None:
        """Which row of the victim's the answer is, told by all of its values, those that went in included."""
        for name, table in self.stand.protected.items():
            if table.table.name == self.routine.returns and name in self.stand.victims and outcome.rows:
                stored = {row[0] for row in self.stand.whole_rows(name) if row[0]}
                if stored & {cell for row in outcome.rows for cell in row}:
                    return f"a row of {name} that is the victim's"
        return None

    # The context

    def _context(self, call: Call, control: str) -> Finding | None:
        """The victim's rows in sight after the call: it switched the context."""
        witness = self.stand.visible()
        if witness is None:
            return None
        scope = self.stand.scope
        if scope.trusts_settings and not scope.scope.names_user and not self._checks_anything():
            # Settings are believed as they are written, and the function writes no more than any session may.
            self._suspect(
                "tenant_switch_unchecked",
                f"{self.routine.signature} sets the context to whatever tenant it is given",
                "CTX-02",
                f"{call.sql} was accepted; the declared context believes any setting too, so nothing more is reached.",
                "Let it refuse a tenant the caller has no membership in.",
            )
            return None
        return Finding(
            rule="tenant_switch_unchecked",
            message=f"{self.stand.role.name} switches to another tenant with {self.routine.signature}",
            category="CTX-02",
            verdict=LEAK,
            object=self.routine.qualified,
            detail=f"The function never asks whether the caller belongs to the tenant it is given. {NEEDS_PARAMETERS}",
            hint="Let it refuse a tenant the caller has no active membership in.",
            evidence=Evidence(self.stand.paste(call.sql), witness, control),
        )

    def _by_contract(self, call: Call) -> bool:
        """The context statement given the identity it exists to take: who may name it is the caller's contract."""
        return self.of_context and ("user" in call.names or not self.stand.scope.scope.names_user)

    def _checks_anything(self) -> bool:
        return self.routine.definer and bool(self.tables)

    def _without_context(self, calls: list[Call], control: str) -> Finding | None:
        """Called by nobody: what asks `tenant is null or …` gives or changes everybody's rows then.

        A person or what is known of one (a subject, an address) is not named: that is how one signs in.
        """
        if not (self.routine.definer and self.stand.scope.scope.context and "current_setting" in self.text):
            return None
        nobody = self.stand.nobody
        nobody.renew()
        effects = Effects(nobody)
        named = [call for call in calls if call.names and call.names <= {"tenant", "object"}]
        for call in [*calls[:1], *named[:_WITHOUT_CONTEXT]]:
            outcome = nobody.run(call.sql)
            witness = nobody.shown(outcome, call.given)
            if witness is None and not outcome.refused and (self.routine.volatile or self.writes):
                witness = effects.written(self.truncates)
                how = "foreign writes"
            else:
                how = "foreign rows"
            if witness:
                return self._leak(call.sql, f"without a context: {witness}", control, how, stand=nobody)
        return None

    # Answers that depend on the victim's rows

    def _depends(self, call: Call, outcome: Outcome, control: str) -> Finding | None:
        """Noninterference: what comes when it is asked again without the victim's rows."""
        found = depends(self.stand, self.routine, self.text, self.tables, call, outcome)
        if found is None:
            return None
        if found.of == ROWS:
            return self._leak(call.sql, found.witness, control, "foreign rows")
        if found.of == EXISTENCE:
            return self._exists(call, found.witness, control)
        self._suspect(
            "definer_function_counts_all_tenants",
            f"{self.routine.signature} gives a figure over the rows of all tenants",
            "OBJ-03",
            f"{call.sql} {found.witness}; no row comes out.",
            "Filter by the tenant of the context, or list it under [tenancy] definers if the figure is meant.",
        )
        return None

    def _exists(self, call: Call, witness: str, control: str) -> Finding | None:
        """The row that a call names is there: a leak where its name can be guessed, and told of where it cannot."""
        named = call.names - {"tenant", "user"}
        if named and not self.routine.drawn:
            return self._leak(call.sql, witness, control, "foreign rows")
        if named:
            self._suspect(
                "definer_function_tells_existence",
                f"{self.routine.signature} tells whether a row of another tenant exists",
                "OBJ-03",
                f"{call.sql} {witness}.",
                "Compare the tenant column with the context in it.",
            )
        return None

    # Dynamic SQL

    def _injected(self, control: str) -> Finding | None:
        if not self.dynamic:
            return None
        texts = [
            number
            for number, argument in enumerate(self.routine.arguments)
            if argument.type.base in ("text", "varchar", "citext", "name", "bpchar")
        ]
        named = [name for name in self.tables if name in self.stand.victims] or list(self.stand.victims)
        tables = [self.stand.protected[name].table for name in named]
        payloads = list(injections(tables, self.stand.victims))
        payloads += self._context_payloads()
        for number, payload in itertools.product(texts, payloads):
            for call in self.caller.text_calls(self.routine, number, payload):
                outcome = self.stand.run(call.sql)
                witness = self.stand.shown(outcome, call.given)
                if witness:
                    return self._leak(call.sql, f"the injected SQL shows {witness}", control, "injection")
                if not outcome.refused and "set_config" in payload:
                    seen = self.stand.visible()
                    if seen:
                        how = f"the injected SQL switched the context: {seen}"
                        return self._leak(call.sql, how, control, "injection")
        return None

    def _context_payloads(self) -> Iterator[str]:
        """Where settings are believed, SQL injected into an invoker's function can write them."""
        if not self.stand.scope.trusts_settings:
            return
        for statement in own_context(self.stand.scope, self.stand.population.identities[VICTIM]):
            if statement.lower().startswith("select"):
                switch = f"(select count(*) from ({statement}) injected)"
                yield switch
                yield f"' || {switch}::text || '"

    # Verdicts

    def _leak(
        self,
        sql: str,
        witness: str,
        control: str,
        how: str,
        prepare: tuple[str, ...] = (),
        stand: Stand | None = None,
    ) -> Finding:
        routine = self.routine
        rule, category, reason, hint = self._explained(how)
        return Finding(
            rule=rule,
            message=f"{self.stand.role.name} {reason} {routine.signature}",
            category=category,
            verdict=LEAK,
            object=routine.qualified,
            detail=f"{self._rights()} {NEEDS_PARAMETERS}",
            hint=hint,
            evidence=Evidence((stand or self.stand).paste(sql, prepare=prepare), witness, control),
        )

    def _explained(self, how: str) -> tuple[str, str, str, str]:
        filtered = "Compare the tenant column with the context in every statement of it, or make it security invoker."
        if how == "injection":
            hint = "Put identifiers in with format('%I') from a closed list, values with USING."
            return "definer_function_injectable", "OBJ-03", "injects SQL into", hint
        if self.routine.settings and not self.routine.definer:
            hint = f"Run: alter function {self.routine.sql} reset {self.routine.settings[0].split(' ')[0]};"
            return "function_setting_opens_policies", "CTX-04", "reads another tenant's rows through", hint
        if _ELSEWHERE.search(self.text):
            hint = "Revoke EXECUTE from PUBLIC, and let the remote query filter by the tenant of the context."
            return "function_reads_through_other_connection", "OBJ-06", "reads another tenant's rows through", hint
        if self.writes and any(_QUEUE.search(name) for name in self.tables):
            return "queue_crosses_tenants", "FLOW-02", "reaches another tenant's queue through", filtered
        if how == "foreign writes":
            return "definer_function_writes_foreign_rows", "OBJ-03", "writes another tenant's rows through", filtered
        return "definer_function_reads_foreign_rows", "OBJ-03", "reads another tenant's rows through", filtered

    def _rights(self) -> str:
        if self.routine.settings and not self.routine.definer:
            return f"The function runs with {', '.join(self.routine.settings)}."
        if self.routine.definer:
            return f"The function runs with the rights of {self.routine.owner}."
        return "The function runs with its caller's rights and calls one that does not, or writes the context."

    def _suspect(self, rule: str, message: str, category: str, detail: str, hint: str) -> None:
        if self.suspected is None:
            self.suspected = Finding(
                rule=rule,
                message=message,
                severity=Severity.WARNING,
                category=category,
                object=self.routine.qualified,
                detail=detail,
                hint=hint,
            )

    def _without_leak(self, outcomes: list[Outcome], call: Call, control: Outcome) -> Finding | None:
        routine = self.routine
        if self.suspected is not None:
            reviewed = not unreviewed(routine, self.stand.model.declaration.definers)
            return None if reviewed else self.suspected
        if not routine.definer:
            return None
        if all(outcome.refused for outcome in outcomes):
            return self._not_called(f"every call was refused, e.g. {outcomes[0]}")
        silent = not any(cell is not None for outcome in outcomes for row in outcome.rows for cell in row)
        if silent and routine.kind == "f" and routine.returns != "void" and self._touches_protected():
            return self._not_called("no call gave anything, with the caller's own ids neither")
        return Finding(
            rule="definer_function_holds",
            message=f"{routine.signature} gives {self.stand.role.name} nothing of another tenant",
            severity=Severity.NOTE,
            category="OBJ-03",
            verdict=HOLDS,
            object=routine.qualified,
            evidence=Evidence(self.stand.paste(call.sql), None, f"with the caller's own ids: {control}"),
        )

    def _touches_protected(self) -> bool:
        return any(name in self.stand.protected for name in self.tables)

    def _not_called(self, reason: str) -> Finding | None:
        if not self.routine.definer or not unreviewed(self.routine, self.stand.model.declaration.definers):
            return None
        return Finding(
            rule="definer_function_not_attacked",
            message=f"{self.routine.signature} runs with its owner's rights and was not attacked with success",
            severity=Severity.NOTE,
            category="OBJ-03",
            object=self.routine.qualified,
            detail=f"Not shown: {reason}.",
            hint="Review that it filters by tenant, then list it under [tenancy] definers.",
        )
