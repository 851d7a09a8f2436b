"""Thumb-2 mnemonics by how the Cortex-M7 executes them (LLVM's ARMScheduleM7; jnk0le's microbenchmarks)."""

from __future__ import annotations

CONDITIONS = frozenset("eq ne hs cs lo cc mi pl vs vc hi ls ge lt gt le".split())

BRANCHES = frozenset("b bl cbz cbnz bx blx tbb tbh".split())
LOADS = frozenset("ldr ldrb ldrh ldrsb ldrsh vldr ldrex ldrexb ldrexh pld".split())
NARROW_LOADS = frozenset("ldrb ldrh ldrsb ldrsh".split())
STORES = frozenset("str strb strh vstr".split())
EXCLUSIVE_STORES = frozenset("strex strexb strexh".split())
PAIRS = frozenset("ldrd strd".split())
STORE_MANY = frozenset("push stm stmdb stmia vpush vstm vstmia vstmdb".split())
LOAD_MANY = frozenset("pop ldm ldmdb ldmia vpop vldm vldmia vldmdb".split())

_HALVES = ("bb", "bt", "tb", "tt")
MAC_ADD_ONE = frozenset(  # last register operand is the accumulator
    "mla mls smlawb smlawt smlad smladx smlsd smlsdx smmla smmlar smmls smmlsr".split() + [f"smla{h}" for h in _HALVES]
)
MAC_ADD_TWO = frozenset(  # first two register operands are the accumulator
    "smlal umlal umaal smlald smlaldx smlsld smlsldx".split() + [f"smlal{h}" for h in _HALVES]
)
MAC_LONG = frozenset("smull umull".split())
MAC = MAC_ADD_ONE | MAC_ADD_TWO | MAC_LONG | frozenset(
    "mul muls smulwb smulwt smuad smuadx smusd smusdx smmul smmulr".split() + [f"smul{h}" for h in _HALVES]
)  # fmt: skip
DIVIDES = frozenset("sdiv udiv".split())

SHIFTS = frozenset("lsl lsr asr ror lsls lsrs asrs rors rrx".split())
SIMPLE = frozenset("add adds addw sub subs subw mov movs movw mvn".split()) | (SHIFTS - {"rrx"})
REVERSALS = frozenset("rev rev16 revsh rbit".split())
_EXTEND_ADD = frozenset("uxtab uxtah uxtab16 sxtab sxtah sxtab16".split())
BITFIELD = frozenset("bfi bfc sbfx ubfx pkhbt pkhtb".split()) | REVERSALS | _EXTEND_ADD
SHIFTED_LAST = frozenset("pkhbt pkhtb".split()) | _EXTEND_ADD  # the last register goes through the shifter
SATURATING = frozenset("ssat usat qadd qsub qdadd qdsub usad8".split())
ALL_EARLY = frozenset("sbfx ubfx ssat usat ssat16 usat16 qdadd qdsub".split()) | REVERSALS
DSP = (
    BITFIELD
    | frozenset(
        "uxtb uxth sxtb sxth uxtb16 sxtb16 clz sel ssat usat ssat16 usat16 qadd qsub qdadd qdsub usad8 usada8".split()
    )
    | frozenset(
        p + o for p in ("s", "q", "sh", "u", "uq", "uh") for o in ("add16", "sub16", "add8", "sub8", "asx", "sax")
    )
)
READ_CARRY = frozenset("adc adcs sbc sbcs rrx sel".split())
COMPARES = frozenset("cmp cmn tst teq".split())
FREE_CONSTANTS = frozenset("movw movt addw subw mov".split())  # take any constant without the shifter
SYSTEM = frozenset("dsb dmb isb mrs msr cpsid cpsie svc bkpt wfi wfe clrex".split())

FLOAT_ACCUMULATE = frozenset("vfma vfms vfnma vfnms vmla vmls vnmla vnmls".split())
FLOAT_BLOCKING = frozenset("vdiv vsqrt".split())
FLOAT_LATENCY = (  # cycles until the result can be used, single precision
    dict.fromkeys("vadd vsub vmul vnmul vneg vabs vmov vcvt vcvtr vcvta vrintz vsel vmaxnm vminnm".split(), 3)
    | dict.fromkeys("vcmp vcmpe vmrs vmsr".split(), 1)
    | dict.fromkeys("vfma vfms vfnma vfnms".split(), 5)
    | dict.fromkeys("vmla vmls vnmla vnmls".split(), 6)
    | {"vdiv": 16, "vsqrt": 14}
)
