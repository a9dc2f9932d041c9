#include "v3_protocol.h"

#include <algorithm>
#include <memory>
#include <string_view>

namespace sidecar {
namespace {

enum Number { kProperties, kKeepAlive, kCollectInSync, kCollect, kFirstOther };

const grpc::Status kNoMessage{grpc::StatusCode::UNKNOWN, "Application error processing RPC"};

}  // namespace

bool V3Protocol::find(const std::string& path, Method& method) const {
  const std::lock_guard lock(mutex_);
  constexpr std::string_view kPackage = "/skywalking.v3.";
  const bool packaged = path.starts_with(kPackage);
  if (packaged ? !spelling_.packaged : !spelling_.bare) return false;
  const std::string_view rest =
      std::string_view(path).substr(packaged ? kPackage.size() : std::min<std::size_t>(1, path.size()));
  if (rest == "ManagementService/reportInstanceProperties")
    method.number = kProperties;
  else if (rest == "ManagementService/keepAlive")
    method.number = kKeepAlive;
  else if (rest == "TraceSegmentReportService/collectInSync" && spelling_.sync)
    method.number = kCollectInSync;
  else if (rest == "TraceSegmentReportService/collect")
    method = {.stream = true, .number = kCollect};
  else if (const OtherServices::Method* other = OtherServices::find(rest, packaged))
    method = {other->stream, other->guarded, kFirstOther + OtherServices::number_of(*other)};
  else
    return false;
  return true;
}

grpc::Status V3Protocol::read(const Method& method, const std::string& bytes, Message& message) {
  switch (method.number) {
    case kProperties:
      return keep<wire::v3::InstanceProperties>(bytes, message);
    case kKeepAlive:
      return keep<wire::v3::InstancePing>(bytes, message);
    case kCollectInSync:
      return keep_segments(bytes, false, message);
    case kCollect:
      return keep_segments(bytes, true, message);
    default:
      break;
  }
  const OtherServices::Method& other = OtherServices::at(method.number - kFirstOther);
  message.take = [this, &other, bytes] { return Reply{grpc::Status::OK, others_.answer(other, bytes)}; };
  return others_.take(other, bytes);
}

template <class Wire>
grpc::Status V3Protocol::keep(const std::string& bytes, Message& message) {
  const auto wire = std::make_shared<Wire>();
  message.take = [this, wire] {
    store_.add(*wire);
    return Reply{};
  };
  return wire->ParseFromString(bytes) ? grpc::Status::OK : kNoMessage;
}

grpc::Status V3Protocol::keep_segments(const std::string& bytes, bool one, Message& message) {
  const auto segments = std::make_shared<wire::v3::SegmentCollection>();
  message.take = [this, segments] {
    for (const auto& segment : segments->segments()) store_.add(segment);
    return Reply{};
  };
  message.has_tag = [segments](const std::string& key, const std::string& value) {
    return std::any_of(segments->segments().begin(), segments->segments().end(),
                       [&](const auto& segment) { return has_tag(segment, key, value); });
  };
  const bool read = one ? segments->add_segments()->ParseFromString(bytes) : segments->ParseFromString(bytes);
  return read ? grpc::Status::OK : kNoMessage;
}

void V3Protocol::serve(Spelling spelling) {
  const std::lock_guard lock(mutex_);
  spelling_ = spelling;
}

}  // namespace sidecar
