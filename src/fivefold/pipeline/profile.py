"""What a run costs, kept apart from what it computes.

``metrics/profile.json`` and ``metrics/timeline.jsonl`` vary from run to run, so they are outputs of
no stage: both are committed, and the first is listed under ``metrics`` at the top level of
``dvc.yaml``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fivefold.pipeline.profiling.costs import short
from fivefold.pipeline.profiling.energy import Energy, used
from fivefold.pipeline.profiling.records import keep
from fivefold.pipeline.profiling.sampler import Sampler, Usage
from fivefold.pipeline.profiling.settings import (
    PRICES_SECTION,
    PROFILE_SECTION,
    PricesConfig,
    ProfileConfig,
)
from fivefold.pipeline.typed import typed

__all__ = ["Profiler"]


class Profiler:
    """Measures a stage's run, in this process and those it starts, and records it by name.

    As a context it samples from its start to `record`, or to its end.

    Parameters
    ----------
    root : Path
        The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._started = time.perf_counter()
        self._parts: dict[str, float] = {}
        self._profile, self._prices = ProfileConfig(), PricesConfig()
        self._sampler = Sampler()

    def __enter__(self) -> Profiler:
        """Begin to sample."""
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End to sample, whatever happened."""
        self._sampler.stop()

    def configure(self, params: Mapping[str, Any]) -> None:
        """Take the rate, factors and prices from the composed parameters.

        Raises
        ------
        ConfigError
            One of them is of a wrong type or out of bounds.
        """
        self._profile = typed(ProfileConfig, params.get(PROFILE_SECTION) or {}, PROFILE_SECTION)
        self._prices = typed(PricesConfig, params.get(PRICES_SECTION) or {}, PRICES_SECTION)
        self._sampler.at(self._profile.hertz)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time one part of the run: reading, computing or writing."""
        began = time.perf_counter()
        yield
        self._parts[name] = time.perf_counter() - began

    def record(
        self,
        stage: str,
        *,
        stored: float | None = None,
        parts: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a stage's figures, and the other stages' at the prices of now.

        ``seconds`` is the wall time since this object was made, so without the interpreter's
        start; ``compute_seconds`` includes the imports that the stage's work needs. ``cpu_seconds``
        and ``peak_memory_mb`` are of the whole process.

        Parameters
        ----------
        stage : str
        stored : float, optional
            Bytes of outputs that DVC keeps.
        parts : mapping, optional
            What parts of the stage's work cost, as the stage itself tells it: plain JSON.
        """
        usage = self._sampler.stop()
        energy = self._energy(usage)
        figures = self._figures(usage)
        if stored is not None:
            figures["stored_mb"] = round(stored / 1e6, 3)
        figures["energy_wh"] = short(energy.watt_hours)
        if usage.gpus:
            figures["gpus"] = {str(number): card for number, card in enumerate(usage.gpus)}
        if parts:
            figures["parts"] = dict(parts)
        line = {"stage": stage, **usage.as_line(), "energy": energy.as_json()}
        # A figure that can't be kept is no reason to fail a stage whose outputs stand.
        with suppress(OSError):
            keep(self._root, stage, figures, line, self._profile, self._prices)

    def _energy(self, usage: Usage) -> Energy:
        return used(
            seconds=usage.seconds,
            cpu_seconds=usage.cpu_seconds,
            mean_memory=usage.mean_memory,
            gpu_joules=usage.gpu_joules,
            rapl_joules=usage.rapl_joules,
            busy_seconds=usage.busy_seconds,
            cpu_watts=self._profile.cpu_watts,
            pue=self._profile.pue,
        )

    def _figures(self, usage: Usage) -> dict[str, Any]:
        seconds = time.perf_counter() - self._started
        figures: dict[str, Any] = {
            "seconds": round(seconds, 3),
            **{f"{name}_seconds": round(value, 3) for name, value in self._parts.items()},
            "cpu_seconds": round(usage.cpu_total, 3),
            "peak_memory_mb": round(usage.peak_memory / 1e6, 1),
            "mean_memory_mb": round(usage.mean_memory / 1e6, 1),
            "mean_cores": round(usage.cpu_seconds / max(usage.seconds, 1e-9), 2),
            "peak_cores": round(usage.peak_cores, 2),
            "peak_processes": usage.peak_processes,
        }
        for names, pair in (
            (("disk_read_mb", "disk_written_mb"), usage.disk),
            (("received_mb", "sent_mb"), usage.network),
        ):
            if pair is not None:
                figures |= {
                    name: round(value / 1e6, 3) for name, value in zip(names, pair, strict=True)
                }
        return figures
