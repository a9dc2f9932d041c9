#pragma once

// A registration's answer as it should not be: Fault::reversed, twice, other_name and other_id. Pure.

#include <string>

#include "misbehaviour.h"

namespace sidecar {

// Of services, instances and addresses, whose answers are the same on the wire. What is no such answer stays.
std::string distorted_pairs(const std::string& answer, const Misbehaviour& how);
std::string distorted_endpoints(const std::string& answer, const Misbehaviour& how);

}  // namespace sidecar
