#pragma once

// A tracer that talks to a Peer, and what tests ask of both.

#include <sidecar/shim.h>

#include "peer.h"

namespace sidecar_test {

inline sidecar::TracerOptions options_for(const Peer& peer) {
  sidecar::TracerOptions options;
  options.service = "svc";
  options.socket = peer.path();
  options.exit_flush = std::chrono::milliseconds(0);  // many tracers live to the end of a test program
  return options;
}

// created = waiting + sent + dropped.
inline void check_ledger(sidecar::Tracer tracer) {
  const sidecar::Stats s = tracer.stats();
  CHECK(s.created == s.waiting + s.sent + s.dropped.total());
}

struct Fixture {
  Fixture() : Fixture([](sidecar::TracerOptions&) {}) {}
  template <class Change>
  explicit Fixture(Change change) {
    sidecar::TracerOptions options = options_for(peer);
    change(options);
    tracer = sidecar::Tracer::open(options);
  }
  ~Fixture() { check_ledger(tracer); }

  void finish(unsigned count = 1, const char* operation = "op") {
    for (unsigned i = 0; i < count; ++i) {
      sidecar::Span span = tracer.entry(operation);
      span.tag("n", ++finished);
    }
  }
  // Connected, welcomed, page in place.
  void connect() {
    finish();
    peer.serve();
    tracer.on_idle();
    REQUIRE(peer.hellos.size() == 1);
    peer.segments.clear();
  }
  // The one segment that `build` makes.
  template <class Build>
  Received one(Build build) {
    const std::size_t before = peer.segments.size();
    build(tracer);
    peer.serve();
    REQUIRE(peer.segments.size() == before + 1);
    return peer.segments.back();
  }

  Peer peer;
  sidecar::Tracer tracer;
  unsigned finished = 0;
};

}  // namespace sidecar_test
