"""Start a review: template, scope, reviewers, dates, gaps; right, what it would be. Nothing is frozen before that."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import streamlit as st

from model.errors import GrantmapError
from reviews.population import scope_in_words
from reviews.records import AcceptedGap, GapGroup, Plan, Population
from reviews.service import Preview
from reviews.templates import TEMPLATES
from ui import kit, session
from ui.words import OUTCOME_WORDS, RISK_WORDS, SERVICE_WORDS, counted, day, number, plain

Scope = dict[str, tuple[str, ...]]

_RULES = {
    "named": "People I name, shared evenly",
    "account-owner": "The owner that each account names",
    "resource-owner": "The owner that each resource names",
}
_WEEKS = (1, 2, 3, 4, 6)
_IDENTITIES = {"human": "People", "workload": "Workloads (programs)"}
#: As many accounts as pills can show.
_MOST_PILLS = 60


def _template() -> str:
    st.header("1. What kind of review", anchor=False)
    wanted = st.query_params.get("template", "")
    chosen = st.radio(
        "Kind",
        list(TEMPLATES),
        index=list(TEMPLATES).index(wanted) if wanted in TEMPLATES else 0,
        format_func=lambda name: plain(TEMPLATES[name].title),
        captions=[plain(template.in_words) for template in TEMPLATES.values()],
        key="start_template",
        label_visibility="collapsed",
    )
    return chosen or next(iter(TEMPLATES))


def _scope(id: str, template: str) -> Scope:
    st.header("2. What it covers", anchor=False)
    scope = {key: tuple(values) for key, values in TEMPLATES[template].scope.items()}
    accounts = session.questions(id).world.inventory.accounts
    if len(accounts) <= _MOST_PILLS:
        names = kit.names(id)
        chosen = st.pills(
            "Accounts (none chosen: all)", sorted(accounts, key=names.account), selection_mode="multi",
            format_func=lambda each: plain(names.account(each)), key="start_accounts", wrap=True,
        )  # fmt: skip
        typed = tuple(chosen or ())
    else:
        text = (
            st.text_input("Accounts, divided by commas (empty: all)", max_chars=4_000, key="start_accounts_typed") or ""
        )
        typed = tuple(part.strip() for part in text.split(",") if part.strip())
    if typed:
        scope["account"] = typed
    if "identities" not in scope:
        kinds = st.pills("Whose access (none chosen: all)", list(_IDENTITIES), selection_mode="multi",
                         format_func=_IDENTITIES.__getitem__, key="start_identities")  # fmt: skip
        if kinds:
            scope["identities"] = tuple(kinds)
    return scope


def _reviewers() -> str:
    """The rule, in the form of the reviews; empty while it is not filled in."""
    st.header("3. Who decides", anchor=False)
    rule = st.radio("Reviewers", list(_RULES), format_func=_RULES.__getitem__, key="start_rule") or "named"
    text = rule
    if rule == "named":
        named = st.text_input("E-mail addresses, divided by commas", key="start_named", max_chars=4_000) or ""
        if not named.strip():
            return ""
        text = f"named:{named.strip()}"
    fallback = st.text_input("If that gives nobody: e-mail address", key="start_fallback", max_chars=200) or ""
    return f"{text}; fallback:{fallback.strip()}" if fallback.strip() else text


def _due(template: str) -> str:
    st.header("4. Until when", anchor=False)
    today = datetime.now(UTC).date()
    usual = TEMPLATES[template].days
    choices = sorted({*(weeks * 7 for weeks in _WEEKS), usual})
    chosen = st.radio(
        "Due", choices, index=choices.index(usual), format_func=lambda days: _due_in_words(today, days),
        key=f"start_due_{template}", label_visibility="collapsed",
    )  # fmt: skip
    return (today + timedelta(days=chosen or usual)).isoformat()


def _due_in_words(today: date, days: int) -> str:
    length = counted(days // 7, "week") if days % 7 == 0 else counted(days, "day")
    return f"{length}: {day((today + timedelta(days=days)).isoformat(), weekday=True)}"


def _gaps(id: str, groups: tuple[GapGroup, ...]) -> tuple[AcceptedGap, ...]:
    st.header("5. What could not be read", anchor=False)
    if not groups:
        st.write("Nothing is missing in this data.")
        return ()
    st.write("Accept each, with a reason, or read AWS again before you start. The evidence shows both.")
    names, me = kit.names(id), session.actor().name
    accepted = []
    for place, group in enumerate(groups):
        with st.container(border=True):
            kit.badge(kit.INCOMPLETE)
            where = ", ".join(names.account(account) for account in group.accounts[:5]) or "no account"
            service = SERVICE_WORDS.get(group.service, group.service)
            st.markdown(f"**{plain(service)}** in {plain(where)}: {OUTCOME_WORDS.get(group.outcome, group.outcome)}.")
            st.caption(
                f"Concerns {plain(', '.join(each.rsplit(':', 1)[-1] for each in group.affects[:5]))} · missing answer "
                f"to {group.service}:{group.operation}"
            )
            reason = (
                st.text_input("Why the review may start without it", key=f"gap_reason_{place}", max_chars=1_000) or ""
            )
            if st.checkbox("I accept this gap", key=f"gap_accept_{place}") and reason.strip():
                accepted.append(AcceptedGap(group=group, reason=reason.strip(), by=me))
    return tuple(accepted)


def _preview(preview: Preview | None, found: Population, scope: Scope) -> None:
    st.header("What this review will be", anchor=False)
    st.markdown(plain(scope_in_words(scope)))
    people = len({person for item in found.items for person in item.people})
    with st.grid(2, min_column_width=130):
        st.metric("Items to decide", number(len(found.items)), border=True)
        st.metric("People concerned", number(people), border=True)
    if preview is None:
        st.caption("Name reviewers to see how the work is shared.")
        return
    st.subheader("By risk", anchor=False)
    kit.rows(
        ("Risk", "Items"),
        [(kit.inline(kit.risk(risk)), number(preview.by_risk.get(risk, 0))) for risk in RISK_WORDS],
        "Items by risk",
    )
    st.subheader("By reviewer", anchor=False)
    shared = sorted(preview.reviewers.items(), key=lambda pair: -pair[1])[:20]
    kit.rows(("Reviewer", "Items"), [(plain(name), number(count)) for name, count in shared], "Items by reviewer")
    if preview.conflicts:
        st.caption(
            f"{counted(preview.conflicts, 'item')} would be decided by somebody who is not independent; you will have "
            "to assign somebody else, with a reason."
        )


def _obstacles(name: str, preview: Preview | None, stale_reason: str, found: Population) -> list[str]:
    """Why the review cannot open yet, in words; empty when it can."""
    why = []
    if not name.strip():
        why.append("give the review a name")
    if not found.items:
        why.append("choose a scope that has something in it")
    if preview is None:
        why.append("name reviewers")
    else:
        if preview.gaps:
            why.append(f"accept {counted(len(preview.gaps), 'gap')} with a reason, or read AWS again")
        if preview.unassigned:
            why.append(f"say who decides where the rule gives nobody ({counted(preview.unassigned, 'item')})")
        if preview.stale and not stale_reason.strip():
            why.append("say why old data will do")
    return why


def _open(plan: Plan, found: Population, id: str) -> None:
    opened: list[str] = []

    def work() -> None:
        view = session.reviews().open_campaign(
            plan,
            found,
            session.independence(id),
            session.actor(),
            key=st.session_state.setdefault("start_key", kit.key()),
        )
        opened.append(view.id)

    if kit.act(work, "The review is open."):
        st.session_state.pop("start_key", None)
        st.switch_page("screens/campaign.py", query_params={"campaign": opened[0]})
    else:
        st.rerun()


def main() -> None:
    """The page."""
    kit.require("owner", "admin")
    id = session.current()
    kit.header("Start a review", id)
    left, right = st.columns([7, 5], gap="large")
    with left:
        template = _template()
        today = datetime.now(UTC).date()
        usual = f"{TEMPLATES[template].title}, Q{(today.month + 2) // 3} {today.year}"
        name = st.text_input("Name of the review", value=usual, max_chars=120, key=f"start_name_{template}") or ""
        scope = _scope(id, template)
        rule = _reviewers()
        due = _due(template)
        # Last, so that the sections above are there while it is worked out.
        with st.spinner("Working out who has what"):
            found = session.population(id, scope)
        accepted = _gaps(id, found.completeness.gaps)
        draft = Plan(name=name, template=template, scope=scope, reviewers=rule, due=due, accepted=accepted)
        preview = _ask(draft, found, id) if rule else None
        stale_reason = ""
        if preview is not None and preview.stale:
            st.warning(f"Old data: {plain(preview.stale)}.", icon=":material/hourglass_top:")
            stale_reason = st.text_input("Why this data will do", key="start_stale", max_chars=1_000) or ""
        why = _obstacles(name, preview, stale_reason, found)
        if kit.primary("Open the review", key="start_open", disabled=bool(why), icon=":material/play_arrow:"):
            _open(msgspec.structs.replace(draft, stale_reason=stale_reason), found, id)
        if why:
            st.caption(f"Before it can open: {plain('; '.join(why))}.")
    with right:
        _preview(preview, found, scope)


def _ask(draft: Plan, found: Population, id: str) -> Preview | None:
    try:
        return session.reviews().preview(draft, found, session.independence(id))
    except GrantmapError as error:
        st.error(kit.sentence(error), icon=":material/error:")
        return None


main()
