"""`qfl kme init FOLDER` and `qfl kme serve FOLDER`: key delivery by ETSI GS QKD 014."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Annotated

import typer

from qfl.cli.app import app
from qfl.cli.output import count, say

kme = typer.Typer(no_args_is_help=True, help="Deliver emulated QKD keys over HTTPS (ETSI 014).")
app.add_typer(kme, name="kme")


@kme.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where the certificates go.")],
    sae: Annotated[list[str], typer.Option(help="Id of an application; name two or more.")],
    host: Annotated[list[str], typer.Option(help="Name or address of the service.")] = [  # noqa: B006
        "localhost",
        "127.0.0.1",
    ],
) -> None:
    """Make an authority and certificates for the service and every application."""
    from qfl.core.errors import ConfigError
    from qfl.security.kme.certificates import make_certificates

    if len(sae) < 2:
        raise ConfigError("a key is shared by two; name two or more: --sae alice --sae bob")
    for path in make_certificates(folder, saes=sae, hosts=host):
        print(path)


@kme.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="Certificates of `qfl kme init`.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8443,
    length_km: Annotated[float, typer.Option(help="Emulated fibre between two ends.")] = 10.0,
    stored_keys: Annotated[int, typer.Option(help="Keys per pair that are kept in stock.")] = 50,
    key_lifetime_seconds: Annotated[
        float, typer.Option(help="Age at which keys expire unused.")
    ] = inf,
) -> None:
    """Serve keys until interrupted; pools are kept in FOLDER/pools, a key is never given twice."""
    import resource
    from secrets import randbits

    from qfl.core.rng import Streams
    from qfl.security import HONESTY
    from qfl.security.keys import Lifetime
    from qfl.security.kme import KeyManager, KmeLimits
    from qfl.security.kme.server import listen, server
    from qfl.security.kme.source import SessionSource, pools_in
    from qfl.security.qkd.link import FibreLink

    # A core dump would hold every key.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limits = KmeLimits(kept_key_count=stored_keys)
    link = FibreLink(length_km=length_km)
    source = SessionSource(link, rng=Streams(randbits(63))("kme"))
    pools = pools_in(
        folder,
        capacity_bits=limits.capacity_bits,
        lifetime=Lifetime(key_lifetime_seconds),
    )
    manager = KeyManager(pools, limits=limits, refill=source)
    service = server(manager, folder=folder, host=host, port=port)
    manager.fill()
    listening = listen(service)
    address = f"https://{host}:{listening.getsockname()[1]}"
    say(f"{count(len(pools), 'link')}; serving on {address} (stop with Ctrl-C)")
    say(HONESTY)
    try:
        service.run(sockets=[listening])
    finally:
        for pool in pools.values():
            pool.close()
