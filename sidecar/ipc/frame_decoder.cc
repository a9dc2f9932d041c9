#include "ipc/frame_decoder.h"

#include <bit>
#include <cstring>

namespace sidecar {
namespace {

using namespace ipc_protocol;

static_assert(std::endian::native == std::endian::little, "frames are little endian and are read as they lie");

DecodedFrame refuse(RejectCode code, const char* why) { return {DecodedFrame::Verdict::refuse, code, why}; }

bool is_known(std::uint8_t type) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::hello:
    case FrameType::segments:
    case FrameType::bye:
    case FrameType::probe_reply:
    case FrameType::stats:
      return true;
    default:
      return false;
  }
}

// What holds for SEGMENTS beyond the header's own rules; null if all is well.
const char* segments_fault(const FrameHeader& header) {
  if (header.schema != kSchemaSegment) return "records of a schema that this sidecar does not know";
  if (header.count == 0 || header.count > kMaxRecordsPerFrame) return "number of records out of range";
  if (header.first_seq == 0 || header.first_seq > kMaxSeq - header.count) return "sequence number out of range";
  return nullptr;
}

}  // namespace

DecodedFrame decode_frame(std::span<const std::uint8_t> datagram) {
  FrameHeader header;
  if (datagram.size() < sizeof header) return refuse(RejectCode::bad_frame, "shorter than a frame header");
  if (datagram.size() > kMaxFrame) return refuse(RejectCode::bad_frame, "longer than a frame may be");
  std::memcpy(&header, datagram.data(), sizeof header);

  constexpr std::uint32_t kFamily = 0x00FFFFFF;  // the last byte is the major version
  if ((header.magic & kFamily) != (kMagic & kFamily))
    return refuse(RejectCode::bad_frame, "not a frame of this protocol");
  if (header.magic != kMagic) return refuse(RejectCode::unsupported_version, "another major version of the protocol");

  const std::size_t header_size = header.header_words * std::size_t{8};
  if (header.header_words < kHeaderWords || header.header_words > kMaxHeaderWords || header_size > datagram.size())
    return refuse(RejectCode::bad_frame, "header length out of range");
  if (header.payload_size != datagram.size() - header_size)
    return refuse(RejectCode::bad_frame, "payload length differs from the datagram's");

  if ((header.type & kTypeFromSidecar) != 0) return refuse(RejectCode::bad_frame, "a frame that only a sidecar sends");
  if (!is_known(header.type)) {
    if ((header.type & kTypeMustUnderstand) != 0)
      return refuse(RejectCode::bad_frame, "a frame that must be understood and is not known");
    return {DecodedFrame::Verdict::skip};
  }
  // Neither capability was granted. Other flags say nothing that we must obey.
  if ((header.flags & (kFlagFdPayload | kFlagCompressed)) != 0)
    return refuse(RejectCode::bad_frame, "a payload of a form that was not agreed on");

  const FrameType type = static_cast<FrameType>(header.type);
  if (type == FrameType::segments) {
    if (const char* const fault = segments_fault(header)) return refuse(RejectCode::bad_frame, fault);
  } else if (datagram.size() > kMaxControlFrame) {
    return refuse(type == FrameType::hello ? RejectCode::bad_hello : RejectCode::bad_frame,
                  "longer than a control frame may be");
  }
  return {DecodedFrame::Verdict::frame, RejectCode::none, "", Frame{header, type, datagram.subspan(header_size)}};
}

}  // namespace sidecar
