#pragma once

#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "privacy/options.h"

namespace sidecar {

// Files are PEM; empty names none.
struct TlsOptions {
  bool enabled = false;
  std::string ca;                // who may sign the collector's certificate; empty: whom the system trusts
  std::string certificate, key;  // ours, for collectors that want one; both or none
  std::string server_name;       // what the collector's certificate must name; empty: the configured host
};

// How the collector is reached; see conf/sidecar.yaml.
struct UplinkOptions {
  std::vector<std::string> addresses;             // HOST:PORT each, at least one
  Duration deadline = std::chrono::seconds(30);   // of every call, 1s..10m
  Duration unanswered = std::chrono::seconds(5);  // after which the next calls go to another collector, 10ms..10m
  Backoff backoff;                                // between attempts to connect, and how long what failed rests
  Duration spread = std::chrono::seconds(30);     // a lost connection is made again within this, at random, 0..1h
  Duration repick = std::chrono::minutes(10);     // another address is taken this often, +-50 %, 1s..24h
  Duration reread = std::chrono::seconds(10);     // how often the files are looked at for changes, 10ms..1h
  TlsOptions tls;
  std::string token_file;  // empty: no token is sent

  PrivacyOptions privacy;   // what of a segment may not leave the host
  std::string peer_prefix;  // of the peers of exit spans, "CLUSTER/"; empty: none
};

}  // namespace sidecar
