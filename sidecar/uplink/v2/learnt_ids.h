#pragma once

// LearntIds are the KnownIds of a running adapter: endpoints and addresses from their dictionaries, instances from the
// registrations, as far as they are confirmed.
//
// Owner: CollectorV2. Not for several threads.

#include "uplink/v2/dictionary.h"
#include "uplink/v2/known_ids.h"
#include "uplink/v2/registrations.h"

namespace sidecar::v2 {

// Of a host. What does not fit goes out by its name.
inline constexpr Dictionary::Limits kEndpointLimits{50'000, 10'000, 16u << 20};
inline constexpr Dictionary::Limits kAddressLimits{10'000, 10'000, 4u << 20};
// Addresses are not within a service.
inline constexpr std::int32_t kAddressScope = 0;

class LearntIds final : public KnownIds {
 public:
  // The references outlive this.
  LearntIds(Dictionary& endpoints, Dictionary& addresses, const Registrations& registrations)
      : endpoints_(endpoints), addresses_(addresses), registrations_(registrations) {}

  // KnownIds
  std::int32_t endpoint(std::int32_t service_id, std::string_view name) override {
    return endpoints_.find(service_id, name, true);
  }
  std::int32_t address(std::string_view address, bool wanted) override {
    return addresses_.find(kAddressScope, address, wanted);
  }
  std::int32_t instance(std::string_view service, std::string_view instance) override {
    return registrations_.confirmed(registrations_.find(service, instance)).instance;
  }

 private:
  Dictionary& endpoints_;
  Dictionary& addresses_;
  const Registrations& registrations_;
};

}  // namespace sidecar::v2
