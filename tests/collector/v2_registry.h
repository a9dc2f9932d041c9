#pragma once

// V2Registry is what a collector of generation v2 has given ids to: services and addresses (one row, as an address is a
// service until it is known which), instances, endpoints, and addresses once more in a row of their own. Pure.
//
// Owner: V2Protocol, which guards it.

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "generation.h"
#include "id_row.h"
#include "v2/common.pb.h"
#include "v2/register.pb.h"

namespace sidecar {

struct V2Instance {
  int service = 0;
  std::string uuid;
  std::string name;  // as shown
};

struct V2Endpoint {
  int service = 0;
  std::string name;
  wire::v2::DetectPoint side = wire::v2::SERVER;
};

// What has an id, by id. Services are those of addresses as well.
struct V2Ids {
  std::map<int, std::string> services, addresses;
  std::map<int, V2Instance> instances;
  std::map<int, V2Endpoint> endpoints;
};

class V2Registry {
 public:
  // Of each name the first `empty_answers` answers are empty.
  V2Registry(const V2Rules& rules, unsigned empty_answers);

  // As a client asks. 0: not yet.
  int ask_service(const std::string& name) { return services_.ask({name, false}); }
  int ask_address(const std::string& address);
  // 0 for ever for a side that is not answered.
  int ask_endpoint(int service, const std::string& name, wire::v2::DetectPoint side);
  // As discovery of 5.x is answered: whatever the side.
  int ask_any_endpoint(int service, const std::string& name, wire::v2::DetectPoint side) {
    return endpoints_.ask({service, name, side});
  }
  // Nothing: the service is unknown.
  std::optional<int> ask_instance(const wire::v2::ServiceInstance& instance);

  // As segments bring them; known at once. 0: it is not made; of a collector that does not make peers, the address has
  // its own id then.
  int make_address(const std::string& address);
  int make_endpoint(int service, const std::string& name, wire::v2::DetectPoint side);
  // The user before the first service.
  void make_user();
  // As another client that was quicker; ids of service and instance.
  std::pair<int, int> make_instance(const std::string& service, const std::string& uuid);

  // Null or 0: unknown. Valid until clear().
  const std::string* service(int id) const;
  const V2Instance* instance(int id) const;
  const V2Instance* find_instance(int service, const std::string& uuid) const;
  const std::string* endpoint(int id) const;  // its name
  const std::string* address(int id) const { return addresses_.name(id); }
  int find_endpoint(int service, const std::string& name, wire::v2::DetectPoint side) const;
  // So many are registered.
  std::size_t endpoints() const { return endpoints_.names().size(); }
  // Whether it is registered to the end.
  bool has_address(const std::string& address) const;

  V2Ids ids() const;
  void clear();

 private:
  using Endpoint = std::tuple<int, std::string, wire::v2::DetectPoint>;

  // Takes the address one step further: its own id, its service, its instance.
  void advance(const std::string& address);
  int complete(const std::string& address);
  // Of an id that a full row did not give: nothing.
  void know(int id, V2Instance instance);

  const V2Rules rules_;
  const unsigned empty_answers_;
  IdRow<std::pair<std::string, bool>> services_;  // name, is an address
  IdRow<std::pair<int, std::string>> instances_;  // service, UUID
  IdRow<Endpoint> endpoints_;
  IdRow<std::string> addresses_;
  std::map<std::string, unsigned> steps_;  // of addresses that came up; kSteps and more: registered to the end
  std::map<int, V2Instance> known_instances_;
};

}  // namespace sidecar
