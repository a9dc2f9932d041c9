#pragma once

// KnownIds is where SegmentEncoder asks for the ids that the collector gave. 0 stands for every id that is not
// known; no id is negative. What is asked for is valid UTF-8, cut and without secrets, as it would be sent.
//
// Implemented by the adapter over Dictionary and Registrations.

#include <cstdint>
#include <string_view>

namespace sidecar::v2 {

class KnownIds {
 public:
  virtual ~KnownIds() = default;

  // Of an operation of entry spans. One that is not known is wanted from now on.
  virtual std::int32_t endpoint(std::int32_t service_id, std::string_view name) = 0;
  // Of a network address. One that is not known is wanted from now on, unless a stranger's header named it:
  // everybody could fill the dictionary.
  virtual std::int32_t address(std::string_view address, bool wanted) = 0;
  // Of an instance of this host that is registered now.
  virtual std::int32_t instance(std::string_view service, std::string_view instance) = 0;
};

}  // namespace sidecar::v2
