"""Opens a serial port or URL, and turns every way in which that fails into a message with its fix."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from bench.errors import BoardError, UnknownName

FAR = ("socket", "rfc2217")  # at a host and port
SCHEMES = ("emu", "socket", "rfc2217", "loop", "hwgrep", "spy", "alt")
HANDLERS = "bench.boards.emu_url"
RULES = "bench/boards/60-agilenn-bench.rules"


def is_emulated(url: str) -> bool:
    return url.startswith("emu:")


def sound(url: str) -> str:
    """How --board is read. Raises UnknownName or BoardError where that cannot be a port, whatever is plugged in."""
    scheme, rest = url.split("://", 1) if "://" in url else ("", url)
    if scheme and scheme not in SCHEMES:
        raise UnknownName("kind of port", scheme, [f"{s}://" for s in SCHEMES] + ["/dev/NAME"])
    if scheme in FAR:
        host, _, port = rest.partition("/")[0].partition("?")[0].rpartition(":")
        if not host or not (port.isdecimal() and 1 <= int(port) <= 65535):
            raise BoardError(f"--board {url}", expected=f"{scheme}://HOST:PORT with a port of 1 to 65535")
    return url


def open_port(url: str, baud: int) -> Any:
    """A pyserial port, locked for this process where the system can. Raises BoardError or UnknownName."""
    import serial

    scheme = sound(url).partition("://")[0] if "://" in url else ""
    if HANDLERS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(HANDLERS)
    if scheme == "emu":
        import bench.boards.emu_url.protocol_emu  # noqa: F401  (pyserial would hide why this import fails)
    try:
        if scheme == "rfc2217":
            from bench.boards.far import FarPort

            return FarPort(url, baudrate=baud, timeout=1.0)
        return serial.serial_for_url(
            url, baudrate=baud, timeout=1.0, write_timeout=30.0, exclusive=None if scheme else True
        )
    except serial.SerialException as error:
        raise explain(url, error) from None
    except ValueError as error:
        raise BoardError(f"{url}: {error}", expected="a port such as /dev/ttyACM0 or a pyserial URL") from None


def explain(url: str, error: OSError) -> BoardError:
    """The error that the user can act on."""
    number = error.errno
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or (
        number is None and "://" not in url and not Path(url).exists()
    ):
        return BoardError(
            f"{url}: there is no such port", expected="a port that exists", got=available(), do="plug the board in"
        )
    if number in (errno.EACCES, errno.EPERM):
        do = f"run: sudo usermod -aG {group(url)} $USER   and log in again, or install {RULES}"
        return BoardError(f"{url}: no permission", do=do)
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK):
        return BoardError(f"{url}: another program uses it", got=holder(url), do="close that program, then try again")
    if number in (errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EHOSTUNREACH) or "://" in url:
        return BoardError(f"{url}: cannot connect ({error})", do="check the address and that the other side is running")
    return BoardError(f"{url}: not a usable serial port ({error})", got=available(), do="choose one of these")


def available() -> str:
    """The serial ports of this machine, as text."""
    from serial.tools import list_ports

    names = [port.device for port in list_ports.comports()]
    return f"these ports: {', '.join(names)}" if names else "no serial port on this machine"


def group(url: str) -> str:
    """The group that may use the port."""
    try:
        return Path(url).group()
    except (OSError, KeyError, NotImplementedError):
        return "dialout"


def holder(url: str) -> str:
    """The process that has the port open, where /proc tells."""
    target = os.path.realpath(url)
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(entry) == target:
                process = entry.parts[2]
                name = Path("/proc", process, "comm").read_text().strip()
                return f"process {process} ({name})"
        except OSError:
            continue
    return "an unknown process"
