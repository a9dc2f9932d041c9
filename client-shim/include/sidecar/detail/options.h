#pragma once

// What an application says about itself when it opens a tracer. A value; read once
// by Tracer::open(), which clamps every number to what the sidecar takes.

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/detail/local.h"

namespace sidecar {
inline namespace v1 {

struct SIDECAR_VISIBLE TracerOptions {
  std::string service;   // empty: environment SW_SIDECAR_SERVICE; still empty: the tracer is disabled
  std::string instance;  // empty: the sidecar names it, {service}@{host} or {service}@{host}#{n}
  std::string layer;     // empty: GENERAL
  std::vector<std::pair<std::string, std::string>> properties;  // shown with the instance

  SIDECAR_LOCAL TracerOptions& property(std::string key, std::string value) {
    properties.emplace_back(std::move(key), std::move(value));
    return *this;
  }

  std::string socket;                   // empty: environment SW_SIDECAR_SOCKET, else /run/sw-sidecar/ingest.v1.sock
  std::size_t buffer_bytes = 2u << 20;  // for what is not delivered yet; 256 KiB .. 16 MiB
  unsigned span_limit = 300;            // spans of a segment; further ones do nothing
  unsigned tag_limit = 128;             // tags of a span
  unsigned log_limit = 300;             // logs of a span
  std::size_t value_limit = 2048;       // bytes of a tag's or log's value
  std::chrono::milliseconds exit_flush{200};  // how long exit() may wait for the sidecar; 0 .. 10 s
  long trusted_uid = -1;                      // the sidecar may run as this user, besides root and our own
};

}  // namespace v1
}  // namespace sidecar
