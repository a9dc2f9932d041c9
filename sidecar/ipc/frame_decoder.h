#pragma once

// decode_frame() reads the header of one datagram: what it is, whether it is
// whole, and where its payload lies. A datagram is a frame, so there is nothing
// to reassemble and no state. It does not look into payloads.
//
// Pure. The rules are those of sidecar_ipc/protocol.h.

#include <sidecar_ipc/protocol.h>

#include <cstdint>
#include <span>

namespace sidecar {

struct Frame {
  ipc_protocol::FrameHeader header;       // in host order
  ipc_protocol::FrameType type;           // one that a client may send
  std::span<const std::uint8_t> payload;  // of the datagram; at a multiple of 8 from its start
};

struct DecodedFrame {
  enum class Verdict {
    frame,   // `frame` is set
    skip,    // of a kind we do not know and need not: count it and go on
    refuse,  // `code` and `why` say why the client must go
  };
  Verdict verdict;
  ipc_protocol::RejectCode code = ipc_protocol::RejectCode::none;
  const char* why = "";  // a sentence without a full stop, constant
  Frame frame = {};
};

// `datagram` as it was received, at most kMaxFrame bytes. For `segments` the
// numbers first_seq .. first_seq + count - 1 are in [1, kMaxSeq].
DecodedFrame decode_frame(std::span<const std::uint8_t> datagram);

// Numbers end here, so that the arithmetic on them cannot wrap. At a million
// segments a second a process gets there in 290,000 years.
inline constexpr std::uint64_t kMaxSeq = (1ull << 63) - 1;

}  // namespace sidecar
