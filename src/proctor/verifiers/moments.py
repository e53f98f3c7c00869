"""Reads times of day and dates. Nothing else: durations are quantities, and `4:30` without a.m. or p.m. may be a ratio."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
_MONTH_OF = {spelling: number for number, name in enumerate(_MONTHS, 1) for spelling in (name, name[:3])} | {"sept": 9}
_TIME = re.compile(r"(\d{1,2})(?:\s?:\s?(\d{2}))?(?:\s?:\s?(\d{2}))?\s*([ap])\s?\.?\s?m\s?\.?", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2})\s?:\s?([0-5]\d)(?:\s?:\s?([0-5]\d))?")
_OCLOCK = re.compile(r"(\d{1,2})\s?o'?\s?clock", re.IGNORECASE)
_PART_OF_DAY = re.compile(r"(\d{1,2})(?:\s?:\s?(\d{2}))?(?:\s?o'?\s?clock)?,?\s(?:in the (morning|afternoon|evening)|at (night))\.?", re.IGNORECASE)
_DAY = r"(\d{1,2})(?:\s?(?:st|nd|rd|th))?"
_DATES = (
    re.compile(rf"(?P<month>[A-Za-z]+)\.?\s+(?P<day>{_DAY})(?:\s*,?\s*(?P<year>\d{{4}}))?"),
    re.compile(rf"(?:the\s+)?(?P<day>{_DAY})(?:\s+of)?\s+(?P<month>[A-Za-z]+)\.?(?:\s*,?\s+(?P<year>\d{{4}}))?"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"),
    re.compile(r"(?P<month>[A-Za-z]+)\.?,?\s+(?P<year>\d{4})(?P<day>)"),
)


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day; `hour` counts to 24 only if it is known which half of the day is meant."""

    hour: int
    minute: int
    second: int
    is_known_half: bool


@dataclass(frozen=True, slots=True)
class Date:
    """A day of a year, with the parts that are written."""

    year: int | None
    month: int
    day: int | None


def read_moment(text: str) -> Time | Date | None:
    """Return the time of day or the date that a text is as a whole; None if it is neither."""
    if len(text) > 60:
        return None
    plain = " ".join(text.split()).strip(" ,;")
    if not any(char.isdigit() for char in plain):
        return {"noon": Time(12, 0, 0, True), "midnight": Time(0, 0, 0, True)}.get(plain.lower())
    return _time(plain) or _date(plain.rstrip("."))


def _time(plain: str) -> Time | None:
    if match := _TIME.fullmatch(plain):
        hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3))
        if not (1 <= hour <= 12 and minute < 60 and second < 60):
            return None
        return Time(hour % 12 + 12 * (match.group(4) in "pP"), minute, second, True)
    if match := _CLOCK.fullmatch(plain.rstrip(".")):
        hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3))
        return Time(hour, minute, second, not 1 <= hour <= 12) if hour < 24 else None
    if match := _PART_OF_DAY.fullmatch(plain):
        return _in_part_of_day(int(match[1]), int(match[2] or 0), (match[3] or match[4]).lower())
    if match := _OCLOCK.fullmatch(plain.rstrip(".")):
        return Time(int(match.group(1)), 0, 0, False) if 1 <= int(match.group(1)) <= 12 else None
    return None


def _in_part_of_day(hour: int, minute: int, part: str) -> Time | None:
    """`1:25 in the afternoon`, `10 o'clock at night`; None for an hour that is in no such part of the day."""
    if not (1 <= hour <= 12 and minute < 60) or (part == "evening" and not 4 <= hour < 12):
        return None
    is_later = part in ("afternoon", "evening") or (part == "night" and 5 < hour < 12)
    return Time(hour % 12 + 12 * is_later, minute, 0, True)


def _date(plain: str) -> Date | None:
    for pattern in _DATES:
        if match := pattern.fullmatch(plain):
            name, day, year = match.group("month").lower(), match.group("day"), match.group("year")
            month = int(name) if name.isdigit() else _MONTH_OF.get(name)
            number = int(re.sub(r"\D", "", day)) if day else None
            if month is None or not 1 <= month <= 12 or (number is not None and not 1 <= number <= 31):
                continue
            return Date(int(year) if year else None, month, number)
    return None
