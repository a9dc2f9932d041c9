#pragma once

// KnownIds for tests: a table, or about half of all names, by their letters.

#include <map>
#include <set>
#include <string>

#include "uplink/v2/known_ids.h"

namespace sidecar {

class FakeKnownIds final : public v2::KnownIds {
 public:
  std::map<std::string, std::int32_t> endpoints, addresses, instances;  // "2 /a", "db:1", "service instance"
  std::set<std::string> wanted;                                         // asked for, not known, and to be learnt
  bool half = false;                                                    // know about half of all

  std::int32_t endpoint(std::int32_t service_id, std::string_view name) override {
    return find(endpoints, std::to_string(service_id) + " " + std::string(name), true);
  }
  std::int32_t address(std::string_view address, bool want) override {
    return find(addresses, std::string(address), want);
  }
  std::int32_t instance(std::string_view service, std::string_view instance) override {
    return find(instances, std::string(service) + " " + std::string(instance), false);
  }

 private:
  std::int32_t find(const std::map<std::string, std::int32_t>& ids, const std::string& key, bool want) {
    if (const auto known = ids.find(key); known != ids.end()) return known->second;
    std::int32_t sum = 0;
    for (const char letter : key) sum = (sum * 31 + letter) & 0xFFFFFF;
    if (half && sum % 2 != 0) return sum;
    if (want) wanted.insert(key);
    return 0;
  }
};

}  // namespace sidecar
