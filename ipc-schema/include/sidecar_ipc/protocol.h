#pragma once

// The local protocol between a shim and the sidecar: frame header, frame types,
// limits, codes and the shared page. This is the one copy; both sides include it,
// so it is C++17, needs only <cstddef> and <cstdint>, and holds no code that
// allocates. Payloads are described in ../../*.fbs; the rules in ../../README.md.
//
// Transport: SOCK_SEQPACKET over a Unix-domain socket. One datagram is one frame:
//
//   frame   = header payload
//   payload = control | records          by the frame's type
//   control = one size-prefixed flatbuffer, whose root the frame type names
//   records = count x (size-prefixed flatbuffer, zero padding to a multiple of 8)
//
//   header, little endian, 8-byte aligned:
//     0  u32  magic         "SWS" and the major version
//     4  u8   header_words  header length in 8-byte words; readers skip what they do not know
//     5  u8   type          bit 7: sidecar to client; bit 6: must be understood
//     6  u16  flags
//     8  u32  payload_size  exactly the datagram's length less the header's
//    12  u32  crc32c        0: none (reserved; required in files and rings, not on the socket)
//    16  u64  first_seq     SEGMENTS: number of the first record; otherwise 0
//    24  u16  count         SEGMENTS: number of records, 1..kMaxRecordsPerFrame; otherwise 0
//    26  u8   schema        id of the payload's schema, kSchemaSegment for segments
//    27  u8   revision      revision of that schema
//    28  u32  lost_before   segments of this session that the client dropped since the previous
//                           frame it sent, saturating
//
// Everything only grows: numbers are never reused, unknown trailing header words
// and unknown frames without bit 6 are skipped and counted.

#include <cstddef>
#include <cstdint>

namespace sidecar::ipc_protocol {

// --- Frames -----------------------------------------------------------------

inline constexpr std::uint32_t kMagic = 0x01535753;  // bytes 'S' 'W' 'S' 1
inline constexpr std::size_t kHeaderSize = 32;
inline constexpr std::uint8_t kHeaderWords = kHeaderSize / 8;
inline constexpr std::uint8_t kMaxHeaderWords = 32;
inline constexpr std::uint16_t kProtocolMinor = 0;

struct FrameHeader {
  std::uint32_t magic;
  std::uint8_t header_words;
  std::uint8_t type;
  std::uint16_t flags;
  std::uint32_t payload_size;
  std::uint32_t crc32c;
  std::uint64_t first_seq;
  std::uint16_t count;
  std::uint8_t schema;
  std::uint8_t revision;
  std::uint32_t lost_before;
};
static_assert(sizeof(FrameHeader) == kHeaderSize, "the header has no padding");
static_assert(offsetof(FrameHeader, first_seq) == 16 && offsetof(FrameHeader, lost_before) == 28, "layout");

inline constexpr std::uint8_t kTypeFromSidecar = 0x80;
inline constexpr std::uint8_t kTypeMustUnderstand = 0x40;

enum class FrameType : std::uint8_t {
  // client to sidecar
  hello = 0x41,        // Hello; first frame, within kHelloTimeout of accept, and again only after REHELLO
  segments = 0x42,     // records of segment.fbs
  bye = 0x03,          // Bye; the client closes after it, the instance ends
  probe_reply = 0x04,  // ProbeReply
  stats = 0x05,        // ClientStats: cumulative, by reason
  // sidecar to client
  welcome = 0xC1,  // Welcome; carries the page's descriptor by SCM_RIGHTS
  ack = 0x82,      // Ack: the marks, for clients that have no page
  config = 0x83,   // Config: settings that do not fit the page
  drain = 0x84,    // Drain: the sidecar stops; reconnect after the given time and jitter
  reject = 0xC5,   // Reject: refused; the sidecar closes after it
  rehello = 0xC6,  // Rehello: say HELLO again on this connection (successor of a restarted sidecar)
  probe = 0x87,    // Probe: answer with ProbeReply from the application's own loop
};

enum FrameFlags : std::uint16_t {
  kFlagFdPayload = 1u << 0,   // reserved: payload is in a memfd
  kFlagChecksum = 1u << 1,    // crc32c is set
  kFlagCompressed = 1u << 2,  // reserved
  kFlagLast = 1u << 3,        // the client closes after this frame
  kFlagReplay = 1u << 4,      // the frame may have been sent before
};

inline constexpr std::uint8_t kSchemaControl = 0;
inline constexpr std::uint8_t kSchemaSegment = 1;
inline constexpr std::uint8_t kSegmentRevision = 0;
inline constexpr std::uint8_t kControlRevision = 0;

// Capabilities, HELLO offers and WELCOME grants a subset. Behaviour depends on
// these bits alone, never on a version comparison.
enum Capability : std::uint64_t {
  kCapReplay = 1u << 0,
  kCapFdPayload = 1u << 1,
  kCapPage = 1u << 2,
  kCapProfiling = 1u << 3,
  kCapDynamicSampling = 1u << 4,
  kCapMeters = 1u << 5,
  kCapLogs = 1u << 6,
  kCapDrain = 1u << 7,
  kCapRing = 1u << 8,
  kCapCrc = 1u << 9,
  kCapCompression = 1u << 10,
  kCapRehello = 1u << 11,
  kCapProbe = 1u << 12,
};

// Why a client was refused. Stable: never renumbered.
enum class RejectCode : std::uint32_t {
  none = 0,
  bad_frame = 1,             // header or type that cannot be read; permanent for this client
  unsupported_version = 2,   // no common protocol version; permanent
  bad_hello = 3,             // HELLO missing, malformed, or with values out of range; permanent
  hello_timeout = 4,         // no HELLO in time; retry
  busy = 5,                  // too many connections; retry after the given time
  identity_changed = 6,      // second HELLO with another identity; permanent
  inherited = 7,             // frame sent by a process that is not the one that connected; reconnect
  too_many_bad_records = 8,  // retry after the given time
  replay_needed = 9,         // sequence numbers too scattered to keep; reconnect and send again from `accepted`
  shutting_down = 10,        // retry after the given time
  not_allowed = 11,          // policy; permanent
};

// --- Limits -----------------------------------------------------------------

// A datagram that the default socket buffer (212,992) takes with its accounting overhead.
inline constexpr std::size_t kMaxFrame = 192 * 1024;
inline constexpr std::size_t kMaxSegment = kMaxFrame - kHeaderSize - 8;
inline constexpr std::size_t kMaxControlFrame = 16 * 1024 + kHeaderSize;
inline constexpr unsigned kMaxRecordsPerFrame = 64;
inline constexpr unsigned kHelloTimeoutMs = 1000;
// What a client may send right behind HELLO without waiting for WELCOME is not
// limited by the protocol, only by the socket: the connection is FIFO.

// Per segment. The shim cuts to these, the sidecar refuses beyond them.
inline constexpr unsigned kMaxSpans = 2000;
inline constexpr unsigned kMaxTagsPerSpan = 128;
inline constexpr unsigned kMaxLogsPerSpan = 512;
inline constexpr unsigned kMaxFieldsPerLog = 32;
inline constexpr unsigned kMaxRefsPerSpan = 512;
inline constexpr std::size_t kMaxKey = 256;
inline constexpr std::size_t kMaxValue = 32 * 1024;
inline constexpr std::size_t kMaxOperation = 1024;
inline constexpr std::size_t kMaxPeer = 256;
inline constexpr std::size_t kMaxForeignId = 1024;
inline constexpr std::size_t kMaxName = 255;  // service, instance, layer
// Per HELLO.
inline constexpr unsigned kMaxProperties = 64;
inline constexpr std::size_t kMaxPropertyKey = 128;
inline constexpr std::size_t kMaxPropertyValue = 1024;
// Per CONFIG: suffixes, and as many patterns. Within kMaxControlFrame.
inline constexpr unsigned kMaxIgnoreRules = 64;
inline constexpr std::size_t kMaxIgnoreText = 100;

// Verification of flatbuffers: depth, and one table per this many bytes.
inline constexpr unsigned kVerifyDepth = 16;
inline constexpr unsigned kVerifyBytesPerTable = 8;
inline constexpr unsigned kVerifyMaxTables = 65536;
// The stock verifier accepts shared strings and tables, so a small buffer can
// decode to gigabytes. What a segment decodes to is charged and bounded by the
// lower of these two.
inline constexpr std::size_t kDecodedFactor = 16;
inline constexpr std::size_t kMaxDecoded = 4u * 1024 * 1024;

// --- The page ---------------------------------------------------------------

// One per connection: a memfd of kPageSize bytes, sealed SHRINK|GROW|SEAL, mode
// 0400, written by the sidecar alone and never read back by it. The client gets
// a read-only descriptor with WELCOME, checks seals and size, and maps it.
// Single 64-bit fields are written and read as relaxed or acquire/release
// atomics. The ids, which belong together, are guarded by ids_version: odd while
// being written; a reader tries three times and then keeps what it had.

inline constexpr std::size_t kPageSize = 4096;
inline constexpr std::uint32_t kPageMagic = 0x01475057;  // bytes 'W' 'P' 'G' 1

namespace page {
inline constexpr std::size_t kMagic = 0;  // u32
inline constexpr std::size_t kWords = 4;  // u32, 8-byte words in use
inline constexpr std::size_t kBeat =
    8;  // u64, CLOCK_MONOTONIC ms of the sidecar's last turn, at least each 250 ms while it lives
inline constexpr std::size_t kSidecarEpoch = 16;  // u64
inline constexpr std::size_t kAccepted = 24;      // u64, all seqs up to here are taken over by this sidecar
inline constexpr std::size_t kSettled = 32;       // u64, all seqs up to here are delivered, or dropped with a reason
inline constexpr std::size_t kFramesWaiting =
    40;  // u64, frames the sidecar has written to this connection so far, WELCOME is the 1st
inline constexpr std::size_t kSampling = 48;     // u64, two's complement: traces per 3 s and process, -1 all
inline constexpr std::size_t kFlags = 56;        // u64, PageFlags
inline constexpr std::size_t kUpstream = 64;     // u64, UpstreamState
inline constexpr std::size_t kSlot = 72;         // u64, slot of this instance among its namesakes on the host, 0 first
inline constexpr std::size_t kIdsVersion = 128;  // u64
inline constexpr std::size_t kServiceId = 136;   // u64, two's complement, 0 unknown (v1: application)
inline constexpr std::size_t kInstanceId = 144;  // u64, two's complement, 0 unknown
inline constexpr std::size_t kUsedWords = 19;
}  // namespace page

enum PageFlags : std::uint64_t {
  kPageEnabled = 1u << 0,   // tracing is on; off: build nothing, inject nothing
  kPageDraining = 1u << 1,  // the sidecar is stopping: expect DRAIN, keep what is not settled
};

enum class UpstreamState : std::uint64_t { unknown = 0, up = 1, degraded = 2, down = 3 };

// The beat is considered still after this long.
inline constexpr unsigned kBeatStillMs = 1000;
inline constexpr unsigned kBeatPeriodMs = 250;

}  // namespace sidecar::ipc_protocol
