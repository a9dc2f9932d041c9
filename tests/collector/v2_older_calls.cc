// What 6.0 and 6.6 answer to agents of 5.x: the ids of v2 by other names.

#include <string>

#include "v2_protocol.h"

namespace sidecar {

Protocol::Reply V2Protocol::register_application(const wire::v2::Application& request) {
  wire::v2::ApplicationMapping answer;
  if (const int id = registry_.ask_service(request.application_code())) {
    answer.mutable_application()->set_key(request.application_code());
    answer.mutable_application()->set_value(id);
  }
  return {{}, answer.SerializeAsString()};
}

Protocol::Reply V2Protocol::register_old_instance(const wire::v2::ApplicationInstance& request) {
  wire::v2::ServiceInstance instance;
  instance.set_service_id(request.application_id());
  instance.set_instance_uuid(request.agent_uuid());
  const auto add = [&](const char* key, const std::string& value) {
    auto& property = *instance.add_properties();
    property.set_key(key);
    property.set_value(value);
  };
  add("os_name", request.osinfo().os_name());
  add("host_name", request.osinfo().hostname());
  add("process_no", std::to_string(request.osinfo().process_no()));
  for (const std::string& address : request.osinfo().ipv4s()) add("ipv4", address);
  const std::optional<int> id = ask_instance(instance);
  if (!id) return {{grpc::StatusCode::UNKNOWN, ""}, ""};
  wire::v2::ApplicationInstanceMapping answer;
  answer.set_application_id(request.application_id());
  answer.set_application_instance_id(*id);
  return {{}, answer.SerializeAsString()};
}

// Never a reset: the agents of 5.x do not know it.
Protocol::Reply V2Protocol::heartbeat(const wire::v2::ApplicationInstanceHeartbeat& request) {
  beat(request.application_instance_id());
  return {};
}

// Unlike doEndpointRegister it answers for both sides of a call, also in 6.6.
Protocol::Reply V2Protocol::discover(const wire::v2::ServiceNameCollection& request) {
  wire::v2::ServiceNameMappingCollection answer;
  for (const auto& element : request.elements()) {
    const auto side = element.src_span_type() == wire::v2::ENTRY ? wire::v2::SERVER : wire::v2::CLIENT;
    const int id = registry_.ask_any_endpoint(element.application_id(), element.service_name(), side);
    if (id == 0) continue;
    auto& known = *answer.add_elements();
    known.set_service_id(id);
    *known.mutable_element() = element;
  }
  return {{}, answer.SerializeAsString()};
}

}  // namespace sidecar
