"""What numbers mean that stand for times: days written as one number, or a count of some unit since 1970."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["seconds_of_counts", "written_days"]

# 1e11 seconds is the year 5138, 1e11 milliseconds is 1973: no event is of either time by the other reading.
# The same holds of milli- and microseconds, and of micro- and nanoseconds.
_LARGEST_SECONDS = 1e11
_FIRST_DAY, _LAST_DAY = 19_000_101, 21_001_231
Numbers = npt.NDArray[np.float64]


def written_days(numbers: Numbers) -> npt.NDArray[np.datetime64] | None:
    """Numbers such as 20210105 as the days from 1900 to 2100 that they are written for, NaT for what is none.

    None where they are not to be read so: unless their median lies among such days, and more than half of them are some.

    Args:
        numbers: the times of one column, NaN where there is none, shape (n,).
    """
    # The extremes are found ten times as fast as the median, and nearly always say enough.
    if len(numbers) == 0 or np.fmin.reduce(numbers) > _LAST_DAY or np.fmax.reduce(numbers) < _FIRST_DAY:
        return None
    if not _FIRST_DAY <= _median(numbers) <= _LAST_DAY:
        return None
    days = _days(numbers)
    some = ~np.isnat(days)
    return days if some.sum() > np.isfinite(numbers).sum() / 2 else None


def seconds_of_counts(numbers: Numbers) -> Numbers:
    """Seconds since 1970, shape (n,): the numbers, or a thousandth of them as often as their median is beyond 1e11.

    So milli-, micro- and nanoseconds are told from seconds by the column as a whole: all are of one unit.

    Args:
        numbers: the times of one column, NaN where there is none, shape (n,).
    """
    if len(numbers) == 0 or max(np.fmax.reduce(numbers), -np.fmin.reduce(numbers)) <= _LARGEST_SECONDS:
        return numbers
    middle = abs(_median(numbers))
    while middle > _LARGEST_SECONDS:
        numbers, middle = numbers / 1000, middle / 1000
    return numbers


def _median(numbers: Numbers) -> float:
    known = numbers[np.isfinite(numbers)]
    return float(np.median(known)) if len(known) else 0.0


def _days(numbers: Numbers) -> npt.NDArray[np.datetime64]:
    inside = (numbers >= _FIRST_DAY) & (numbers <= _LAST_DAY)
    whole = np.where(inside, numbers, 0).astype(np.int64)
    year, month, day = whole // 10_000, whole // 100 % 100, whole % 100
    first = (year * 12 + month - 1 - 1970 * 12).astype("datetime64[M]")
    days = first.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    good = inside & (whole == numbers) & (month >= 1) & (month <= 12) & (day >= 1)
    return np.where(good & (days.astype("datetime64[M]") == first), days, np.datetime64("NaT"))
