#include "v2_registry.h"

#include <string_view>

namespace sidecar {
namespace {

constexpr unsigned kSteps = 3;
constexpr std::string_view kNamePrefix = "NAME:";

// "front-pid:41@host", each part only if it was given.
std::string shown_name(const V2Rules& rules, const std::string& service, const wire::v2::ServiceInstance& instance) {
  if (rules.names_itself && instance.instance_uuid().starts_with(kNamePrefix))
    return instance.instance_uuid().substr(kNamePrefix.size());
  std::string pid, host;
  for (const auto& property : instance.properties()) {
    if (property.key() == "process_no") pid = "-pid:" + property.value();
    if (property.key() == "host_name") host = "@" + property.value();
  }
  return service + pid + host;
}

}  // namespace

V2Registry::V2Registry(const V2Rules& rules, unsigned empty_answers)
    : rules_(rules),
      empty_answers_(empty_answers),
      services_(empty_answers),
      instances_(empty_answers),
      endpoints_(empty_answers),
      addresses_(0) {}

int V2Registry::ask_address(const std::string& address) {
  if (empty_answers_ == 0) return complete(address);
  const auto found = steps_.find(address);
  if (found != steps_.end() && found->second >= kSteps + empty_answers_ - 1) return addresses_.find(address);
  advance(address);
  return 0;
}

int V2Registry::make_address(const std::string& address) {
  if (rules_.makes_peers || has_address(address)) return complete(address);
  if (!steps_.contains(address)) advance(address);
  return 0;
}

int V2Registry::complete(const std::string& address) {
  const auto found = steps_.find(address);
  for (unsigned step = found == steps_.end() ? 0 : found->second; step < kSteps + empty_answers_; ++step)
    advance(address);
  return addresses_.find(address);
}

void V2Registry::advance(const std::string& address) {
  if (addresses_.make(address) == 0) return;  // the row is full
  const unsigned step = steps_[address]++;
  if (step == 1) services_.make({address, true});
  if (step != 2) return;
  const int service = services_.find({address, true});
  know(instances_.make({service, address}), {service, address, address});
}

void V2Registry::know(int id, V2Instance instance) {
  if (id != 0) known_instances_.try_emplace(id, std::move(instance));
}

bool V2Registry::has_address(const std::string& address) const {
  const auto found = steps_.find(address);
  return found != steps_.end() && found->second >= kSteps;
}

int V2Registry::ask_endpoint(int service, const std::string& name, wire::v2::DetectPoint side) {
  if (side != wire::v2::SERVER && !rules_.every_side) return 0;
  return ask_any_endpoint(service, name, side);
}

int V2Registry::make_endpoint(int service, const std::string& name, wire::v2::DetectPoint side) {
  if (side != wire::v2::SERVER && !rules_.every_side) return 0;
  return endpoints_.make({service, name, side});
}

int V2Registry::find_endpoint(int service, const std::string& name, wire::v2::DetectPoint side) const {
  return endpoints_.find({service, name, side});
}

std::optional<int> V2Registry::ask_instance(const wire::v2::ServiceInstance& instance) {
  const std::string* name = service(instance.service_id());
  const bool ghost = rules_.names_itself && instance.instance_uuid().starts_with(kNamePrefix);
  if (name == nullptr && !ghost) return std::nullopt;
  const std::pair key(instance.service_id(), instance.instance_uuid());
  const int told = instances_.ask(key);
  // The first registration counts: what comes later with other properties changes nothing.
  know(instances_.find(key), {instance.service_id(), instance.instance_uuid(),
                              shown_name(rules_, name != nullptr ? *name : std::string(), instance)});
  return told;
}

void V2Registry::make_user() {
  const int service = services_.make({"User", true});
  know(instances_.make({service, "User"}), {service, "User", "User"});
}

std::pair<int, int> V2Registry::make_instance(const std::string& service, const std::string& uuid) {
  const int service_id = services_.make({service, false});
  const int id = instances_.make({service_id, uuid});
  know(id, {service_id, uuid, service});
  return {service_id, id};
}

const std::string* V2Registry::service(int id) const {
  static const std::string kUser = "User";
  if (id == 1) return &kUser;
  const auto* name = services_.name(id);
  return name != nullptr ? &name->first : nullptr;
}

const V2Instance* V2Registry::instance(int id) const {
  static const V2Instance kUser{1, "User", "User"};
  if (id == 1) return &kUser;
  const auto found = known_instances_.find(id);
  return found == known_instances_.end() ? nullptr : &found->second;
}

const V2Instance* V2Registry::find_instance(int service, const std::string& uuid) const {
  return instance(instances_.find({service, uuid}));
}

const std::string* V2Registry::endpoint(int id) const {
  static const std::string kUser = "User";
  if (id == 1) return &kUser;
  const Endpoint* known = endpoints_.name(id);
  return known != nullptr ? &std::get<1>(*known) : nullptr;
}

V2Ids V2Registry::ids() const {
  V2Ids all;
  for (const auto& [id, name] : services_.names()) all.services[id] = name->first;
  for (const auto& [id, name] : addresses_.names()) all.addresses[id] = *name;
  all.instances = known_instances_;
  for (const auto& [id, known] : endpoints_.names()) {
    const auto& [service, name, side] = *known;
    all.endpoints[id] = {service, name, side};
  }
  return all;
}

void V2Registry::clear() {
  services_.clear();
  instances_.clear();
  endpoints_.clear();
  addresses_.clear();
  steps_.clear();
  known_instances_.clear();
}

}  // namespace sidecar
