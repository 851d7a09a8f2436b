"""emu:// as a pyserial port: echo by registers and by DMA, virtual time, bad URLs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import serial
from emulator_programs import build
from hypothesis import given, settings
from hypothesis import strategies as st

import bench.boards.emu_url.protocol_emu as handler
from bench.errors import BoardError, UnknownName

UART = """
#define U 0x40011000u
static void uart(uint32_t cr3) { REG(U + 8) = cr3; REG(U) = 0xD; }
"""
BY_REGISTER = (
    UART
    + """
int main(void) {
    uart(0);
    for (;;) {
        while (!(REG(U + 0x1C) >> 5 & 1)) ;
        uint32_t c = REG(U + 0x24);
        while (!(REG(U + 0x1C) >> 7 & 1)) ;
        REG(U + 0x28) = c ^ 0x55;
    }
}"""
)
BY_DMA = (
    UART
    + """
#define RX 0x40026440u /* stream 2 */
#define TX 0x400264B8u /* stream 7 */
#ifndef RING
#define RING 64
#endif
static volatile uint8_t ring[RING], out[16384];
static void send(uint32_t n) {
    REG(0x4002640C) = 0x3Fu << 22;
    REG(TX + 4) = n; REG(TX + 8) = U + 0x28; REG(TX + 12) = (uint32_t)out; REG(TX) = 4u << 25 | 1u << 10 | 1u << 6 | 1;
    while (!(REG(0x40026404) >> 27 & 1)) ;
}
int main(void) { /* answers every line: its bytes reversed, then a newline */
    uart(0xC0);
    REG(RX + 4) = RING; REG(RX + 8) = U + 0x24; REG(RX + 12) = (uint32_t)ring;
    REG(RX) = 4u << 25 | 1u << 10 | 1u << 8 | 1;
    uint32_t tail = 0, n = 0;
    for (;;) {
        uint32_t head;
        while ((head = (RING - REG(RX + 4)) % RING) == tail) ;
        while (tail != head) {
            uint8_t c = ring[tail];
            tail = (tail + 1) % RING;
            out[8191 - n++] = c;
            if (c == '\\n') {
#ifdef TIMED /* and four bytes: the cycles of a computation */
                uint32_t t = CYCLES, s = 0;
                for (uint32_t i = 0; i < 3000; i++) s += ring[i % RING] > 'c' ? i : s >> 3;
                result[1] = s, t = CYCLES - t;
                for (int k = 0; k < 28; k += 7) out[8191 - n++] = (t >> k & 0x7F) | 0x80;
#endif
                for (uint32_t i = 0; i < n - 1; i++) out[i] = out[8192 - n + 1 + i];
                out[n - 1] = '\\n';
                send(n);
                n = 0;
            }
        }
    }
}"""
)


BY_FUNCTION = (
    UART
    + """
__attribute__((naked, noinline)) static uint32_t ready(void) { __asm volatile( /* the look and a PUSH in one block */
    "push {r4, lr}\\n ldr r4, =0x4001101C\\n" LOOK "movs r0, #0x77\\n" END
    "ubfx r0, r4, #5, #1\\n pop {r4, pc}\\n .ltorg"); }
void nothing(void) {}
int main(void) {
    uart(0);
    for (;;) {
        uint32_t before, after;
        __asm volatile("mov %0, sp" : "=r"(before));
        while (!ready()) ;
        __asm volatile("mov %0, sp" : "=r"(after));
        REG(U + 0x28) = REG(U + 0x24) + before - after;
    }
}"""
)


def url(elf: Path, more: str = "") -> str:
    return f"emu://stm32f746?elf={quote(str(elf))}{more}"


def connect(source: str, *flags: str, timeout: float | None = 1.0) -> handler.Serial:
    if "bench.boards.emu_url" not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append("bench.boards.emu_url")
    return serial.serial_for_url(url(build(source, *flags)), timeout=timeout, exclusive=True)


@pytest.fixture(scope="module")
def dma() -> Iterator[handler.Serial]:
    with connect(BY_DMA) as port:
        yield port


def test_echo_by_registers() -> None:
    with connect(BY_REGISTER) as port:
        data = bytes(range(256)) * 4
        assert port.write(data) == len(data)
        assert port.read(len(data)) == bytes(b ^ 0x55 for b in data)
        assert port.read(1) == b""


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.binary(max_size=700).map(lambda b: b.replace(b"\n", b"")), min_size=1, max_size=4), st.integers(1, 300)
)
def test_echo_by_dma_in_any_pieces(dma: handler.Serial, lines: list[bytes], piece: int) -> None:
    sent = b"".join(line + b"\n" for line in lines)
    for start in range(0, len(sent), piece):
        dma.write(sent[start : start + piece])
        if start % 3 == 0:
            assert dma.in_waiting >= 0
    assert dma.read(len(sent)) == b"".join(line[::-1] + b"\n" for line in lines)
    assert dma.read(1) == b""


def test_waiting_costs_no_host_time_and_no_bytes_are_lost() -> None:
    with connect(BY_DMA, "-DRING=16", timeout=100.0) as port:
        start = time.monotonic()
        assert port.read(10) == b""
        port.write(b"abc\n" * 500)
        assert port.read(3000) == b"cba\n" * 500
        assert time.monotonic() - start < 20


def test_virtual_timeout() -> None:
    with connect("int main(void) { for (;;) result[0]++; }", timeout=0.05) as port:
        assert port.read(1) == b""
        assert port.machine.cycles >= 0.05 * 16e6


def test_counters_do_not_depend_on_how_the_host_cuts_its_bytes() -> None:
    """A computation timed by firmware costs the same however often the firmware had to wait before it."""
    answers = []
    for pieces in ([b"abcdef\n"], [b"abc", b"def\n"], [b"a", b"b", b"c", b"d", b"e", b"f", b"\n"]):
        with connect(BY_DMA, "-DTIMED") as port:
            for piece in pieces:
                port.write(piece)
                assert port.in_waiting in (0, 11)
            answers.append(port.read(100))
    assert answers[0] == answers[1] == answers[2] and len(answers[0]) == 11


@pytest.mark.parametrize("end", ["", "bkpt 0xAB\\n", "svc 0\\n"])
@pytest.mark.parametrize(
    "look",
    [
        "ldr r4, [r4]\\n",
        "push {r4}\\n ldr r0, [r4], #4\\n push {r0}\\n pop {r0}\\n pop {r4}\\n ldr r4, [r4]\\n",
        "sub r4, #4\\n ldr r0, [r4, #4]!\\n ldmia r4, {r4}\\n",
    ],
    ids=["once", "twice", "writeback"],
)
def test_a_block_that_waits_runs_once(look: str, end: str) -> None:
    """However the block ends that looks: by a branch, a request to the debugger or an exception."""
    vectors = "VECTORS=&_stack,(void*)Reset_Handler,[11]=(void*)nothing"
    flags = [f'-DLOOK="{look}"', f'-DEND="{end}"', "-DDECLARE=void nothing(void);", f"-D{vectors}"]
    with connect(BY_FUNCTION, *flags) as port:
        for byte in (b"a", b"b", b"c"):
            assert port.read(1) == b""
            port.write(byte)
            assert port.read(1) == byte


def test_resets_and_closing() -> None:
    with connect(BY_REGISTER) as port:
        port.write(b"lost")
        port.reset_output_buffer()
        assert port.read(4) == b""
        port.write(b"a")
        assert port.in_waiting == 1
        port.reset_input_buffer()
        assert port.read(1) == b""
    with pytest.raises(serial.PortNotOpenError):
        port.read(1)
    with pytest.raises(serial.PortNotOpenError):
        port.write(b"x")


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("emu://stm32f407?elf=x", UnknownName),
        ("emu://stm32f746", BoardError),
        ("emu://stm32f746?elf=/no/such.elf", BoardError),
        ("emu://stm32f746?elf=x&speed=1", UnknownName),
        ("emu://stm32f746?elf=x&max_instructions=many", BoardError),
        ("emu://stm32f746?elf=x&assumption=fast", UnknownName),
    ],
)
def test_bad_urls(address: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        handler.Serial(address)


@pytest.mark.parametrize(
    ("body", "more", "words"),
    [
        ("REG(0x08000000) = 1;", "", "faulted.*read-only"),
        ("", "", "ended .bkpt."),
        ("for (;;) ;", "", "hangs.*main"),
        ("for (;;) result[0]++;", "&max_instructions=5000", "max_instructions=5000"),
    ],
)
def test_a_firmware_that_cannot_answer(body: str, more: str, words: str) -> None:
    with (
        handler.Serial(url(build(f"int main(void) {{ {body} return 0; }}"), more), timeout=1) as port,
        pytest.raises(BoardError, match=words),
    ):
        port.read(1)


def test_waiting_leaves_no_trace_in_predictor_and_caches() -> None:
    with connect(BY_DMA) as patient, connect(BY_DMA) as restless:
        patient.machine.run()
        for _ in range(5):
            restless.machine.run()
        states = []
        for port in (patient, restless):
            port.write(b"some line\n")
            assert len(port.read(10)) == 10
            states.append(bytes(port.machine.timing._state.micro))
        assert states[0] == states[1]
