#include "v2_protocol.h"

#include <google/protobuf/empty.pb.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>

#include "distortion.h"

namespace sidecar {
namespace {

// What a server says in whose code a null pointer turned up.
const grpc::Status kUnknown{grpc::StatusCode::UNKNOWN, ""};

}  // namespace

void add_pair(google::protobuf::RepeatedPtrField<wire::v2::KeyIntValuePair>& list, const std::string& key, int id) {
  auto& pair = *list.Add();
  pair.set_key(key);
  pair.set_value(id);
}

struct V2Protocol::Row {
  std::string_view path;
  grpc::Status (V2Protocol::*read)(const std::string& bytes, Message& message);
  enum class Since { always, older_calls, tasks } since = Since::always;
  bool stream = false;
  bool guarded = true;
};

const V2Protocol::Row V2Protocol::kRows[] = {
    {"/Register/doServiceRegister", &V2Protocol::read_as<wire::v2::Services, &V2Protocol::register_services>},
    {"/Register/doServiceInstanceRegister",
     &V2Protocol::read_as<wire::v2::ServiceInstances, &V2Protocol::register_instances>},
    {"/Register/doNetworkAddressRegister",
     &V2Protocol::read_as<wire::v2::NetAddresses, &V2Protocol::register_addresses>},
    {"/Register/doEndpointRegister", &V2Protocol::read_as<wire::v2::Endpoints, &V2Protocol::register_endpoints>},
    {"/Register/doServiceAndNetworkAddressMappingRegister",
     &V2Protocol::read_as<wire::v2::ServiceAndNetworkAddressMappings, &V2Protocol::map_addresses>},
    {"/ServiceInstancePing/doPing", &V2Protocol::read_as<wire::v2::ServiceInstancePingPkg, &V2Protocol::ping>},
    {"/TraceSegmentReportService/collect", &V2Protocol::read_segment, Row::Since::always, true},
    {"/JVMMetricReportService/collect", &V2Protocol::read_anything},
    {"/grpc.health.v1.Health/Check", &V2Protocol::read_health, Row::Since::always, false, false},
    {"/ProfileTask/getProfileTaskCommands",
     &V2Protocol::read_as<wire::v2::ProfileTaskCommandQuery, &V2Protocol::profile_tasks>, Row::Since::tasks},
    {"/ProfileTask/collectSnapshot", &V2Protocol::read_anything, Row::Since::tasks, true},
    {"/ProfileTask/reportTaskFinish", &V2Protocol::read_anything, Row::Since::tasks},
    {"/ApplicationRegisterService/applicationCodeRegister",
     &V2Protocol::read_as<wire::v2::Application, &V2Protocol::register_application>, Row::Since::older_calls},
    {"/InstanceDiscoveryService/registerInstance",
     &V2Protocol::read_as<wire::v2::ApplicationInstance, &V2Protocol::register_old_instance>, Row::Since::older_calls},
    {"/InstanceDiscoveryService/heartbeat",
     &V2Protocol::read_as<wire::v2::ApplicationInstanceHeartbeat, &V2Protocol::heartbeat>, Row::Since::older_calls},
    {"/ServiceNameDiscoveryService/discovery",
     &V2Protocol::read_as<wire::v2::ServiceNameCollection, &V2Protocol::discover>, Row::Since::older_calls},
    {"/NetworkAddressRegisterService/batchRegister",
     &V2Protocol::read_as<wire::v2::NetAddresses, &V2Protocol::register_addresses>, Row::Since::older_calls},
    {"/TraceSegmentService/collect", &V2Protocol::read_segment, Row::Since::older_calls, true},
    {"/JVMMetricsService/collect", &V2Protocol::read_anything, Row::Since::older_calls},
};

V2Protocol::V2Protocol(Store& store, Generation generation, unsigned empty_answers)
    : rules_(rules_of(generation)),
      store_(store),
      registry_(rules_, empty_answers),
      segments_(rules_, registry_, store) {}

bool V2Protocol::find(const std::string& path, Method& method) const {
  const auto* const row =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& known) { return known.path == path; });
  if (row == std::end(kRows) || (row->since == Row::Since::older_calls && !rules_.older_calls) ||
      (row->since == Row::Since::tasks && !rules_.profile_tasks))
    return false;
  method = {row->stream, row->guarded && rules_.wants_token, static_cast<int>(row - kRows)};
  return true;
}

grpc::Status V2Protocol::read(const Method& method, const std::string& bytes, Message& message) {
  return (this->*kRows[method.number].read)(bytes, message);
}

std::string V2Protocol::distort(const Method& method, std::string answer, const Misbehaviour& how) const {
  const std::string_view path = kRows[method.number].path;
  if (path == "/Register/doEndpointRegister") return distorted_endpoints(answer, how);
  if (path == "/Register/doServiceAndNetworkAddressMappingRegister" || !path.starts_with("/Register/")) return answer;
  return distorted_pairs(answer, how);
}

void V2Protocol::wipe() {
  const std::lock_guard lock(mutex_);
  registry_.clear();
  segments_.clear();
}

std::pair<int, int> V2Protocol::add_stranger(const std::string& service, const std::string& uuid) {
  const std::lock_guard lock(mutex_);
  return registry_.make_instance(service, uuid);
}

V2Ids V2Protocol::ids() const {
  const std::lock_guard lock(mutex_);
  return registry_.ids();
}

template <class Request, Protocol::Reply (V2Protocol::*handle)(const Request&)>
grpc::Status V2Protocol::read_as(const std::string& bytes, Message& message) {
  const auto request = std::make_shared<Request>();
  if (!request->ParseFromString(bytes)) return kUnknown;
  message.take = [this, request] {
    const std::lock_guard lock(mutex_);
    return (this->*handle)(*request);
  };
  return grpc::Status::OK;
}

grpc::Status V2Protocol::read_segment(const std::string& bytes, Message& message) {
  const auto segment = std::make_shared<wire::v2::UpstreamSegment>();
  if (!segment->ParseFromString(bytes)) return kUnknown;
  message.take = [this, segment] {
    const std::lock_guard lock(mutex_);
    segments_.take(*segment);
    return Reply{};
  };
  message.has_tag = [segment](const std::string& key, const std::string& value) {
    wire::v2::SegmentObject inner;
    return inner.ParseFromString(segment->segment()) && has_tag(inner, key, value);
  };
  return grpc::Status::OK;
}

// Read as a message without fields: bytes that are none are refused all the same.
grpc::Status V2Protocol::read_anything(const std::string& bytes, Message& message) {
  message.take = [] { return Reply{}; };
  return google::protobuf::Empty().ParseFromString(bytes) ? grpc::Status::OK : kUnknown;
}

grpc::Status V2Protocol::read_health(const std::string&, Message& message) {
  message.take = [] { return Reply{{}, {"\x08\x01", 2}}; };  // status: SERVING
  return grpc::Status::OK;
}

Protocol::Reply V2Protocol::register_services(const wire::v2::Services& request) {
  wire::v2::ServiceRegisterMapping answer;
  for (const auto& service : request.services())
    if (const int id = registry_.ask_service(service.service_name()))
      add_pair(*answer.mutable_services(), service.service_name(), id);
  return {{}, answer.SerializeAsString()};
}

Protocol::Reply V2Protocol::register_instances(const wire::v2::ServiceInstances& request) {
  wire::v2::ServiceInstanceRegisterMapping answer;
  for (const auto& instance : request.instances()) {
    const std::optional<int> id = ask_instance(instance);
    if (!id) return {kUnknown, ""};
    if (*id != 0) add_pair(*answer.mutable_service_instances(), instance.instance_uuid(), *id);
  }
  return {{}, answer.SerializeAsString()};
}

std::optional<int> V2Protocol::ask_instance(const wire::v2::ServiceInstance& instance) {
  const std::optional<int> id = registry_.ask_instance(instance);
  const std::string* service = registry_.service(instance.service_id());
  const V2Instance* known = registry_.find_instance(instance.service_id(), instance.instance_uuid());
  // What is shown is what came first.
  if (service == nullptr || known == nullptr || store_.instance(*service, known->name).property_reports > 0) return id;
  wire::v3::InstanceProperties shown;
  shown.set_service(*service);
  shown.set_service_instance(known->name);
  for (const auto& property : instance.properties()) {
    auto& copy = *shown.add_properties();
    copy.set_key(property.key());
    copy.set_value(property.value());
  }
  store_.add(shown);
  return id;
}

Protocol::Reply V2Protocol::register_endpoints(const wire::v2::Endpoints& request) {
  wire::v2::EndpointMapping answer;
  for (const auto& endpoint : request.endpoints()) {
    const int id = registry_.ask_endpoint(endpoint.service_id(), endpoint.endpoint_name(), endpoint.from());
    if (id == 0) continue;
    auto& element = *answer.add_elements();
    element.set_service_id(endpoint.service_id());
    element.set_endpoint_name(endpoint.endpoint_name());
    element.set_endpoint_id(id);
    element.set_from(endpoint.from());
  }
  segments_.retry();
  return {{}, answer.SerializeAsString()};
}

Protocol::Reply V2Protocol::register_addresses(const wire::v2::NetAddresses& request) {
  wire::v2::NetAddressMapping answer;
  for (const auto& address : request.addresses())
    if (const int id = registry_.ask_address(address)) add_pair(*answer.mutable_address_ids(), address, id);
  return {{}, answer.SerializeAsString()};
}

// An inverted test of theirs looks up instance 0 where both ids are missing.
Protocol::Reply V2Protocol::map_addresses(const wire::v2::ServiceAndNetworkAddressMappings& request) {
  for (const auto& mapping : request.mappings())
    if (mapping.service_id() == 0 && mapping.service_instance_id() == 0) return {kUnknown, ""};
  return {};
}

Protocol::Reply V2Protocol::ping(const wire::v2::ServiceInstancePingPkg& request) {
  const int id = request.service_instance_id();
  beat(id);
  if (registry_.instance(id) != nullptr || !rules_.resets) return {};
  wire::v3::Commands commands;
  add_command(commands, "ServiceMetadataReset");
  return {{}, commands.SerializeAsString()};
}

void V2Protocol::beat(int instance) {
  const V2Instance* known = registry_.instance(instance);
  const std::string* service = known != nullptr ? registry_.service(known->service) : nullptr;
  if (service == nullptr) return;
  wire::v3::InstancePing shown;
  shown.set_service(*service);
  shown.set_service_instance(known->name);
  store_.add(shown);
}

Protocol::Reply V2Protocol::profile_tasks(const wire::v2::ProfileTaskCommandQuery& request) {
  const std::string* service = registry_.service(request.service_id());
  if (service == nullptr) return {};
  return {{}, tasks_.answer(*service, request.last_command_time())};
}

}  // namespace sidecar
