// What CollectorV3 says to a collector: its messages, and the calls that carry them.

#include <grpcpp/support/slice.h>

#include <utility>

#include "uplink/encoding/utf8.h"
#include "uplink/v3/collector_v3.h"
#include "uplink/v3/method_call.h"
#include "v3/common.pb.h"
#include "v3/management.pb.h"

namespace sidecar::v3 {
namespace {

using encoding::repaired;

grpc::ByteBuffer to_buffer(const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  grpc::Slice slice(size);
  message.SerializeWithCachedSizesToArray(const_cast<std::uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer to_buffer(const SegmentEncoder& encoder) {
  grpc::Slice slice(encoder.size());
  encoder.write(const_cast<std::uint8_t*>(slice.begin()));  // nobody else has seen the slice yet
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

CallPtr CollectorV3::report_properties(const InstanceName& name, const Properties& properties, Answered answered) {
  wire::v3::InstanceProperties message;
  message.set_service(repaired(name.service));
  message.set_service_instance(repaired(name.instance));
  for (const auto& [key, value] : properties) {
    wire::v3::KeyStringValuePair& pair = *message.add_properties();
    pair.set_key(repaired(key));
    pair.set_value(repaired(value));
  }
  return std::make_unique<MethodCall>(*this, Method::properties, to_buffer(message), std::move(answered));
}

CallPtr CollectorV3::keep_alive(const InstanceName& name, Answered answered) {
  wire::v3::InstancePing message;
  message.set_service(repaired(name.service));
  message.set_service_instance(repaired(name.instance));
  message.set_layer(repaired(name.layer));
  const grpc::ByteBuffer request = to_buffer(message);
  if (name.layer.empty() || name.layer == kDefaultLayer)
    return std::make_unique<MethodCall>(*this, Method::keep_alive, request, std::move(answered));
  // 9.0 to 9.4 answer UNKNOWN to a layer that they do not know; better shown in the default one than not at all.
  message.set_layer(kDefaultLayer);
  return std::make_unique<MethodCall>(*this, Method::keep_alive, request, std::move(answered), to_buffer(message));
}

CallPtr CollectorV3::send_segments(std::span<const Record> batch, Encoding& encoding, Answered answered) {
  encoding = Encoding{};
  encoder_->clear();
  for (const Record& record : batch) {
    const AgentIdentity& who = record.agent().identity;
    const auto added = encoder_->add({record.bytes(), who.service, who.instance}, kMaxMessage);
    if (added == SegmentEncoder::Added::full) break;
    if (added == SegmentEncoder::Added::unencodable) encoding.unencodable.push_back(encoding.taken);
    ++encoding.taken;
  }
  encoding.bytes = encoder_->size();
  if (encoding.taken == encoding.unencodable.size()) return nullptr;
  // Counted when they have arrived, so that no segment counts twice.
  const auto count = [this, changes = encoder_->changes(), answered = std::move(answered)](Outcome outcome) {
    if (outcome.verdict == Verdict::delivered) status_.changes += changes;
    answered(std::move(outcome));  // may destroy this
  };
  return std::make_unique<MethodCall>(*this, Method::segments, to_buffer(*encoder_), count);
}

}  // namespace sidecar::v3
