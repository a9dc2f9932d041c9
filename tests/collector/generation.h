#pragma once

// Which collector the test collector is. Pure.

#include <map>
#include <string>

namespace sidecar {

enum class Generation {
  v3,       // SkyWalking 8.0 to 10.x: names
  oap_6_0,  // v2, as 6.0.0-GA was seen: ids
  oap_6_6,  // v2, as 6.6.0
  oap_7_0,  // v2, as 7.0.0
};

// As options and orders name them.
inline const std::map<std::string, Generation> kGenerations = {
    {"v3", Generation::v3}, {"6.0", Generation::oap_6_0}, {"6.6", Generation::oap_6_6}, {"7.0", Generation::oap_7_0}};

// Where the collectors of v2 differ. tests/transcripts shows it all but the token, and of makes_parents in 6.0 only
// that a reference without endpoints is not stored.
struct V2Rules {
  bool older_calls;     // serves what 5.x's agents call
  bool profile_tasks;   // serves ProfileTask
  bool wants_token;     // looks at a token at all
  bool resets;          // answers the ping of an unknown id with ServiceMetadataReset
  bool every_side;      // gives ids to the endpoints of clients and proxies
  bool names_itself;    // "NAME:xyz" is an instance called xyz, also of a service that is unknown
  bool instance_first;  // drops a segment of an unknown instance before it registers what it names
  bool makes_peers;     // registers an address that came as text; otherwise the segment is never stored
  bool makes_parents;   // registers the endpoints of a reference; otherwise the segment waits for them
};

// Of a generation other than v3.
constexpr V2Rules rules_of(Generation generation) {
  switch (generation) {
    case Generation::oap_6_0:
      return {.older_calls = true,
              .profile_tasks = false,
              .wants_token = false,
              .resets = false,
              .every_side = true,
              .names_itself = false,
              .instance_first = false,
              .makes_peers = false,
              .makes_parents = false};
    case Generation::oap_6_6:
      return {.older_calls = true,
              .profile_tasks = false,
              .wants_token = false,
              .resets = true,
              .every_side = false,
              .names_itself = false,
              .instance_first = true,
              .makes_peers = true,
              .makes_parents = false};
    default:
      return {.older_calls = false,
              .profile_tasks = true,
              .wants_token = true,
              .resets = true,
              .every_side = false,
              .names_itself = true,
              .instance_first = true,
              .makes_peers = true,
              .makes_parents = true};
  }
}

}  // namespace sidecar
