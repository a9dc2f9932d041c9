#pragma once

// Registration says how far one instance of a service has come with its ids, and what is asked next: first the service
// by its name, then the instance by its UUID. A table of (state, event) without anything around it; Registrations goes
// by it.
//
//                  renewed, due                 service                      instance
//    unregistered --------------> asking_service ---------> asking_instance -----------> confirmed
//                                                                                         |  |  ^
//                    renewed                    service, the same        instance         |  |  |
//    unconfirmed ------------> confirming_service ---------> confirming_instance ---------|--|--+
//         ^                           ^                                                   |  |
//         |                           +---------------- renewed, due ---------------------+  |
//         +-------------------------------------- lost --------------------------------------+
//
//    lost    from asking: unregistered; from confirming: unconfirmed
//    reset   from the lower row and confirmed: unregistered
//    absent  from confirming: the state above it, since a name that was known has no id any more
//    other   id of the service while confirming: asking_instance
//    stale   from asking_instance and confirming_instance: asking_service
//
// Segments go out in `confirmed` alone: a collector that lost its storage gives old ids to others, says OK to
// everything, and tells nobody. So ids are confirmed by name with every connection and each ten minutes. Other ids, or
// a known name that has none, mean that whatever was learnt under the old ones is void (`forget`), even if the new ids
// are the same numbers: a collector that knows the name answers at the first call.
//
// Cells without an effect are as much part of the table: answers come late.

#include <cstdint>
#include <string_view>

namespace sidecar::v2 {

enum class RegistrationState : std::uint8_t {
  unregistered,        // no ids, nothing asked
  asking_service,      // no ids
  asking_instance,     // the service's id alone
  confirmed,           // both, for this connection
  unconfirmed,         // both, of a connection that was lost
  confirming_service,  // both, of before; the service's is being asked for
  confirming_instance  // both, of before; the service's is still the same
};
inline constexpr std::size_t kRegistrationStates = 7;
std::string_view to_text(RegistrationState state);

enum class RegistrationEvent : std::uint8_t {
  renewed,         // a connection became ready, or the ids of others turned out to be void
  lost,            // the connection did
  due,             // the time for which the last step asked has come
  service_same,    // answers to what the state asks for: the id that is known,
  service_other,   //   another one, or the first,
  instance_same,   //
  instance_other,  //
  absent,          //   none yet,
  stale,           //   an error that says: the service's id is unknown (UNKNOWN),
  failed,          //   any other error
  reset            // the collector says that it does not know the instance (ServiceMetadataReset)
};
inline constexpr std::size_t kRegistrationEvents = 11;

struct RegistrationStep {
  enum Next : std::uint8_t {
    wait,   // nothing changes in when is asked
    now,    // ask at once for what the new state asks
    soon,   // after a pause that grows as long as nothing is confirmed
    check,  // nothing to ask before the next check
    rest,   // nothing to ask before `renewed`
    spread  // a random while: many hosts hear of it at once
  };
  RegistrationState state;
  Next next = wait;
  bool take = false;    // the answer's id is ours now
  bool forget = false;  // what was learnt under the former ids is void
  bool operator==(const RegistrationStep&) const = default;
};

RegistrationStep step(RegistrationState state, RegistrationEvent event);

// What a state asks for.
inline bool asks_service(RegistrationState state) {
  return state == RegistrationState::asking_service || state == RegistrationState::confirming_service;
}
inline bool asks_instance(RegistrationState state) {
  return state == RegistrationState::asking_instance || state == RegistrationState::confirming_instance;
}

}  // namespace sidecar::v2
