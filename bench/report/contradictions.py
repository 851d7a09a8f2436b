"""Where the paper contradicts itself: what two of its figures, or a figure and a sentence, say of the same thing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contradiction:
    """about: the quantity; says: the numbers and where they stand; so: what follows for a comparison."""

    about: str
    says: str
    so: str = ""


CONTRADICTIONS = (
    Contradiction(
        "AgileNN's accuracy on SVHN",
        "95.2 % in Figure 16; 96.5 % in Figures 15, 18 and 21; 95.2 % (saliency) or 96.1 % (integrated gradients) in "
        "Figure 24: one operating point.",
        "Verdicts use Figure 16.",
    ),
    Contradiction(
        "AgileNN's accuracy on CIFAR-100",
        "73.7 % in Figure 16, 73.2 % in Figure 21, 73.4 % in Figure 15, 73.3 or 74.3 % in Figure 24, 74.8 % in "
        "Figure 20.",
        "The spread of 1.6 points is wider than the margin of 1 point within which accuracies agree here.",
    ),
    Contradiction(
        "AgileNN's network time on SVHN", "2.1 ms in Figure 16, 2.99 ms in Figure 21 at the same rho and split."
    ),
    Contradiction("AgileNN's total on SVHN", "15.3 ms in Figure 16, 13.5 to 13.8 ms in Figure 24."),
    Contradiction("MCUNet's time on SVHN", "98 ms in Figure 16, 124 ms in Figures 22 and 23."),
    Contradiction("SPINN's totals", "78.8 and 38.7 ms in Figure 16, 78.5 and 37.6 ms in Figures 22 and 23."),
    Contradiction(
        "Edge-only's network time",
        "At 6 Mbps it stands for 56, 65, 54 and 277 KB on the four data sets; a raw 96x96 colour image has 27.6 KB, "
        "one of 128x128 has 49.2 KB.",
        "Either LZW doubles the image, or half of the rate is lost on the way; it cannot be derived from the text.",
    ),
    Contradiction(
        "The link at other rates (Figure 23)",
        "All network times are those at 6 Mbps times 3.2 (2 Mbps) and 18.25 (270 kbps), whatever the method and the "
        "bytes; the rates' own ratios are 3.0 and 22.2.",
        "The figure is a scaled copy of another, no measurement.",
    ),
    Contradiction(
        "The processor at other clocks (Figure 22)",
        "Every point is the device's time at 216 MHz times 216 over the clock, plus network and server, to 0.1 ms.",
        "Scaled, too: wait states and caches do not scale so.",
    ),
    Contradiction(
        "What a lower clock costs",
        "The text calls the increase small; from 216 to 64 MHz on SVHN AgileNN takes 194 % more, DeepCOD 173 %, SPINN "
        "182 %.",
        "It is smaller in milliseconds only.",
    ),
    Contradiction(
        "What a slower link costs",
        "From 6 Mbps to 270 kbps on CIFAR-100 AgileNN takes 387 % more, DeepCOD 180 %.",
        "The lead over DeepCOD shrinks from 2.5 to 1.4 times.",
    ),
    Contradiction(
        "Latency below 20 ms",
        "Claimed for most data sets, by the project page with ImageNet among them; Figure 16 has it for one of four "
        "(15.3 ms), and 97.7 ms for ImageNet-200.",
    ),
    Contradiction(
        "Six times lower latency",
        "Holds against MCUNet; against DeepCOD it is 2.0 to 2.6 times.",
    ),
    Contradiction(
        "Features that compress six times better",
        "The largest saving in Table 2, 72.3 %, is 3.6 times; the others are 1.2 to 1.8.",
    ),
    Contradiction(
        "Transmitted data on CIFAR-10",
        "Table 2 has 43.7 % less than DeepCOD; the network times of Figure 16 differ by 5.7 %. The other three data "
        "sets agree within 2 points.",
    ),
    Contradiction(
        "Eight times fewer resources",
        "Energy against MCUNet on CIFAR-100 (9.7 times); ImageNet-200: 3.5; memory: 1.3 to 1.4.",
    ),
    Contradiction("Memory below 20 % of the device", "216 of 320 KB of SRAM are 67 %; flash alone is below (13 %)."),
    Contradiction(
        "Required skewness", "On CIFAR-100 eight of the nine cells of Figure 21 stay below the rho that was asked for."
    ),
    Contradiction(
        "Energy (Figure 19)",
        "Over the latencies of Figure 16 it means 1.7 to 2.9 W. The processor alone takes 0.3 to 0.5 W, and no pair "
        "of a processor's and a radio's power fits both data sets.",
        "A whole board is in it: only ratios can be compared.",
    ),
    Contradiction(
        "Local time",
        "11, 14 and 16 ms on SVHN, CIFAR-10 and CIFAR-100 for one extractor: only the last dense layer differs.",
    ),
)
