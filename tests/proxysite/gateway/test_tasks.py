import asyncio
import gc

from proxysite.gateway import tasks


async def test_a_task_is_kept_until_it_is_done_and_then_forgotten():
    gate = asyncio.Event()
    task = tasks.spawn(gate.wait(), name="waiter")
    assert task.get_name() == "waiter"
    gc.collect()
    assert task in tasks._running
    gate.set()
    await task
    await asyncio.sleep(0)
    assert task not in tasks._running


async def test_what_a_task_raises_is_logged(caplog):
    async def fail():
        raise ValueError("planted")

    await asyncio.wait([tasks.spawn(fail(), name="failing")])
    await asyncio.sleep(0)
    assert "Task failing failed." in caplog.text
    assert "planted" in caplog.text


async def test_a_cancelled_task_is_nothing_to_log(caplog):
    task = tasks.spawn(asyncio.Event().wait())
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert caplog.text == ""
    assert task not in tasks._running
