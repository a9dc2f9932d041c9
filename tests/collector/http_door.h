#pragma once

// HttpDoor shows a TestCollector over HTTP on 127.0.0.1, on a port of the kernel's
// choice: GET /traces.json, /traces (trees), /instances.json, /calls.json, and of v2
// /ids.json and /dropped.json; POST /misbehave with JSON or a query string, see
// misbehaviour.h; besides its faults {"fault":"none"} ends all, "refuse" closes the
// listener until then, "restart" comes back at once, forgetting everything with
// {"wipe":"true"}, as another collector with {"generation":"6.6"}. Of v2, POST /stranger
// with {"service","uuid"} gives another client the next ids: {"service":3,"instance":4}.
//
// Serves from threads of its own until destroyed.

#include <memory>

#include "test_collector.h"

namespace sidecar {

class HttpDoor {
 public:
  // `collector` outlives the door. `port` 0: any.
  explicit HttpDoor(TestCollector& collector, int port = 0);
  ~HttpDoor();
  HttpDoor(const HttpDoor&) = delete;
  HttpDoor& operator=(const HttpDoor&) = delete;

  // "127.0.0.1:PORT"; empty if the port could not be had.
  std::string address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidecar
