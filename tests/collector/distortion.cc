#include "distortion.h"

#include <algorithm>
#include <cstdlib>

#include "v2/register.pb.h"

namespace sidecar {
namespace {

void set_name(wire::v2::KeyIntValuePair& pair, const std::string& name) { pair.set_key(name); }
void set_name(wire::v2::EndpointMappingElement& element, const std::string& name) { element.set_endpoint_name(name); }
void set_id(wire::v2::KeyIntValuePair& pair, int id) { pair.set_value(id); }
void set_id(wire::v2::EndpointMappingElement& element, int id) { element.set_endpoint_id(id); }

template <class List>
void distort(List& list, const Misbehaviour& how) {
  if (how.fault == Fault::reversed) std::reverse(list.begin(), list.end());
  if (how.fault == Fault::twice) {
    const List once = list;
    list.MergeFrom(once);
  }
  for (auto& element : list) {
    if (how.fault == Fault::other_name) set_name(element, how.value);
    if (how.fault == Fault::other_id) set_id(element, std::atoi(how.value.c_str()));
  }
}

}  // namespace

std::string distorted_pairs(const std::string& answer, const Misbehaviour& how) {
  wire::v2::ServiceRegisterMapping mapping;
  if (!mapping.ParseFromString(answer)) return answer;
  distort(*mapping.mutable_services(), how);
  return mapping.SerializeAsString();
}

std::string distorted_endpoints(const std::string& answer, const Misbehaviour& how) {
  wire::v2::EndpointMapping mapping;
  if (!mapping.ParseFromString(answer)) return answer;
  distort(*mapping.mutable_elements(), how);
  return mapping.SerializeAsString();
}

}  // namespace sidecar
