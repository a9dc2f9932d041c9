#pragma once

#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "privacy/options.h"

namespace sidecar {

// How the collector is reached; see conf/sidecar.yaml.
struct UplinkOptions {
  std::vector<std::string> addresses;            // HOST:PORT each, at least one
  Duration deadline = std::chrono::seconds(30);  // of every call, 1s..10m
  Backoff backoff;                               // between attempts to connect, and of retries

  PrivacyOptions privacy;   // what of a segment may not leave the host
  std::string peer_prefix;  // of the peers of exit spans, "CLUSTER/"; empty: none
};

}  // namespace sidecar
