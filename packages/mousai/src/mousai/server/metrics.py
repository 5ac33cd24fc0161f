"""Figures of a server in Prometheus' text format."""

import sys
from collections.abc import Iterable

from mousai.server.service import Service


def exposition(service: Service) -> str:
    """Return all figures, one a line, each with its help and type."""
    queue, files = service.queue, service.files
    figures: list[tuple[str, str, str, Iterable[tuple[str, float]]]] = [
        ("mousai_ready", "gauge", "1 when the model is loaded.", [("", queue.ready)]),
        ("mousai_queue_length", "gauge", "Jobs that wait.", [("", queue.length)]),
        ("mousai_running", "gauge", "Jobs that run.", [("", queue.running)]),
        (
            "mousai_jobs_total",
            "counter",
            "Jobs that have ended.",
            [(f'{{verb="{verb}",status="{status}"}}', count) for (verb, status), count in sorted(queue.ended.items())],
        ),
        ("mousai_job_seconds_total", "counter", "Seconds that jobs ran.", [("", queue.busy_seconds)]),
        ("mousai_audio_seconds_total", "counter", "Seconds of sound that jobs made.", [("", queue.audio_seconds)]),
        ("mousai_files", "gauge", "Uploads and results that are kept.", [("", files.count)]),
        ("mousai_files_bytes", "gauge", "Bytes of these.", [("", files.size)]),
        (
            "mousai_http_responses_total",
            "counter",
            "Responses.",
            [(f'{{status="{status}"}}', count) for status, count in sorted(service.requests.items())],
        ),
        ("mousai_peak_memory_bytes", "gauge", "Most memory that the process has used.", [("", _peak_memory())]),
    ]
    lines = []
    for name, kind, text, values in figures:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{labels} {float(value):.12g}" for labels, value in values]
    return "\n".join(lines) + "\n"


def _peak_memory() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
