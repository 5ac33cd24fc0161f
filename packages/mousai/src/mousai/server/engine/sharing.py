"""What each replica takes of a Ray cluster."""

from collections.abc import Iterable, Mapping

from mousai.errors import UserError


def share_of_cluster(replicas: int, device: str) -> tuple[dict[str, float], str]:
    """Share the cluster that this process is connected to among replicas, see `share`."""
    import ray

    return share([one["Resources"] for one in ray.nodes() if one["Alive"]], replicas, device)


def share(machines: Iterable[Mapping[str, float]], replicas: int, device: str) -> tuple[dict[str, float], str]:
    """Return what a replica takes, as options of an actor of Ray, and the device that it computes on.

    On GPUs each has one; on CPUs all have as many cores, as many as the machines have for so many replicas.

    Args:
        machines: resources of each, such as `{"CPU": 16.0, "GPU": 2.0}`.
        replicas: number of replicas.
        device: auto, cpu or cuda; auto takes GPUs where the cluster has any.

    Raises:
        UserError: the cluster is too small, or the device is none of these.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UserError("device", device, "must be auto, cpu or cuda on a cluster, which says which GPU is whose")
    machines = list(machines)
    gpus = int(sum(one.get("GPU", 0) for one in machines))
    if device == "cuda" or (device == "auto" and gpus):
        if gpus < replicas:
            hint = f"the cluster has {_counted(gpus, 'GPU')}, and each replica takes one; give fewer, or device cpu"
            raise UserError("replicas", replicas, hint)
        return {"num_cpus": 1, "num_gpus": 1}, "cuda"
    cores = [int(one.get("CPU", 0)) for one in machines]
    if sum(cores) < replicas:
        hint = f"the cluster has {_counted(sum(cores), 'core')}, and each replica takes one or more; give fewer"
        raise UserError("replicas", replicas, hint)
    each = max(one for one in range(1, max(cores) + 1) if sum(count // one for count in cores) >= replicas)
    return {"num_cpus": each}, "cpu"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
