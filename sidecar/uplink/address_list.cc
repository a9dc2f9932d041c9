#include "uplink/address_list.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace sidecar {
namespace {

// Uniform in [0, count), count > 0.
std::size_t any_of(std::size_t count, Random& random) {
  return std::min(static_cast<std::size_t>(random.fraction() * static_cast<double>(count)), count - 1);
}

}  // namespace

AddressList::AddressList(const std::vector<std::string>& entries, Backoff backoff) : backoff_(backoff) {
  CHECK(!entries.empty());
  for (const std::string& text : entries) {
    Entry& entry = entries_.emplace_back();
    entry.host = parse_host_port(text);
    if (entry.host.numeric) entry.addresses.push_back({join_host_port(entry.host.host, entry.host.port), {}});
  }
}

bool AddressList::may_be_tried(const Entry& entry, Tick now, const std::string& avoid) {
  if (entry.name.until > now) return false;
  if (entry.addresses.empty()) return true;  // nobody has asked yet
  return std::any_of(entry.addresses.begin(), entry.addresses.end(),
                     [&](const Address& address) { return address.rest.until <= now && address.text != avoid; });
}

std::optional<std::size_t> AddressList::pick_entry(Tick now, Random& random, const std::string& avoid) const {
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (may_be_tried(entries_[i], now, avoid)) free.push_back(i);
  if (free.empty()) return std::nullopt;
  return free[any_of(free.size(), random)];
}

void AddressList::resolved(std::size_t entry, std::vector<std::string> addresses, Random& random) {
  Entry& at = entries_[entry];
  at.name = Rest{};
  // the first kMaxAddresses places of a shuffle
  const std::size_t count = std::min(addresses.size(), kMaxAddresses);
  if (addresses.size() > kMaxAddresses)
    for (std::size_t i = 0; i < count; ++i)
      std::swap(addresses[i], addresses[i + any_of(addresses.size() - i, random)]);
  const std::vector<Address> before = std::exchange(at.addresses, {});
  for (std::size_t i = 0; i < count; ++i) {
    std::string text = join_host_port(addresses[i], at.host.port);
    const auto known =
        std::find_if(before.begin(), before.end(), [&](const Address& address) { return address.text == text; });
    at.addresses.push_back({std::move(text), known == before.end() ? Rest{} : known->rest});
  }
}

std::optional<Endpoint> AddressList::pick(std::size_t entry, Tick now, Random& random, const std::string& avoid) const {
  const Entry& at = entries_[entry];
  std::vector<const Address*> free;
  for (const Address& address : at.addresses)
    if (address.rest.until <= now && address.text != avoid) free.push_back(&address);
  if (free.empty()) return std::nullopt;
  const HostPort numbers = parse_host_port(free[any_of(free.size(), random)]->text);
  return Endpoint{entry,
                  at.host.text,
                  at.host.host,
                  numbers.text,
                  grpc_target(numbers.host, numbers.port),
                  is_loopback(numbers.host)};
}

Tick AddressList::next_due() const {
  Tick first = Tick::max();
  for (const Entry& entry : entries_) {
    Tick due = entry.addresses.empty() ? Tick{} : Tick::max();
    for (const Address& address : entry.addresses) due = std::min(due, address.rest.until);
    first = std::min(first, std::max(due, entry.name.until));
  }
  return first;
}

void AddressList::put_to_rest(Rest& rest, Trouble trouble, std::string why, Tick now, Random& random) const {
  rest.until = now + backoff_.delay(++rest.failures, random);
  rest.trouble = trouble;
  rest.at = now;
  rest.why = std::move(why);
}

void AddressList::failed(const Endpoint& endpoint, Trouble trouble, std::string why, Tick now, Random& random) {
  // A name may have got other addresses meanwhile.
  if (Address* address = find(endpoint)) put_to_rest(address->rest, trouble, std::move(why), now, random);
}

void AddressList::unresolved(std::size_t entry, std::string why, Tick now, Random& random) {
  put_to_rest(entries_[entry].name, Trouble::unresolved, std::move(why), now, random);
}

void AddressList::forgive(const Endpoint& endpoint) {
  if (Address* address = find(endpoint)) address->rest = Rest{};
}

Trouble AddressList::trouble(const Endpoint& endpoint) const {
  const Address* address = find(endpoint);
  return address == nullptr ? Trouble::none : address->rest.trouble;
}

Trouble AddressList::common_trouble() const {
  Trouble last = Trouble::unreachable;
  Tick at{};
  const auto look = [&](const Rest& rest) {
    const bool refused = rest.trouble == Trouble::auth || rest.trouble == Trouble::wrong_server;
    if (refused && rest.at >= at) {
      last = rest.trouble;
      at = rest.at;
    }
    return refused;
  };
  for (const Entry& entry : entries_) {
    if (entry.name.trouble != Trouble::none || entry.addresses.empty()) return Trouble::unreachable;
    for (const Address& address : entry.addresses)
      if (!look(address.rest)) return Trouble::unreachable;
  }
  return last;
}

AddressList::Status AddressList::status(std::size_t entry, Tick now) const {
  const Entry& at = entries_[entry];
  Status status{at.host.text, at.addresses.size(), 0, at.name.until, at.name.why, {}};
  Tick due = at.addresses.empty() ? Tick{} : Tick::max();
  Tick latest = at.name.at;
  for (const Address& address : at.addresses) {
    if (address.rest.until > now) ++status.resting;
    due = std::min(due, address.rest.until);
    if (address.rest.why.empty() || address.rest.at < latest) continue;
    latest = address.rest.at;
    status.last_error = address.rest.why;
    status.last_address = address.text;
  }
  status.until = std::max(status.until, due);
  return status;
}

AddressList::Address* AddressList::find(const Endpoint& endpoint) {
  return const_cast<Address*>(std::as_const(*this).find(endpoint));
}

const AddressList::Address* AddressList::find(const Endpoint& endpoint) const {
  for (const Address& address : entries_[endpoint.entry].addresses)
    if (address.text == endpoint.address) return &address;
  return nullptr;
}

}  // namespace sidecar
