/* Decoder of the lossless image coder for the server; lossless.py says what the stream looks like. */
#include <stdint.h>
#include <stdlib.h>

#define CONTEXTS 8
#define LONGEST 15

struct stream {
    const uint8_t *data;
    uint32_t at, end; /* in bits */
};

static int bit(struct stream *s) {
    const int found = s->at < s->end ? s->data[s->at >> 3] >> (7 - (s->at & 7)) & 1 : 0;
    s->at++; /* beyond the end too: the caller sees it there */
    return found;
}

/* A residual by a canonical code: symbols in the order of their codes, and how many codes there are of each length. */
static int symbol(struct stream *s, const uint8_t *ordered, const uint16_t *lengths) {
    int code = 0, first = 0;
    for (int length = 1; length <= LONGEST; length++) {
        code = code << 1 | bit(s);
        if (code - first < lengths[length])
            return ordered[code - first];
        ordered += lengths[length];
        first = (first + lengths[length]) << 1;
    }
    return 0; /* not reached: the codes are complete */
}

static int median(int a, int b, int c) {
    const int low = a < b ? a : b, high = a < b ? b : a, slope = a + b - c;
    return slope < low ? low : slope > high ? high : slope;
}

static int context(int a, int b, int c) {
    int activity = abs(a - c) + abs(b - c), length = 0;
    for (; activity > 0; activity >>= 1)
        length++;
    return length < CONTEXTS ? length : CONTEXTS - 1;
}

/* A pixel's value in a plane: green, or a difference to it. */
static int value(const uint8_t *pixel, int plane, int channels) {
    const int green = pixel[channels == 3];
    return plane == 0 ? green : pixel[2 * plane - 2] - green;
}

/* 1 for a whole stream. ordered [groups][CONTEXTS][256] and lengths [groups][CONTEXTS][LONGEST + 1] must be sound (Tables.read
   sees to it); image [height][width][channels] is written, channels are 1 or 3. */
int lossless_decode(const uint8_t *data, const uint8_t *ordered, const uint16_t *lengths, uint8_t *image, uint32_t bytes,
                    int height, int width, int channels);
int lossless_decode(const uint8_t *data, const uint8_t *ordered, const uint16_t *lengths, uint8_t *image, uint32_t bytes,
                    int height, int width, int channels) {
    struct stream s = {data, 0, bytes * 8};
    for (int y = 0; y < height; y++) {
        const int planes = channels == 3 && !bit(&s) ? 3 : 1;
        for (int x = 0; x < width; x++, image += channels) {
            const uint8_t *const left = image - channels, *const above = image - width * channels;
            for (int plane = 0; plane < planes; plane++) {
                int b = y > 0 ? value(above, plane, channels) : 0;
                const int a = x > 0 ? value(left, plane, channels) : b;
                int c = x > 0 && y > 0 ? value(above - channels, plane, channels) : b;
                if (y == 0)
                    b = c = a;
                const int row = (plane > 0) * CONTEXTS + context(a, b, c);
                const int residual = symbol(&s, ordered + row * 256, lengths + row * (LONGEST + 1)) + median(a, b, c);
                if (plane == 0)
                    image[channels == 3] = (uint8_t)residual;
                else
                    image[2 * plane - 2] = (uint8_t)(residual + image[1]);
            }
            if (channels == 3 && planes == 1)
                image[0] = image[2] = image[1];
            if (s.at > s.end)
                return 0;
        }
    }
    if (s.end - s.at >= 8)
        return 0;
    while (s.at < s.end)
        if (bit(&s))
            return 0;
    return 1;
}
