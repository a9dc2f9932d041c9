#pragma once

// How lifecycle comes by a Collector without seeing gRPC or a protocol generation.

#include <memory>

#include "base/random.h"
#include "loop/event_loop.h"
#include "uplink/collector.h"
#include "uplink/options.h"

namespace sidecar {

// The collector of `options`, generation v3 (8.0 to 10.x); not started. The
// references outlive it. Destroy it before the loop, after all of its calls.
std::unique_ptr<Collector> make_collector(const UplinkOptions& options, EventLoop& loop, Random& random);

}  // namespace sidecar
