/* Frame types and refusals; bench/boards/protocol.py has the same numbers. */
#ifndef FRAME_TYPES_H
#define FRAME_TYPES_H
enum frame_type {
    TYPE_HELLO = 1, TYPE_LOAD, TYPE_RUN, TYPE_READ, TYPE_REPLY, TYPE_RESUME, TYPE_MODEM, TYPE_REMOTE, /* host to board */
    TYPE_INFO = 0x81, TYPE_ACK, TYPE_STATUS, TYPE_DATA, TYPE_NAK, TYPE_FAULT, TYPE_SAID /* board to host */
};
enum refusal { NAK_CRC = 1, NAK_VERSION, NAK_TYPE, NAK_LENGTH, NAK_RANGE, NAK_STATE };
#endif
