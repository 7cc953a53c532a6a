"""What a stage is recorded to have used: short ones, children that come and go, cards, prices."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from fivefold.errors import ConfigError
from fivefold.pipeline.profile import Profiler
from fivefold.pipeline.profiling import family
from fivefold.pipeline.profiling.costs import rated
from fivefold.pipeline.profiling.energy import Rapl, memory_watts, used
from fivefold.pipeline.profiling.gpu import Cards
from fivefold.pipeline.profiling.pace import Paced
from fivefold.pipeline.profiling.sampler import Sampler
from fivefold.pipeline.profiling.series import Timeline
from fivefold.pipeline.profiling.settings import PricesConfig, ProfileConfig, grid
from fivefold.pipeline.stages import PROFILE, TIMELINE
from fivefold.pipeline.typed import typed


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def hold(megabytes: int, seconds: float) -> None:
    held = bytearray(os.urandom(1 << 20)) * megabytes
    busy(seconds)
    del held


def entry(root: Path, stage: str) -> dict[str, Any]:
    return json.loads((root / PROFILE).read_text(encoding="utf-8"))[stage]


# The sampler.


def test_a_short_stage_has_right_figures() -> None:
    sampler = Sampler()
    sampler.start()
    busy(0.03)
    used = sampler.stop()
    assert used.cpu_seconds > 0.025
    assert used.peak_memory >= used.mean_memory > 1e6
    assert used.samples >= 1
    assert used.peak_cores > 0.1


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_children_count_and_may_vanish() -> None:
    fork = multiprocessing.get_context("spawn" if sys.platform == "darwin" else "fork")
    own = psutil.Process().memory_info().rss
    sampler = Sampler(hertz=50)
    sampler.start()
    workers = [fork.Process(target=hold, args=(60, 0.7)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in range(4):
        subprocess.run([sys.executable, "-S", "-c", "pass"], check=True)
    workers[1].kill()
    for worker in workers:
        worker.join()
    found = sampler.stop()
    assert found.cpu_seconds > 0.7
    assert found.peak_processes >= 3
    assert found.peak_memory > own * 0.3 + 100e6
    assert max(found.timeline.series()["processes"]) >= 3


@pytest.mark.skipif(not psutil.LINUX, reason="Linux tells what is shared")
def test_memory_that_is_shared_counts_once() -> None:
    held = bytearray(os.urandom(1 << 20)) * 80
    fork = multiprocessing.get_context("fork")
    # Others of the tests leave the process that their workers are forked from.
    before = family.Family()
    before.look()
    done = fork.Event()
    workers = [fork.Process(target=done.wait) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        together = family.Family()
        together.look()
        resident = together.memory()
        together.weigh()
        assert together.size == before.size + 3
        assert together.memory() < resident - 2 * 80e6
        assert together.memory() > 80e6
    finally:
        done.set()
        for worker in workers:
            worker.join()
    assert held


def test_the_sampler_looks_ten_times_a_second_and_tells_what_it_cost() -> None:
    sampler = Sampler()
    sampler.start()
    time.sleep(1.0)
    found = sampler.stop()
    assert 2 <= found.samples <= 12
    assert found.own_seconds > 0
    assert not [thread for thread in threading.enumerate() if thread.name == "fivefold-profile"]


def test_no_samples_are_taken_at_zero_hertz() -> None:
    sampler = Sampler(hertz=0)
    sampler.start()
    busy(0.02)
    found = sampler.stop()
    assert found.samples == 1
    assert found.cpu_seconds > 0.015


@pytest.mark.parametrize("error", [psutil.AccessDenied(1), psutil.ZombieProcess(1), OSError("x")])
def test_what_cannot_be_read_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    for name in ("memory_info", "io_counters", "cpu_times", "children", "memory_full_info"):
        monkeypatch.setattr(psutil.Process, name, refuse)
    for name in ("net_io_counters", "cpu_times"):
        monkeypatch.setattr(psutil, name, refuse)
    sampler = Sampler(hertz=50)
    sampler.start()
    busy(0.1)
    found = sampler.stop()
    assert found.cpu_seconds > 0.05
    assert found.peak_memory > 1e6  # the system's own count
    assert found.disk is None
    assert found.network is None
    assert found.cores == []


def test_a_system_without_counts_of_disk_has_no_such_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(psutil.Process, "io_counters")  # macOS
    monkeypatch.setattr(family, "_LISTED", False)
    sampler = Sampler()
    sampler.start()
    assert sampler.stop().disk is None


def test_a_dear_reading_is_taken_less_often() -> None:
    taken = []

    def read(now: float) -> None:
        taken.append(now)
        busy(0.005)

    paced = Paced(read, least=0.1, share=0.01)
    assert [paced(now) for now in (0.0, 0.2, 0.4, 0.6)] == [True, False, False, True]


def test_a_timeline_keeps_so_many_steps_however_long_it_is() -> None:
    timeline = Timeline(0.1, most=8, highest=frozenset({"level"}))
    for number in range(32):
        timeline.add(0.1 * number + 0.05, {"rate": float(number), "level": float(number), "no": 0})
    found = timeline.as_json()
    assert found["step"] == 0.4
    assert found["series"]["rate"] == [1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5]
    assert found["series"]["level"] == [3, 7, 11, 15, 19, 23, 27, 31]
    assert "no" not in found["series"]


def test_a_step_without_a_reading_has_the_next_ones() -> None:
    timeline = Timeline(0.1)
    for at in (0.05, 0.35):
        timeline.add(at, {"rate": at * 100})
    assert timeline.series()["rate"] == [5, 35, 35, 35]


# Cards, without one.


class Nvml:
    """NVIDIA's library with two cards: one tells all, the other is old and loses its power."""

    class NVMLError(Exception):
        pass

    def __init__(self, cards: int = 2) -> None:
        self.count, self.ended, self.asked = cards, False, 0

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.count:
            raise self.NVMLError("driver not loaded")

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.ended = True

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.count

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:  # noqa: N802
        return number

    def nvmlDeviceGetName(self, card: int) -> Any:  # noqa: N802
        return b"Old" if card else "New"

    def nvmlDeviceGetUtilizationRates(self, _: int) -> Any:  # noqa: N802
        self.asked += 1
        return SimpleNamespace(gpu=40 if self.asked % 2 else 80)

    def nvmlDeviceGetMemoryInfo(self, card: int) -> Any:  # noqa: N802
        return SimpleNamespace(used=(card + 1) * 10**9)

    def nvmlDeviceGetPowerUsage(self, _: int) -> int:  # noqa: N802
        return 100_000

    def nvmlDeviceGetTotalEnergyConsumption(self, card: int) -> int:  # noqa: N802
        if card:
            raise self.NVMLError("not supported")
        return 7_200_000 + self.asked * 1_800_000


def test_each_card_is_told_apart() -> None:
    nvml = Nvml()
    cards = Cards.of(nvml)
    assert cards is not None
    for now in (0.0, 36.0):
        cards.look(now)
    new, old = (card.as_json() for card in cards.cards)
    assert new["name"] == "New"
    assert new["energy_wh"] == pytest.approx(1.0)  # two askings later, by its own counter
    assert old["name"] == "Old"
    assert old["energy_wh"] == pytest.approx(1.0)  # 100 W for 36 s
    assert old["peak_memory_mb"] == 2000
    assert new["mean_watts"] == 100
    assert {new["peak_use"], old["peak_use"]} == {0.4, 0.8}
    assert set(cards.now()) == {
        f"gpu{n}_{what}" for n in (0, 1) for what in ("use", "memory_mb", "watts")
    }


def test_a_sampler_reads_the_cards_and_ends_the_library() -> None:
    nvml = Nvml()
    sampler = Sampler(hertz=50, cards=lambda: Cards.of(nvml))
    sampler.start()
    time.sleep(0.15)
    found = sampler.stop()
    assert [card["name"] for card in found.gpus] == ["New", "Old"]
    assert found.gpu_joules > 0
    assert nvml.ended
    assert "gpu1_watts" in found.timeline.series()


def test_no_driver_no_cards() -> None:
    assert Cards.of(Nvml(cards=0)) is None
    assert Sampler(cards=lambda: None).stop().gpus == []


# Energy.


def reckoned(**changed: Any) -> Any:
    given: dict[str, Any] = {
        "seconds": 3600.0,
        "cpu_seconds": 7200.0,
        "mean_memory": 0.0,
        "gpu_joules": 0.0,
        "rapl_joules": None,
        "busy_seconds": 14400.0,
        "cpu_watts": None,
        "pue": 1.0,
    }
    return used(**(given | changed))


def test_a_processor_draws_four_watts_where_nothing_else_is_known() -> None:
    assert reckoned().cpu_wh == pytest.approx(8.0)
    assert reckoned().cpu_by == "4 W a processor"
    cores = os.cpu_count() or 1
    assert reckoned(cpu_watts=10.0 * cores).cpu_wh == pytest.approx(20.0)
    assert reckoned(pue=1.5).watt_hours == pytest.approx(12.0)


def test_measured_energy_is_borne_by_who_was_busy() -> None:
    found = reckoned(rapl_joules=36000.0)
    assert (found.cpu_by, found.cpu_wh) == ("rapl", pytest.approx(5.0))


def test_memory_is_borne_by_who_holds_it() -> None:
    whole = psutil.virtual_memory().total
    half = reckoned(mean_memory=whole / 2)
    assert half.memory_wh == pytest.approx(half.memory_watts / 2)


@pytest.mark.parametrize(
    ("gigabytes", "arm", "watts"),
    # As codecarbon 3.3.2's RAM._calculate_ram_power gives.
    [(1, False, 10), (16, False, 10), (32, False, 20), (100, False, 38), (256, False, 38),
     (1000, False, 70), (2048, False, 70), (6000, False, 126), (8, True, 3), (64, True, 6)],
)  # fmt: skip
def test_memory_draws_what_codecarbon_says(gigabytes: float, arm: bool, watts: float) -> None:
    assert memory_watts(gigabytes, arm=arm) == pytest.approx(watts)


def zone(folder: Path, name: str, label: str, count: int) -> Path:
    path = folder / name
    path.mkdir()
    (path / "name").write_text(f"{label}\n")
    (path / "energy_uj").write_text(f"{count}\n")
    (path / "max_energy_range_uj").write_text("1000000000\n")
    return path / "energy_uj"


def test_rapl_counts_packages_once_and_over_their_end(tmp_path: Path) -> None:
    first = zone(tmp_path, "intel-rapl:0", "package-0", 999_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 5)
    zone(tmp_path, "intel-rapl:1", "package-1", 999_000_200)  # the same counter again
    zone(tmp_path, "intel-rapl:2", "psys", 1)
    rapl = Rapl.found(tmp_path)
    assert rapl is not None
    first.write_text("4000000\n")
    rapl.look(0.0)
    assert rapl.joules == pytest.approx(5.0)
    first.unlink()
    rapl.look(1.0)  # not readable any more
    assert rapl.joules == pytest.approx(5.0)
    assert Rapl.found(tmp_path / "nowhere") is None


# Prices and records.


def test_figures_are_priced_and_emit() -> None:
    figures = {
        "seconds": 3600.0,
        "cpu_seconds": 7200.0,
        "received_mb": 2000.0,
        "stored_mb": 1000.0,
        "energy_wh": 500.0,
        "gpus": {"0": {}, "1": {}},
        "cost": 9.0,
    }
    prices = PricesConfig(
        currency="EUR", machine_hour=1, core_hour=0.1, gpu_hour=2, kwh=0.2, received_gb=0.05,
        stored_gb_month=0.02, stored_months=12,
    )  # fmt: skip
    found = rated(figures, ProfileConfig(country="FRA", pue=1.2), prices)
    assert found["cost"] == pytest.approx(1 + 0.2 + 4 + 0.1 + 0.1 + 0.24)
    assert found["emissions_g"] == pytest.approx(28)
    free = rated(figures, ProfileConfig(grams_per_kwh=100), PricesConfig())
    assert "cost" not in free
    assert free["emissions_g"] == 50


def test_the_grid_is_whole() -> None:
    assert len(grid()) > 200
    assert all(0 <= found.grams_per_kwh < 1500 for found in grid().values())
    assert (grid()["FRA"].grams_per_kwh, grid()["FRA"].year) == (56, 2023)


@pytest.mark.parametrize(
    ("cls", "values", "said"),
    [
        (ProfileConfig, {"country": "FRN"}, "FRA"),
        (ProfileConfig, {"hertz": -1}, "out of bounds"),
        (ProfileConfig, {"hertz": 1000}, "at most 100"),
        (ProfileConfig, {"pue": 0.5}, "1 or more"),
        (ProfileConfig, {"cpu_watts": 0}, "above 0"),
        (PricesConfig, {"kwh": 0.3}, "ISO 4217"),
        (PricesConfig, {"currency": "euro", "kwh": 0.3}, "ISO 4217"),
        (PricesConfig, {"currency": "EUR", "kwh": -1}, "out of bounds"),
        (PricesConfig, {"kwhs": 1}, "kwh"),
    ],
)
def test_settings_are_checked(cls: type, values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as found:
        typed(cls, values, "section")
    assert said in str(found.value)


def test_a_stage_is_recorded_with_its_parts(tmp_path: Path) -> None:
    with Profiler(tmp_path) as profiler:
        profiler.configure({"prices": {"currency": "EUR", "machine_hour": 36000}})
        with profiler.part("compute"):
            busy(0.02)
        profiler.record("train", stored=5e6, parts={"forest": {"seconds": float("nan"), "n": 3}})
    found = entry(tmp_path, "train")
    assert {"seconds", "compute_seconds", "cpu_seconds", "peak_memory_mb"} <= found.keys()
    assert found["stored_mb"] == 5
    assert found["energy_wh"] > 0
    assert found["cost"] == pytest.approx(found["seconds"] * 10, rel=0.01)
    assert found["parts"] == {"forest": {"seconds": None, "n": 3}}
    (line,) = (tmp_path / TIMELINE).read_text().splitlines()
    assert json.loads(line)["stage"] == "train"
    assert json.loads(line)["energy"]["cpu_by"]


def test_new_prices_are_those_of_all_stages(tmp_path: Path) -> None:
    for stage, price in (("train", 1.0), ("compose", 100.0)):
        with Profiler(tmp_path) as profiler:
            profiler.configure({"prices": {"currency": "EUR", "machine_hour": price}})
            profiler.record(stage)
    kept = json.loads((tmp_path / PROFILE).read_text())
    assert list(kept) == ["compose", "train"]
    assert kept["train"]["cost"] == pytest.approx(kept["train"]["seconds"] / 36, rel=0.01, abs=1e-4)
    assert [
        json.loads(line)["stage"] for line in (tmp_path / TIMELINE).read_text().splitlines()
    ] == [
        "compose",
        "train",
    ]


def test_a_spoilt_record_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / PROFILE).write_text("<<<<<<< ours")
    (tmp_path / TIMELINE).write_text('<<<<<<< ours\n[]\n{"stage":"plan"}\n')
    with Profiler(tmp_path) as profiler:
        profiler.record("train")
    assert list(json.loads((tmp_path / PROFILE).read_text())) == ["train"]
    assert len((tmp_path / TIMELINE).read_text().splitlines()) == 2


def test_a_stage_that_fails_leaves_no_thread(tmp_path: Path) -> None:
    def fail() -> None:
        with Profiler(tmp_path):
            raise RuntimeError("as a stage does")

    with pytest.raises(RuntimeError):
        fail()
    assert not [thread for thread in threading.enumerate() if thread.name == "fivefold-profile"]
    assert not (tmp_path / PROFILE).exists()
