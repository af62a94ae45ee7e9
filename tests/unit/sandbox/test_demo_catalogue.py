"""The demo's catalogue, which repeats the reference one so that it can stand alone."""

from dataclasses import replace
from pathlib import Path

from sandbox.demo.stage import CATALOGUE
from streams.config.catalogue_file import load_catalogue

REFERENCE = Path(__file__).parents[3] / "catalogue.toml"


def test_the_demo_differs_from_the_reference_only_by_its_name_the_breakers_times_and_the_healths_window() -> None:
    demo, reference = load_catalogue(CATALOGUE), load_catalogue(REFERENCE)

    assert demo.providers == reference.providers
    assert demo.catalogue.name == "demo"
    assert demo.catalogue.breaker.pause_s == 2
    rules, pauses = reference.catalogue.breaker, demo.catalogue.breaker
    assert (
        replace(
            demo.catalogue,
            name=reference.catalogue.name,
            health=replace(demo.catalogue.health, window_s=reference.catalogue.health.window_s),
            breaker=replace(pauses, pause_s=rules.pause_s, max_pause_s=rules.max_pause_s, ramp_up_s=rules.ramp_up_s),
        )
        == reference.catalogue
    )
