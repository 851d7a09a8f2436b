"""Programs a real board through its ST-LINK: with pyocd where it is installed, else by a command that the user runs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from bench.boards.emulator.image import Image
from bench.errors import BoardError
from bench.files import replace

START, SIZE = 0x08000000, 1 << 20  # the chip's flash
TARGET, PACK = "stm32f746nghx", "stm32f746ng"  # as pyocd and its index of CMSIS packs call the chip
ST = 0x0483  # USB vendor id of STMicroelectronics
RULES = Path(__file__).with_name("60-agilenn-bench.rules")


def is_possible(url: str) -> bool:
    """Whether `program` can do it: pyocd is here, and `url` is the serial port of an ST-LINK on this computer."""
    return importlib.util.find_spec("pyocd") is not None and probe(url) is not None


def probe(url: str) -> str | None:
    """The serial number of the ST-LINK whose virtual COM port `url` is; None if it is none."""
    from serial.tools import list_ports

    real = str(Path(url).resolve()) if "://" not in url else url
    ours = (port for port in list_ports.comports() if port.vid == ST and port.device in (real, url))
    return next((port.serial_number or "" for port in ours), None)


def program(elf: Path, url: str) -> None:
    """Flashes with pyocd and starts the program. Raises BoardError."""
    from pyocd.core import exceptions
    from pyocd.core.helpers import ConnectHelper
    from pyocd.flash.file_programmer import FileProgrammer

    print(f"flashing {elf} through the ST-LINK of {url}", file=sys.stderr)
    try:
        session = ConnectHelper.session_with_chosen_probe(
            blocking=False, return_first=True, unique_id=probe(url) or None, target_override=TARGET
        )
        if session is None:
            raise BoardError(
                f"no ST-LINK is found for {url}", do=f"plug it in; on Linux also: sudo cp {RULES} /etc/udev/rules.d/"
            )
        with session:
            FileProgrammer(session, progress=lambda _done: None).program(str(elf))
            session.target.reset()
    except exceptions.TargetSupportError:
        raise BoardError(f"pyocd does not know the chip {TARGET}", do=f"run: pyocd pack install {PACK}") from None
    except exceptions.Error as error:
        do = f"plug the board in again, or flash it by hand: {by_hand(elf)[1]}"
        raise BoardError(f"pyocd cannot flash {url} ({error})", do=do) from None


def by_hand(elf: Path) -> tuple[str, ...]:
    """Commands of other tools, one of which is enough."""
    binary = elf.with_suffix(".bin")
    return (
        f"pyocd flash --target {TARGET} {elf}",
        f'openocd -f board/stm32f746g-disco.cfg -c "program {elf} verify reset exit"',
        f"st-flash --reset write {binary} {START:#010x}",
        f"cp {binary} /media/$USER/DIS_F746NG/",
    )


def write_binary(image: Image) -> Path:
    """FILE.bin beside FILE.elf: the flash from its first byte on. Raises BoardError for an ELF that lies elsewhere."""
    content = bytearray()
    for segment in image.segments:
        data, at = segment.data, segment.address - START
        if not 0 <= at <= SIZE - len(data):
            got = f"{len(data)} bytes at {segment.address:#010x}"
            raise BoardError(f"{image.path} does not fit into the flash", expected=f"from {START:#010x} on", got=got)
        content.extend(b"\xff" * (at + len(data) - len(content)))
        content[at : at + len(data)] = data
    binary = image.path.with_suffix(".bin")
    replace(binary, bytes(content))
    return binary
