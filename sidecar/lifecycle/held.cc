#include "lifecycle/held.h"

#include "carrier/carrier.h"
#include "pipeline/pipeline.h"

namespace sidecar {

Held Held::walk(const Carrier& carrier, const Pipeline& pipeline) {
  Held held;
  const auto count = [&held](const Record& record) {
    ++held.counts_[&record.agent()];
    ++held.total_;
  };
  carrier.for_each(count);
  pipeline.for_each_held(count);
  return held;
}

}  // namespace sidecar
