"""Attack one table in one context state and judge each answer beside its control: leak, holds or unverified."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from dbkit.leak.attacker import Attacker
from dbkit.leak.contexts import State, allowed_slots
from dbkit.leak.controls import ENDLESS, PATIENCE, Control, Target
from dbkit.leak.directory import directory_columns, is_directory
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED, Path, Probe, RoleProof
from dbkit.leak.rows import VICTIM, Population, identify
from dbkit.leak.session import Outcome
from dbkit.leak.statements import COMMANDS, Variant
from dbkit.tenancy.model import Kind, Model, ScopeModel
from dbkit.tenancy.relations import Role, literal

__all__ = ["TableAttack"]

# What PostgreSQL cannot do with a table at all: merge into one with rules.
_NOT_SUPPORTED = re.compile(r"has INSERT or UPDATE rules|cannot execute MERGE on relation")
# Refusals that say the attack itself was no statement PostgreSQL understands, so nothing was proven.
_BROKEN = ("42601", "42703", "42P01", "42883", "42804", "42P10", "42P18", "0A000", "57014", "54001", "42P17", "25P02")


class TableAttack:
    """Attacks on one table in one state."""

    def __init__(
        self,
        attacker: Attacker,
        proof: RoleProof,
        role: Role,
        model: Model,
        scope: ScopeModel,
        target: Target,
        population: Population,
        state: State,
    ) -> None:
        self.attacker = attacker
        self.proof = proof
        self.role = role
        self.target = target
        self.population = population
        self.state = state
        self.model = model
        self.directory = is_directory(model, role, target.model)
        self.allowed = allowed_slots(state, target.model, scope, model)

    # Attacks

    def attack(self) -> None:
        for command in COMMANDS:
            self.proof.paths.append(self._command(command, self.target.controls.get(command, [])))

    def _command(self, command: str, controls: list[Control]) -> Path:
        path = Path(self.proof.scope, self.proof.role, self.target.name, command, self.state.name, HOLDS)
        if len(self.target.endless) >= PATIENCE:
            path.verdict = UNVERIFIED
            path.reason = f"given up after {PATIENCE} statements that end so: {self.target.endless[-1]}"
            return path
        if not controls:
            path.verdict, path.reason = UNVERIFIED, "no further valid row could be made for it"
            return path
        held: list[tuple[Control, str]] = []
        open_questions: list[str] = []
        vacuous: list[str] = []  # ways that nobody could go
        for control in controls:
            if control.own is not None and self.state.name == "right":
                shown = self._data_in_error(control.variant.control or "", control.own) if control.own.refused else ""
                if shown:
                    return self._leak(path, control, control.variant.control or "", shown)
            for statement in self._statements(control):
                outcome = self.attacker.run(statement, control.variant.prepare)
                if outcome.sqlstate in ENDLESS:
                    self.target.endless.append(outcome)
                self._record(control, statement)
                witness = self._witness(control, statement, outcome)
                if witness:
                    return self._leak(path, control, statement, witness)
                answer = self._holds(control, outcome)
                if answer is not None:
                    held.append((control, answer))
                elif control.own is None and outcome.sqlstate not in _BROKEN:
                    vacuous.append(self._why_open(control, outcome))
                else:
                    open_questions.append(self._why_open(control, outcome))
        open_questions += [] if held else vacuous
        if open_questions and not any(control.works for control, _ in held):
            path.verdict, path.reason = UNVERIFIED, open_questions[0]
            path.control = controls[0].text
            return path
        best = next(((control, answer) for control, answer in held if control.works), held[0])
        path.reason, path.control = best[1], best[0].text
        path.sql = self.attacker.paste(best[0].variant, best[0].variant.attack)
        return path

    def _record(self, control: Control, statement: str) -> None:
        """Keep what the emitted tests need; a function can run neither COPY nor a prepared query."""
        variant, table = control.variant, self.target.model.table
        if variant.command == "COPY TO" or statement.startswith("execute ") or self._of_directory(variant):
            return
        count, limit = statement, 0
        if variant.judge == "rows":
            foreign = [row for slot, row in self.target.rows.rows.items() if self._foreign({slot})]
            condition = " or ".join(dict.fromkeys(f"({identify(table, row, variant.returns)})" for row in foreign))
            if variant.command == "SELECT":
                count = f"select count(*) from {table.sql} where {condition}"
            else:
                count = f"with answer as ({statement}) select count(*) from answer where {condition}"
        elif variant.judge == "blind":
            limit = self._permitted()
        admin = (*(step.sql for step in self.state.steps if step.admin), *variant.prepare)
        context = self.attacker.context()
        name = variant.name if statement == variant.attack else "own rows"
        before, label = self.state.before, self.state.label
        probe = Probe(table.qualified, variant.command, label, name, admin, context, count, limit, before)
        self.proof.probes.append(probe)
        twin = variant.control
        if variant.judge == "rows":
            own = next((row for slot, row in self.target.rows.rows.items() if slot in self.allowed), None)
            where = identify(table, own, variant.returns) if own and variant.command == "SELECT" else None
            twin = f"select count(*) from {table.sql} where {where}" if where else None
        if self.state.name == "right" and control.works and twin:
            self.proof.probes.append(replace(probe, name=f"control: {name}".rstrip(": "), count=twin, limit=None))

    def _permitted(self) -> int:
        """How many rows a statement without WHERE may touch: all but the stored rows of others."""
        rows = self.target.rows.rows
        own = {id(row) for slot, row in rows.items() if slot in self.allowed}
        return self.target.total - len({id(row) for row in rows.values()} - own)

    def _leak(self, path: Path, control: Control, statement: str, witness: str) -> Path:
        path.verdict, path.witness, path.control = LEAK, witness, control.text
        path.reason = f"{self.state.label}: {control.variant.name or control.variant.command.lower()}"
        path.sql = self.attacker.paste(control.variant, statement)
        return path

    def _statements(self, control: Control) -> Iterable[str]:
        """The attack; where even the own rows are out of reach, the permitted twin is an attack too."""
        if control.variant.command == "SELECT" and self.target.name in self.state.warm:
            yield f"execute {self.state.warm[self.target.name]}"
        yield control.variant.attack
        twin = control.variant.control
        if not self.allowed and twin is not None and twin != control.variant.attack:
            yield twin

    def _witness(self, control: Control, statement: str, outcome: Outcome) -> str:
        """What the answer shows that it must not; empty when it shows nothing."""
        variant = control.variant
        if outcome.refused:
            return self._data_in_error(statement, outcome)
        if variant.judge == "rows" and not self._of_directory(variant):
            foreign = [row for row in outcome.rows if self._foreign(self.target.slots_of(variant, row))]
            if not foreign:
                return ""
            shown = dict(zip(variant.returns, foreign[0], strict=False))
            return f"{len(foreign)} row{'s' * (len(foreign) > 1)} that are not the caller's, e.g. {shown}"
        affected = outcome.affected or 0
        if variant.judge == "rows":
            return ""
        if variant.judge == "blind":
            if affected <= self._permitted():
                return ""
            return f"{affected} rows affected where at most {self._permitted()} are the caller's"
        if not affected:
            return ""
        if variant.judge == "insert" and statement == variant.attack and not self._stored_for_victim(variant):
            return ""
        return f"{affected} row affected that is not the caller's to touch"

    def _of_directory(self, variant: Variant) -> bool:
        return self.directory and variant.command in ("SELECT", "COPY TO")

    def _foreign(self, slots: set[str]) -> bool:
        return bool(slots) and not slots & self.allowed

    def _stored_for_victim(self, variant: Variant) -> bool:
        """After an insert that was accepted: is the row the victim's, or did a trigger make it the caller's own?"""
        model = self.target.model
        if model.column is None:
            return True
        if variant.prepare and self.model.registry and self.model.registry[0] == self.target.name:
            return False  # the victim was taken away for it, so this is a new tenant: whoever signs up makes one
        victim = self.population.identities[VICTIM]
        owner = victim.user if model.kind is Kind.USER else victim.tenant
        own_rows = {id(row) for row in self.target.rows.rows.values() if row[model.column] == owner}
        before = 0 if variant.prepare else len(own_rows)
        column = model.table.columns[model.column].sql
        now = self.attacker.peek(f"select count(*) from {model.table.sql} where {column} = {literal(owner)}")
        return int(now or 0) > before

    def _data_in_error(self, statement: str, outcome: Outcome) -> str:
        """Values of rows the caller may not see, shown by the error text."""
        text = f"{outcome.message} {outcome.detail}"
        for slot, row in self.target.rows.rows.items():
            if slot in self.allowed:
                continue
            for name, value in row.items():
                if value and len(value) >= 8 and value in text and value not in statement:
                    if value in "".join(self.attacker.script):
                        continue
                    return f"the error shows {name} of another row: {outcome}"
        return ""

    def _holds(self, control: Control, outcome: Outcome) -> str | None:
        """Why the answer counts as held, or None when it proves nothing."""
        if outcome.no_privilege:
            return "no privilege"
        if self._of_directory(control.variant) and not outcome.refused:
            columns = directory_columns(self.model, self.role, self.target.model)
            return f"a directory: every tenant is named to it by {columns}, and it is granted no other column"
        if outcome.sqlstate == control.admin.sqlstate == "0A000" and _NOT_SUPPORTED.search(outcome.message):
            return f"not possible for anybody: {outcome.message}"
        if outcome.sqlstate in _BROKEN:
            return None
        if control.own is not None and not control.works:
            if control.own.no_privilege and outcome.refused:
                return "no privilege"
            if not self._policy_for(control.variant):
                return "no policy admits the role"
            if self._refused_for_all(control):
                return f"refused for everybody: {control.admin.message}"
            return None
        if not control.admin_reaches:
            if outcome.refused and control.admin.sqlstate == "42501" and control.own is not None and control.works:
                return f"refused: {outcome}"  # the write of a definer trigger, which policies bind for everybody
            if outcome.refused and self._refused_for_all(control):
                return f"refused for everybody: {control.admin.message}"
            return None
        return f"refused: {outcome}" if outcome.refused else "the own rows only" if self.allowed else "no row"

    def _why_open(self, control: Control, outcome: Outcome) -> str:
        if outcome.sqlstate in _BROKEN:
            return f"the attack could not be carried out: {outcome}"
        if control.own is not None and not control.works:
            reason = f"its control does not work: the statement on the caller's own rows gives {control.own}"
            return reason + self._asked_otherwise(control.variant)
        return f"the attack ({control.variant.name}) gives {control.admin} even as the administrator"

    def _asked_otherwise(self, variant: Variant) -> str:
        """That the policies never ask for the column that says whose row it is: then it may be another that does."""
        table, column = self.target.model.table, self.target.model.column
        needed = {"all", *_NEEDED_POLICIES[variant.command](variant)}
        texts = [p.using or "" for p in table.policies if p.permissive and p.command in needed]
        if column is None or not texts or any(re.search(rf"\b{re.escape(column)}\b", text) for text in texts):
            return ""
        return f"; no policy for it asks for {column}, by which the rows of {self.target.name} are told apart here"

    def _refused_for_all(self, control: Control) -> bool:
        """A trigger that raises refuses everybody, so nobody gets through."""
        return control.admin.refused and "RAISE" in control.admin.context

    def _policy_for(self, variant: Variant) -> bool:
        """Whether any permissive policy lets the role try this command at all."""
        table = self.target.model.table
        if not table.rls:
            return True
        needed = _NEEDED_POLICIES[variant.command](variant)
        roles = {"public", self.role.name, *self.role.may_become}
        for command in needed:
            if not any(
                policy.permissive and policy.command in (command, "all") and roles & set(policy.roles)
                for policy in table.policies
            ):
                return False
        return True


def _merge_policies(variant: Variant) -> tuple[str, ...]:
    return ("insert",) if variant.name == "insert" else ("select", variant.name)


def _returning_policies(variant: Variant) -> tuple[str, ...]:
    return ("select", "delete" if variant.attack.startswith("delete") else "update")


_NEEDED_POLICIES: dict[str, Callable[[Variant], tuple[str, ...]]] = {
    "SELECT": lambda _: ("select",),
    "COPY TO": lambda _: ("select",),
    "INSERT": lambda _: ("insert",),
    "UPDATE": lambda _: ("update",),
    "DELETE": lambda _: ("delete",),
    "UPSERT": lambda variant: ("insert",) if variant.name == "do nothing" else ("insert", "update", "select"),
    "MERGE": _merge_policies,
    "RETURNING": _returning_policies,
}
