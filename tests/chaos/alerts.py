"""The faults that people are paged for fire their alerts: every copy of an expert lost, a worker gone, placement gone.

Alerts wait 2 s here instead of their minutes; their expressions are the chart's.
"""

import dataclasses
import time

from tests.metrics.prometheus import Prometheus

FIRE_TIMEOUT_S = 40


@dataclasses.dataclass(frozen=True)
class Act:
    """What is killed at once and stays dead until its alerts fire."""

    name: str
    victims: str  # Processes whose names begin so.
    alerts: tuple[str, ...]


# The first takes every copy of every expert: rows wait, and no decode worker would take a sequence.
ACTS = (
    Act("total loss of the experts", "expert", ("BaleenExpertLost", "BaleenNoDecodeReady", "BaleenProcessDown", "BaleenWorkersExpire")),
    Act("a decode worker is gone", "decode-0", ("BaleenProcessDown",)),
    Act("placement is gone", "placement", ("BaleenPlacementDown", "BaleenProcessDown")),
)
_ENDING = {"BaleenExpertLost", "BaleenNoDecodeReady", "BaleenProcessDown"}


def _fire(prometheus, alerts):
    """{alert: seconds until it fired, None when it did not in time}."""
    fired, begin = {}, time.monotonic()

    def all_fired():
        for name in prometheus.firing() & set(alerts) - set(fired):
            fired[name] = time.monotonic() - begin
        return len(fired) == len(alerts)
    prometheus.wait_for(all_fired, FIRE_TIMEOUT_S)
    return {name: fired.get(name) for name in alerts}


def prove(cluster, load):
    """{act: {alert, or "the end of all": seconds until it came, or None}}, under load; every process is back and ready after each act."""
    outcome = {}
    with Prometheus(cluster) as prometheus:
        prometheus.wait_for(lambda: prometheus.query("min(count_over_time(baleen_ready[1m])) >= 2"), FIRE_TIMEOUT_S)
        for act in ACTS:
            # Under way when it strikes.
            load.wait_for(lambda count, request: count == request.max_tokens // 4, FIRE_TIMEOUT_S)
            victims = cluster.named(act.victims)
            for victim in victims:
                victim.process.kill()
                victim.process.wait()
            outcome[act.name] = _fire(prometheus, act.alerts)
            for victim in victims:
                victim.start()
            cluster.wait_ready(cluster.processes)
            # What the next act fires must not be firing still.
            begin = time.monotonic()
            over = prometheus.wait_for(lambda: not prometheus.firing() & _ENDING, FIRE_TIMEOUT_S)
            outcome[act.name]["the end of all"] = time.monotonic() - begin if over else None
    return outcome


def silent(outcome):
    """Alerts that did not fire, or did not end, as lines."""
    return [f"{act}: {name} did not come" for act, alerts in outcome.items() for name, seconds in alerts.items() if seconds is None]
