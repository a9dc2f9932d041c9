#include "arrivals.h"

#include <cstdlib>

namespace sidecar::test {

std::map<unsigned long, unsigned> arrivals(const TestCollector& collector, const std::string& service) {
  std::map<unsigned long, unsigned> numbers;
  for (const auto& segment : collector.store().segments()) {
    if (segment.service() != service) continue;
    for (const auto& span : segment.spans())
      for (const auto& tag : span.tags())
        if (tag.key() == "n") ++numbers[std::strtoul(tag.value().c_str(), nullptr, 10)];
  }
  return numbers;
}

bool all_arrived(const TestCollector& collector, const std::string& service, unsigned long count) {
  const auto numbers = arrivals(collector, service);
  return numbers.size() == count && (count == 0 || (numbers.begin()->first == 1 && numbers.rbegin()->first == count));
}

bool all_arrived_once(const TestCollector& collector, const std::string& service, unsigned long count) {
  if (!all_arrived(collector, service, count)) return false;
  for (const auto& [number, times] : arrivals(collector, service))
    if (times != 1) return false;
  return true;
}

}  // namespace sidecar::test
