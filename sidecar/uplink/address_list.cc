#include "uplink/address_list.h"

#include <algorithm>
#include <iterator>
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

void AddressList::replace(const std::vector<std::string>& entries, Backoff backoff) {
  AddressList others(entries, backoff);
  backoff_ = backoff;
  std::vector<Entry> before = std::exchange(entries_, std::move(others.entries_));
  for (Entry& entry : entries_)
    for (Entry& known : before)
      if (known.host.text == entry.host.text) entry = std::move(known);
}

const AddressList::Entry* AddressList::entry_of(const Endpoint& endpoint) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.host.text == endpoint.configured; });
  return found == entries_.end() ? nullptr : &*found;
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

void AddressList::resolved(std::size_t entry, std::vector<std::string> addresses, Tick now, Random& random) {
  Entry& at = entries_[entry];
  at.name = Rest{};
  // the first kMaxAddresses places of a shuffle
  const std::size_t count = std::min(addresses.size(), kMaxAddresses);
  if (addresses.size() > kMaxAddresses)
    for (std::size_t i = 0; i < count; ++i)
      std::swap(addresses[i], addresses[i + any_of(addresses.size() - i, random)]);
  std::vector<Address> before = std::exchange(at.addresses, {});
  std::move(at.former.begin(), at.former.end(), std::back_inserter(before));
  for (std::size_t i = 0; i < count; ++i) {
    std::string text = join_host_port(addresses[i], at.host.port);
    const auto known =
        std::find_if(before.begin(), before.end(), [&](const Address& address) { return address.text == text; });
    at.addresses.push_back({std::move(text), known == before.end() ? Rest{} : std::move(known->rest)});
    if (known != before.end()) before.erase(known);
  }
  std::erase_if(before, [&](const Address& address) { return !counts(address.rest, now); });
  std::sort(before.begin(), before.end(), [](const Address& a, const Address& b) { return a.rest.at > b.rest.at; });
  if (before.size() > kMaxAddresses) before.resize(kMaxAddresses);
  at.former = std::move(before);
}

bool AddressList::counts(const Rest& rest, Tick now) const {
  return rest.failures > 0 && rest.until + backoff_.max > now;
}

std::optional<Endpoint> AddressList::pick(std::size_t entry, Tick now, Random& random, const std::string& avoid) const {
  const Entry& at = entries_[entry];
  std::vector<const Address*> free;
  for (const Address& address : at.addresses)
    if (address.rest.until <= now && address.text != avoid) free.push_back(&address);
  if (free.empty()) return std::nullopt;
  const HostPort numbers = parse_host_port(free[any_of(free.size(), random)]->text);
  return Endpoint{at.host.text, at.host.host, numbers.text, grpc_target(numbers.host, numbers.port),
                  is_loopback(numbers.host)};
}

bool AddressList::has_other(const Endpoint& endpoint) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.addresses.empty() ||
           std::any_of(entry.addresses.begin(), entry.addresses.end(),
                       [&](const Address& address) { return address.text != endpoint.address; });
  });
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
  rest.until = now + std::min(backoff_.delay(++rest.failures, random), longest_rest_);
  if (is_refusal(trouble)) rest.refusal = trouble;
  rest.at = now;
  rest.why = std::move(why);
}

void AddressList::failed(const Endpoint& endpoint, Trouble trouble, std::string why, Tick now, Random& random) {
  Address* address = find(endpoint);
  if (!holds(endpoint)) return;
  if (address == nullptr) {  // its name has got others meanwhile
    std::vector<Address>& former = const_cast<Entry*>(entry_of(endpoint))->former;
    if (former.size() == kMaxAddresses) former.pop_back();
    address = &*former.insert(former.begin(), {endpoint.address, {}});
  }
  put_to_rest(address->rest, trouble, std::move(why), now, random);
}

void AddressList::unresolved(std::size_t entry, std::string why, Tick now, Random& random) {
  Rest& name = entries_[entry].name;
  put_to_rest(name, Trouble::unresolved, std::move(why), now, random);
  if (known(entry)) name.until = now;
}

void AddressList::works(const Endpoint& endpoint) {
  if (Address* address = find(endpoint)) address->rest = Rest{.failures = address->rest.failures};
}

void AddressList::forgive(const Endpoint& endpoint) {
  if (Address* address = find(endpoint)) address->rest = Rest{};
}

Trouble AddressList::refusal(const Endpoint& endpoint) const {
  const Address* address = find(endpoint);
  return address == nullptr ? Trouble::none : address->rest.refusal;
}

void AddressList::wake(Tick now) {
  for (Entry& entry : entries_) {
    entry.name.until = std::min(entry.name.until, now);
    for (auto* addresses : {&entry.addresses, &entry.former})
      for (Address& address : *addresses) address.rest.until = std::min(address.rest.until, now);
  }
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
  const Entry* const entry = entry_of(endpoint);
  if (entry == nullptr) return nullptr;
  for (const auto* addresses : {&entry->addresses, &entry->former})
    for (const Address& address : *addresses)
      if (address.text == endpoint.address) return &address;
  return nullptr;
}

}  // namespace sidecar
