/* One inference's message to the server and its reply, over the modem; bench/wire.py says what the bytes are. A message without a
   sound reply is sent again with the same sequence number, so that the server computes once. */
#include "program.h"
#include "modem.h"
#include "registers.h"
#include "runtime.h"

#define FRAGMENT 1400u
#define REPLY_HEAD 7u /* status u8, microseconds u32, count u16 */
#define BUSY_PAUSE 10u /* ms */
#define REFUSED_PAUSE 100u
enum kind { REQUEST = 1, REPLY = 2 };
struct __attribute__((packed)) head {
    char magic[2];
    uint8_t version, kind;
    uint32_t deployment, sequence;
    uint16_t fragment, fragments, length;
};
#define LARGEST (sizeof(struct head) + FRAGMENT + 4)

struct remote remote;
struct exchange last_exchange;

/* The datagram of one fragment, in scratch memory: that is DTCM, which the modem's DMA needs. Returns its length. */
static uint32_t pack(const uint8_t *payload, uint32_t bytes, uint32_t index, uint32_t count) {
    uint8_t *const to = (uint8_t *)scratch;
    const uint32_t at = index * FRAGMENT, length = bytes - at < FRAGMENT ? bytes - at : FRAGMENT;
    const struct head head = {{'A', 'B'}, 1, REQUEST, remote.deployment, remote.sequence, (uint16_t)index, (uint16_t)count, (uint16_t)length};
    __builtin_memcpy(to, &head, sizeof head);
    __builtin_memcpy(to + sizeof head, payload + at, length);
    const uint32_t crc = crc32(to, sizeof head + length);
    __builtin_memcpy(to + sizeof head + length, &crc, 4);
    return sizeof head + length + 4;
}

static enum modem_event send_all(const uint8_t *payload, uint32_t bytes) {
    const uint32_t count = bytes > 0 ? (bytes + FRAGMENT - 1) / FRAGMENT : 1;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t length = pack(payload, bytes, i, count);
        enum modem_event event;
        while ((event = modem_send((const uint8_t *)scratch, length)) == MODEM_BUSY)
            modem_pause(BUSY_PAUSE);
        if (event != MODEM_SENT)
            return event;
    }
    return MODEM_SENT;
}

/* Whether the datagram is the whole reply to this request. Fills the program's reply if the server could answer. */
static int accept(const uint8_t *bytes, uint32_t length) {
    struct head head;
    uint32_t crc;
    uint16_t logits;
    if (length < sizeof head + REPLY_HEAD + 4)
        return 0;
    __builtin_memcpy(&head, bytes, sizeof head);
    __builtin_memcpy(&crc, bytes + length - 4, 4);
    if (head.magic[0] != 'A' || head.magic[1] != 'B' || head.version != 1 || head.kind != REPLY ||
        head.deployment != remote.deployment || head.sequence != remote.sequence || head.fragments != 1 ||
        head.length != length - sizeof head - 4 || crc != crc32(bytes, length - 4))
        return 0;
    const uint8_t *const reply = bytes + sizeof head;
    last_exchange.status = reply[0];
    __builtin_memcpy(&last_exchange.server_us, reply + 1, 4);
    __builtin_memcpy(&logits, reply + 5, 2);
    if (reply[0] != 0 || 2u * logits != program.reply_bytes || head.length != REPLY_HEAD + program.reply_bytes)
        return 1;
    __builtin_memcpy(program.reply, reply + REPLY_HEAD, program.reply_bytes);
    reply_filled = program.reply_bytes;
    return 1;
}

int remote_exchange(void) {
    const uint8_t *const payload = program.buffers[remote.payload].data;
    struct inbox inbox = {(uint8_t *)scratch + LARGEST, LARGEST, 0};
    const uint32_t start = DWT_CYCCNT;
    remote.sequence++;
    modem_bytes_out = modem_bytes_in = 0;
    for (int answered = 0; !answered && last_exchange.tries < remote.tries;) {
        last_exchange.tries++;
        modem_begin(remote.milliseconds, &inbox);
        last_exchange.event = send_all(payload, *program.payload_bytes);
        last_exchange.up_cycles = DWT_CYCCNT - start;
        if (last_exchange.event != MODEM_SENT) {
            modem_pause(REFUSED_PAUSE);
            continue;
        }
        while (!answered && (last_exchange.event = modem_receive()) == MODEM_DATA) {
            answered = accept(inbox.bytes, inbox.length);
            inbox.length = 0;
        }
    }
    last_exchange.down_cycles = DWT_CYCCNT - start - last_exchange.up_cycles;
    last_exchange.up_bytes = modem_bytes_out;
    last_exchange.down_bytes = modem_bytes_in;
    return reply_filled == program.reply_bytes;
}
