"""./reproduce.sh board run: what it prints and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from emulator_programs import build

from bench.cli import main

WORK = """
ITCM static uint32_t heavy(uint32_t n) {
    uint32_t s = 1;
    for (uint32_t i = 0; i < n; i++) s = s * 31 + (s >> 3);
    return s;
}
__attribute__((noinline)) static uint32_t light(uint32_t n) { return n ^ CYCLES; }
int main(void) { result[0] = heavy(20000) + light(3); return 0; }
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["board", "run", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_json_has_one_object_with_a_profile(capsys: pytest.CaptureFixture[str]) -> None:
    elf = str(build(WORK))
    code, out, err = run(capsys, elf, "--json")
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert list(result) == ["instructions", "cycles", "cpi", "ms_at_216mhz", "stop_reason", "profile"]
    assert result["stop_reason"] == "bkpt"
    assert result["cpi"] == pytest.approx(result["cycles"] / result["instructions"], abs=1e-3)
    assert result["ms_at_216mhz"] == pytest.approx(result["cycles"] / 216e3, rel=1e-3)
    top = result["profile"][0]
    assert top["symbol"] == "heavy" and top["share"] > 0.8
    assert sum(row["share"] for row in result["profile"]) == pytest.approx(1, abs=1e-4)
    assert sum(row["instructions"] for row in result["profile"]) == result["instructions"]
    assert sum(row["cycles"] for row in result["profile"]) == pytest.approx(
        result["cycles"], abs=len(result["profile"])
    )
    assert run(capsys, elf, "--json")[1] == out


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, str(build(WORK)))
    assert code == 0 and "stop_reason   bkpt" in out and "heavy" in out


def test_limit(capsys: pytest.CaptureFixture[str]) -> None:
    elf = str(build("int main(void) { for (;;) ; }"))
    code, out, _ = run(capsys, elf, "--json", "--limit", "1e5")
    result = json.loads(out)
    assert (code, result["stop_reason"]) == (0, "limit") and 100_000 <= result["instructions"] < 100_100


def test_assumption_costs_cycles(capsys: pytest.CaptureFixture[str]) -> None:
    elf = str(build(WORK.replace("s = s * 31 + (s >> 3)", "s ^= i, result[1] += 3")))
    cycles = [
        json.loads(run(capsys, elf, "--json", "--assumption", a)[1])["cycles"] for a in ("default", "no_dual_issue")
    ]
    assert cycles[1] > 1.1 * cycles[0]


def test_fault_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, str(build("int main(void) { REG(0x08000000) = 1; return 0; }")), "--json")
    assert code == 2
    assert json.loads(out)["stop_reason"].startswith("fault: write to read-only address 0x08000000 at pc=0x0800")
    assert err.startswith("error: ") and "(main" in err and "r0=" in err and err.count("\n") == 1


def test_what_the_program_prints_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    source = """int main(void) {
        register int op __asm("r0") = 4; register const char *text __asm("r1") = "CoreMark 1.0";
        __asm volatile("bkpt 0xAB" :: "r"(op), "r"(text) : "memory"); return 0; }"""
    code, out, err = run(capsys, str(build(source)), "--json")
    assert (code, err) == (0, "CoreMark 1.0") and json.loads(out)["stop_reason"] == "bkpt"


@pytest.mark.parametrize("content", [None, b"", b"\x7fELF\x02\x01\x01" + bytes(60)])
def test_bad_files(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.elf"
    if content is not None:
        path.write_bytes(content)
    code, out, err = run(capsys, str(path))
    assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1


@pytest.mark.parametrize("body", ["result[0]++;", "result[0] = REG(0x40020010);"])
def test_ctrl_c(body: str) -> None:
    """Also while a register is read, when Python code runs inside a native callback."""
    elf = build(f"int main(void) {{ for (;;) {body} }}")
    for seconds in (2, 6, 12):  # a busy computer starts Python late, and a signal before that just ends it
        process = subprocess.Popen(
            [sys.executable, "-m", "bench", "board", "run", str(elf)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        if process.returncode != -signal.SIGINT:
            break
    assert (process.returncode, out) == (2, "") and "Ctrl-C" in err and "Traceback" not in err
