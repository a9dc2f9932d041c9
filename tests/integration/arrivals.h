#pragma once

// What arrived at the collector, seen as the applications of these tests count it:
// app.cc numbers its segments from 1 in the tag `n` of their first span.

#include <map>
#include <string>

#include "test_collector.h"

namespace sidecar::test {

// How often each number of this service arrived.
std::map<unsigned long, unsigned> arrivals(const TestCollector& collector, const std::string& service);

// Whether exactly 1..`count` arrived, each at least once; with `once`, each exactly once.
bool all_arrived(const TestCollector& collector, const std::string& service, unsigned long count);
bool all_arrived_once(const TestCollector& collector, const std::string& service, unsigned long count);

}  // namespace sidecar::test
