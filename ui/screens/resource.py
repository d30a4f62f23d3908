"""One resource: who can reach it, by what they can do, directly or through others."""

from __future__ import annotations

import streamlit as st

from graph.behind_points import others_through, through_in_words
from graph.strangers import any_account, in_words
from ui import kit, session
from ui.answers import resources
from ui.words import conditions_in_words, counted, keys_of, plain

PER_PAGE = 20
#: Service: what people ask about it, by the action that stands for it and what follows the ARN.
_ASKED = {
    "s3": (("read its objects", "s3:GetObject", "/*"), ("change its objects", "s3:PutObject", "/*"),
           ("change who may use it", "s3:PutBucketPolicy", "")),
    "kms": (("decrypt with it", "kms:Decrypt", ""), ("change who may use it", "kms:PutKeyPolicy", "")),
    "secretsmanager": (("read it", "secretsmanager:GetSecretValue", ""),
                       ("change it", "secretsmanager:PutSecretValue", ""),
                       ("change who may use it", "secretsmanager:PutResourcePolicy", "")),
    "dynamodb": (("read its contents", "dynamodb:GetItem", ""), ("change its contents", "dynamodb:PutItem", "")),
    "lambda": (("run it", "lambda:InvokeFunction", ""), ("change its code", "lambda:UpdateFunctionCode", ""),
               ("change who may use it", "lambda:AddPermission", "")),
    "sqs": (("read its messages", "sqs:ReceiveMessage", ""), ("send messages to it", "sqs:SendMessage", "")),
    "sns": (("send messages to it", "sns:Publish", ""), ("listen to it", "sns:Subscribe", "")),
    "ec2": (("stop it for good", "ec2:TerminateInstances", ""),),
    "iam": (("become it", "sts:AssumeRole", ""), ("change its rights", "iam:AttachRolePolicy", ""),
            ("change who may become it", "iam:UpdateAssumeRolePolicy", "")),
}  # fmt: skip


def _questions(arn: str) -> tuple[tuple[str, str, str], ...]:
    service = arn.split(":")[2]
    return _ASKED.get(service, ()) if service != "iam" or ":role/" in arn else ()


def _who(id: str, arn: str) -> None:
    names = kit.names(id)
    asked = _questions(arn)
    if not asked:
        kit.empty("For this kind of resource ask the question “Who holds a level of access to a resource directly”.")
        st.page_link("screens/questions.py", label="Open the question", query_params={"question": "holders"})
        return
    words = [word for word, _, _ in asked]
    chosen = st.pills("Who can …", words, default=words[0], required=True, key=f"resource_question_{arn}")
    _, action, suffix = asked[words.index(chosen or words[0])]
    answer = session.questions(id).who_can(action, arn + suffix)
    rows = sorted(answer["principals"], key=lambda row: not row["principal"].startswith("person:"))
    sure = sum(1 for row in rows if row["verdict"] == "Allowed")
    st.subheader(
        f"{counted(sure, 'identity', 'identities')} can {chosen}, {len(rows) - sure:,} more only under a condition",
        anchor=False,
    )
    strangers = any_account(session.questions(id), action, arn + suffix, answer["principals"])
    if strangers is not None:
        st.warning(f"{in_words(strangers)}.")
    for name, some in others_through(session.questions(id), action, arn + suffix, answer["principals"]):
        st.warning(f"{plain(through_in_words(name, some, names.who))}.")
    if answer["unknown"]:
        st.caption(
            f"{counted(len(answer['unknown']), 'question')} to AWS that matters here had no answer: there may be more."
        )
    if not rows:
        return
    page = kit.page_of(f"resource_page_{action}", len(rows), PER_PAGE)
    kit.rows(
        ("State", "Who", "How", "Condition"),
        [
            (
                kit.inline(kit.verdict(row["verdict"])),
                plain(names.who(row["principal"])),
                plain(names.way(row["via"])),
                plain(conditions_in_words(keys_of(row["residual"]))) or "–",
            )
            for row in rows[page * PER_PAGE : (page + 1) * PER_PAGE]
        ],
        f"Who can {chosen}",
    )
    with st.expander("Show the exact AWS names"):
        st.code(f"{action} on {arn}{suffix}", language=None, wrap_lines=True)


def main() -> None:
    """The page."""
    kit.require("engineer", "owner", "auditor", "admin")
    id = session.current()
    names = kit.names(id)
    arn = st.query_params.get("arn", "")
    if arn.count(":") < 5:
        kit.header("What", id)
        arn = kit.chooser("Resource", resources(session.questions(id), names), "resource_choice")
    else:
        kit.header(names.resource(arn), id, foreign=True)
    if arn:
        _who(id, arn)
    else:
        kit.empty("Choose a resource to see who can reach it.")


main()
