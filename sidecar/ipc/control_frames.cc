#include "ipc/control_frames.h"

#include <control_generated.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace sidecar {
namespace {

using namespace ipc_protocol;
using Builder = flatbuffers::FlatBufferBuilder;

template <class Table>
FrameBytes frame(FrameType type, Builder& builder, flatbuffers::Offset<Table> root) {
  builder.FinishSizePrefixed(root);
  FrameHeader header = {};
  header.magic = kMagic;
  header.header_words = kHeaderWords;
  header.type = static_cast<std::uint8_t>(type);
  header.payload_size = builder.GetSize();
  header.schema = kSchemaControl;
  header.revision = kControlRevision;
  FrameBytes bytes(sizeof header + builder.GetSize());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, builder.GetBufferPointer(), builder.GetSize());
  return bytes;
}

std::uint32_t in_ms(Duration duration) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ms, 0, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

FrameBytes welcome_frame(const WelcomeFields& fields) {
  Builder builder;
  const auto instance = builder.CreateString(fields.instance);
  const auto service = builder.CreateString(fields.service);
  const auto peer_prefix = fields.peer_prefix.empty() ? 0 : builder.CreateString(fields.peer_prefix);
  const auto sampling = static_cast<std::int32_t>(
      std::clamp<std::int64_t>(fields.sampling, -1, std::numeric_limits<std::int32_t>::max()));
  return frame(FrameType::welcome, builder,
               fbs::CreateWelcome(builder, fields.protocol, fields.capabilities, fields.sidecar_epoch, fields.known,
                                  fields.accepted, fields.settled, kMaxFrame, instance, fields.slot, sampling,
                                  fields.enabled, fields.peer_uid, fields.peer_pid,
                                  static_cast<std::uint8_t>(fields.upstream), service, peer_prefix));
}

FrameBytes config_frame(const IgnoreRules& rules, std::uint64_t version) {
  Builder builder;
  const auto suffixes = builder.CreateVectorOfStrings(rules.suffixes);
  const auto patterns = builder.CreateVectorOfStrings(rules.patterns);
  return frame(FrameType::config, builder, fbs::CreateConfig(builder, version, suffixes, patterns));
}

FrameBytes reject_frame(const Refusal& refusal) {
  Builder builder;
  const auto message = builder.CreateString(refusal.message);
  return frame(FrameType::reject, builder,
               fbs::CreateReject(builder, static_cast<std::uint32_t>(refusal.code), message, in_ms(refusal.retry_after),
                                 is_permanent(refusal.code)));
}

FrameBytes drain_frame(const DrainTerms& terms) {
  Builder builder;
  return frame(FrameType::drain, builder,
               fbs::CreateDrain(builder, in_ms(terms.send_within), in_ms(terms.reconnect_after), in_ms(terms.jitter)));
}

FrameBytes ack_frame(std::uint64_t accepted, std::uint64_t settled) {
  Builder builder;
  return frame(FrameType::ack, builder, fbs::CreateAck(builder, accepted, settled));
}

FrameBytes rehello_frame(std::uint64_t sidecar_epoch) {
  Builder builder;
  return frame(FrameType::rehello, builder, fbs::CreateRehello(builder, sidecar_epoch));
}

FrameBytes probe_frame(std::uint64_t token) {
  Builder builder;
  return frame(FrameType::probe, builder, fbs::CreateProbe(builder, token));
}

}  // namespace sidecar
