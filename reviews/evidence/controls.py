"""What an auditor asks for, where the pack answers it, and the controls it belongs to.

Texts of standards are copyrighted: this has their ids, and what they ask for in our own words.
"""

from __future__ import annotations

#: (what is asked for, control ids, where the pack has it)
CONTROLS: tuple[tuple[str, str, str], ...] = (
    (
        "Access is reviewed on a schedule, for a stated scope",
        "ISO/IEC 27001:2022 A.5.15, A.5.18; PCI DSS 7.2.4; NYDFS 500.7; NIST SP 800-53 AC-2(j)",
        "sections 1 and 9; campaign.json",
    ),
    (
        "The population is complete and accurate: source, time, counts, exclusions with reasons",
        "SOC 2 CC6.2, CC6.3; PCI DSS 7.2.4; ISO A.5.18",
        "sections 1, 3 and 6; completeness.json; items.jsonl",
    ),
    (
        "People, third parties, and the accounts and keys of workloads are all looked at",
        "PCI DSS 7.2.4, 7.2.5.1; SOC 2 CC6.3; ISO A.5.16",
        "section 2; population.xlsx, columns Person and External",
    ),
    (
        "Privileged access is a track of its own",
        "ISO A.8.2; NIST AC-6(7)",
        "sections 2 and 8; population.xlsx, column Privileged",
    ),
    (
        "Who decided what, when and why",
        "SOC 2 CC6.3; NIST AC-2(j); HIPAA 164.308(a)(4)(ii)(C)",
        "section 4; decisions.jsonl; ledger.jsonl",
    ),
    ("Nobody decides on their own access", "ISO A.5.3; NIST AC-5", "section 4; column Not independent because"),
    ("Management acknowledges the result", "PCI DSS 7.2.4, 7.2.5.1", "section 5"),
    ("The review is done in time, and who is late is reminded", "ISO A.5.18; SOC 2 CC4.1", "section 9; ledger.jsonl"),
    (
        "What was revoked is taken away, and that is checked",
        "ISO A.5.18; NYDFS 500.7",
        "section 7; entries ordered and checked",
    ),
    ("Exceptions have somebody who answers for them, and an end", "SOC 2 CC5; ISO A.5.18", "section 7"),
    ("Access of those who left is found", "ISO A.5.16, A.5.18", "items.jsonl, signals"),
    (
        "The record of the review cannot be changed unnoticed",
        "ISO A.8.15; NIST AU-9, AU-11",
        "section 3; ledger.jsonl; statement.dsse.json",
    ),
    (
        "Keys, passwords and how people sign in are reviewed",
        "ISO A.5.17, A.8.5; SOC 2 CC6.1",
        "items of the kinds access-key and password",
    ),
)
