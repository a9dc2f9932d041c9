#pragma once

// AddressList decides which collector is tried next. It holds the configured
// entries, what their names resolved to, and which of all these addresses rest: one that
// failed rests for a back-off of its own, and so does a name that does not resolve.
//
//   entry "oap.example.com:11800" -+- 10.0.0.7:11800    free
//                                  +- 10.0.0.8:11800    rests until 12:00:07, "connection refused"
//   entry "10.0.1.1:11800" --------+- 10.0.1.1:11800    free
//
// Picking takes two steps, since names are resolved before each attempt: pick_entry(), then, when its
// addresses were told by resolved(), pick(). Both pick at random among what does not rest, so that
// many hosts with one list spread over it.
//
// Pure: time and chance are given. Bounded: kMaxAddresses for each entry.

#include <optional>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "uplink/endpoint.h"

namespace sidecar {

// Why an address rests.
enum class Trouble { none, unresolved, unreachable, lost, unanswered, auth, wrong_server };

class AddressList {
 public:
  // So many addresses of one name are candidates: a random choice of those it has.
  static constexpr std::size_t kMaxAddresses = 16;

  // `entries`: HOST:PORT each. `backoff` is how long what failed rests.
  AddressList(const std::vector<std::string>& entries, Backoff backoff);

  const HostPort& host(std::size_t entry) const { return entries_[entry].host; }

  // An entry that may have an address which does not rest and is not `avoid` (HOST:PORT in numbers, may
  // be empty); unset: all rest.
  std::optional<std::size_t> pick_entry(Tick now, Random& random, const std::string& avoid) const;
  // The addresses of `entry`, in numbers, without port. What rested and is still there goes on resting.
  void resolved(std::size_t entry, std::vector<std::string> addresses, Random& random);
  // One of its addresses that does not rest and is not `avoid`; unset: there is none, pick another entry.
  std::optional<Endpoint> pick(std::size_t entry, Tick now, Random& random, const std::string& avoid) const;
  // When the first of those that rest is due; only if pick_entry() found nothing without `avoid`.
  Tick next_due() const;

  // It rests from now on: longer with each time in a row. `why` is for people.
  void failed(const Endpoint& endpoint, Trouble trouble, std::string why, Tick now, Random& random);
  // The name does not resolve.
  void unresolved(std::size_t entry, std::string why, Tick now, Random& random);
  // It worked for so long that its next failure is the first one.
  void forgive(const Endpoint& endpoint);

  // Why it rested last; none: it is new here, or was forgiven.
  Trouble trouble(const Endpoint& endpoint) const;
  // What all that rest suffer from: auth or wrong_server if each does from one of these (then the one
  // that failed last), else unreachable.
  Trouble common_trouble() const;

  struct Status {
    std::string configured;
    std::size_t addresses = 0;  // known
    std::size_t resting = 0;    // of these
    Tick until{};               // the whole entry rests until then; past: it does not
    std::string last_error;     // empty: none since it worked
    std::string last_address;   // which last_error is about; empty: the name
  };
  Status status(std::size_t entry, Tick now) const;
  std::size_t size() const { return entries_.size(); }

 private:
  // What failed, how often in a row, and until when it rests.
  struct Rest {
    Tick until{};
    unsigned failures = 0;
    Trouble trouble = Trouble::none;
    Tick at{};
    std::string why;
  };
  struct Address {
    std::string text;  // HOST:PORT in numbers
    Rest rest;
  };
  struct Entry {
    HostPort host;
    Rest name;
    std::vector<Address> addresses;  // as resolved last; empty: not yet
  };

  static bool may_be_tried(const Entry& entry, Tick now, const std::string& avoid);
  void put_to_rest(Rest& rest, Trouble trouble, std::string why, Tick now, Random& random) const;
  Address* find(const Endpoint& endpoint);
  const Address* find(const Endpoint& endpoint) const;

  const Backoff backoff_;
  std::vector<Entry> entries_;
};

}  // namespace sidecar
