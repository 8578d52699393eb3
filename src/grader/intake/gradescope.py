"""Gradescope's export: who handed in what, and when, stands in its `submission_metadata.yml`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import yaml

from grader.intake.caps import Caps, amount
from grader.intake.names import listed
from grader.intake.sources import Found, Plan, Source

_METADATA = "submission_metadata.yml"
_NULL = re.compile(r"^(?:~|null)$")  # YAML's nothing, read as text


def plan(source: Source, names: Mapping[str, str], caps: Caps) -> Plan:
    """How Gradescope understands a source; without its metadata it understands nothing.

    Args:
        source: the export.
        names: what lies at its top, as `source.names()` tells.
        caps: how large the metadata may be.

    Raises:
        ValueError: the metadata is too large, not YAML, or not what Gradescope writes.
    """
    if _METADATA not in names:
        return Plan(set(), [])
    metadata = _metadata(source, caps)
    submissions = metadata | {name: {} for name in names if name.startswith("submission_") and name not in metadata}
    submissions.pop(_METADATA, None)
    latest: dict[str, tuple[datetime, int, str]] = {}
    accounts: dict[str, set[str]] = defaultdict(set)
    for name, record in submissions.items():
        number = int((re.findall(r"\d{1,18}", name) or ["0"])[-1])
        for person in record.get(":submitters") or [{}]:
            sid, email = (_NULL.sub("", person.get(key, "").strip()) for key in (":sid", ":email"))
            student = sid or email.partition("@")[0] or name
            accounts[student].add(email.casefold())
            this = (_created(record.get(":created_at")) or datetime.min, number, name)
            latest[student] = max(latest.get(student, this), this)
    found = []
    for student, (created, _, name) in latest.items():
        # People can type in their own sid: "the latest counts" would let one replace another's work.
        fault = None
        if len(accounts[student]) > 1:
            some = listed(accounts[student])
            fault = f"the accounts {some} share this student id; give each its own :sid: in {_METADATA}"
        places = ((name, "" if names[name] == "folder" else name),) if name in names else ()
        found.append(Found(student, places, timestamp=None if created == datetime.min else created, fault=fault))
    return Plan({_METADATA} | (set(names) & set(submissions)), found)


def _metadata(source: Source, caps: Caps) -> dict[str, dict[str, Any]]:
    """Gradescope's records by the name of the folder."""
    content = b""
    with closing(source.files(_METADATA, caps)) as entries:
        for path, content_up_to in entries:
            content = b"" if path else content_up_to(caps.metadata)
    if len(content) > caps.metadata:
        raise ValueError(f"{_METADATA} is larger than {amount(caps.metadata)}")
    try:
        # The base loader reads everything as text: an id keeps its zeros, and Ruby's own types do no harm.
        records = yaml.load(content, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise ValueError(f"{_METADATA} is not YAML: {error}") from error
    if not isinstance(records, dict) or not all(_is_record(record) for record in records.values()):
        raise ValueError(f"{_METADATA} should hold, for each submission, :submitters: with their :sid: and :email:")
    return {str(name): record or {} for name, record in records.items()}


def _is_record(record: object) -> bool:
    if not record:
        return True
    if not isinstance(record, dict) or not isinstance(people := record.get(":submitters") or [], list):
        return False
    return all(
        isinstance(person, dict) and all(isinstance(person.get(key, ""), str) for key in (":sid", ":email"))
        for person in people
    )


def _created(value: object) -> datetime | None:
    """A time as Ruby writes it, such as "2026-11-25 10:00:00.123456789 Z", in UTC and without a zone."""
    text = value.get("utc", "") if isinstance(value, dict) else value  # a Rails time, where it was not made plain
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(re.sub(r"\s+(?=(?:Z|[+-]\d\d:?\d\d)$)", "", text.strip()))
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        return None
