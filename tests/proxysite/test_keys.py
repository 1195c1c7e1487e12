import os
import stat
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest

from proxysite.keys import kept


def test_a_key_is_made_once_and_then_kept(tmp_path):
    keys = (f"key {number}" for number in count())
    assert [kept(tmp_path / "key", lambda: next(keys)) for _ in range(3)] == ["key 0"] * 3


def test_only_the_owner_may_read_a_key(tmp_path):
    kept(tmp_path / "key", lambda: "x")
    assert stat.S_IMODE(os.stat(tmp_path / "key").st_mode) == 0o600


def test_the_directory_is_made_and_holds_nothing_but_the_key(tmp_path):
    kept(tmp_path / "deep" / "key", lambda: "x")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["key"]


def test_two_that_start_together_agree_on_one_key(tmp_path):
    both_are_making = Barrier(2)

    def make(number):
        def making():
            both_are_making.wait()
            return f"key {number}"

        return kept(tmp_path / "key", making)

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(make, [1, 2])
    assert first == second
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_key_that_could_not_be_made_leaves_nothing_behind(tmp_path):
    def fail():
        raise RuntimeError("no entropy")

    with pytest.raises(RuntimeError):
        kept(tmp_path / "key", fail)
    assert list(tmp_path.iterdir()) == []


def test_white_space_around_a_key_that_was_put_there_by_hand_is_ignored(tmp_path):
    (tmp_path / "key").write_text("mine\n")
    assert kept(tmp_path / "key", lambda: "other") == "mine"
