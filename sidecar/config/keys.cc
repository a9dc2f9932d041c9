#include "config/keys.h"

#include <fmt/format.h>
#include <sidecar_ipc/protocol.h>

#include <algorithm>

#include "config/values.h"

namespace sidecar {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

bool valid_privacy_pattern(std::string_view text) {
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  // a star inside would be a letter: nobody means that
  return visible && (text.size() <= 2 || text.substr(1, text.size() - 2).find('*') == std::string_view::npos);
}

Result<void> check_file_path(std::string_view text) {
  const bool printable = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (text.empty() || (text.size() < 4096 && text.front() == '/' && text.back() != '/' && printable)) return {};
  return fail(Errc::invalid_argument, "not the absolute path of a file");
}

// clang-format off
std::vector<Key> make_keys() {
  return {
      choice_key<LogLevel>({"log.level", "The least important messages that are written to the log."},
                           {{"error", LogLevel::error}, {"warning", LogLevel::warning}, {"info", LogLevel::info}, {"debug", LogLevel::debug}},
                           [](Config& c) -> LogLevel& { return c.log.level; }),

      addresses_key({"collector.addresses", "Where collectors of one generation listen for gRPC; another one is taken when one fails."},
                    [](Config& c) -> std::vector<std::string>& { return c.uplink.addresses; }),
      duration_key({"collector.deadline", "How long a call may take before it counts as failed."}, seconds(1), minutes(10),
                   [](Config& c) -> Duration& { return c.uplink.deadline; }),
      duration_key({"collector.unanswered", "A call that nobody has answered for so long sends the next ones to another collector; itself it goes on to its deadline."}, milliseconds(10), minutes(10),
                   [](Config& c) -> Duration& { return c.uplink.unanswered; }),
      duration_key({"collector.repick", "How often another address is chosen, give or take half, so that many hosts share the collectors."}, seconds(1), hours(24),
                   [](Config& c) -> Duration& { return c.uplink.repick; }),
      duration_key({"collector.spread", "A connection that was lost is made again within this time, at random, so that many hosts do not return together."}, seconds(0), hours(1),
                   [](Config& c) -> Duration& { return c.uplink.spread; }),
      duration_key({"collector.backoff.first", "The wait after the first failed connection; it doubles from there."}, milliseconds(10), minutes(10),
                   [](Config& c) -> Duration& { return c.uplink.backoff.first; }),
      duration_key({"collector.backoff.max", "The longest wait between two connections."}, milliseconds(10), hours(1),
                   [](Config& c) -> Duration& { return c.uplink.backoff.max; }),
      checked_key({"collector.token_file", "Holds the token that is sent with every call as SkyWalking's agent.authentication; read again when it changes."}, "the absolute path of a file, or \"\"", check_file_path,
                  [](Config& c) -> std::string& { return c.uplink.token_file; }),
      choice_key<bool>({"collector.tls.enabled", "Whether collectors are spoken to over TLS."}, {{"true", true}, {"false", false}},
                       [](Config& c) -> bool& { return c.uplink.tls.enabled; }),
      checked_key({"collector.tls.ca", "PEM file with the authorities that sign collectors' certificates; empty: those of the system."}, "the absolute path of a file, or \"\"", check_file_path,
                  [](Config& c) -> std::string& { return c.uplink.tls.ca; }),
      checked_key({"collector.tls.certificate", "PEM file with our own certificate, for collectors that want one."}, "the absolute path of a file, or \"\"", check_file_path,
                  [](Config& c) -> std::string& { return c.uplink.tls.certificate; }),
      checked_key({"collector.tls.key", "PEM file with the key of that certificate."}, "the absolute path of a file, or \"\"", check_file_path,
                  [](Config& c) -> std::string& { return c.uplink.tls.key; }),
      name_key({"collector.tls.server_name", "The name that collectors' certificates must hold; empty: the host of the address."},
               [](Config& c) -> std::string& { return c.uplink.tls.server_name; }),
      duration_key({"collector.reread", "How often the files of token and TLS are looked at for changes."}, milliseconds(10), hours(1),
                   [](Config& c) -> Duration& { return c.uplink.reread; }),

      socket_path_key({"socket.path", "The socket that applications send their segments to."},
                      [](Config& c) -> std::string& { return c.ipc.path; }),
      mode_key({"socket.mode", "The socket's mode: who may write to it may send segments."},
               [](Config& c) -> mode_t& { return c.ipc.mode; }),
      integer_key<unsigned>({"socket.max_connections", "The most applications at a time; lowered to (descriptor limit - 256) / 4."}, 1, 65'536,
                            [](Config& c) -> unsigned& { return c.ipc.max_connections; }),
      optional_integer_key({"socket.max_connections_per_user", "The most applications of one user; auto is half of max_connections."}, 1, 65'536,
                           [](Config& c) -> std::optional<unsigned>& { return c.ipc.max_per_user; }),
      duration_key({"socket.drain_interval", "The longest time between two looks at the sockets while segments flow; it shortens by itself as they fill."}, milliseconds(1), milliseconds(20),
                   [](Config& c) -> Duration& { return c.ipc.drain_interval; }),

      socket_path_key({"control.path", "The socket that sidecarctl asks."},
                      [](Config& c) -> std::string& { return c.control.path; }),
      mode_key({"control.mode", "The control socket's mode; whatever it is, only root and the daemon's own user are answered."},
               [](Config& c) -> mode_t& { return c.control.mode; }),

      integer_key<unsigned>({"carrier.channels", "How many queues hold segments; an instance keeps to one."}, 1, 256,
                            [](Config& c) -> unsigned& { return c.carrier.channels; }),
      integer_key<unsigned>({"carrier.slots", "How many segments a queue holds."}, 256, 1'048'576,
                            [](Config& c) -> unsigned& { return c.carrier.slots; }),
      bytes_key({"carrier.memory", "How many bytes of segments all queues hold together."}, kMiB, 64 * kGiB,
                [](const Config& c) { return c.carrier.memory; },
                [](Config& c, std::uint64_t value) { c.carrier.memory = value; }),
      choice_key<CarrierStrategy>({"carrier.strategy", "What happens when a queue is full: blocking lets applications keep their segments, if-possible drops the newest, override the oldest."},
                                  {{"blocking", CarrierStrategy::blocking}, {"if-possible", CarrierStrategy::if_possible}, {"override", CarrierStrategy::override_}},
                                  [](Config& c) -> CarrierStrategy& { return c.carrier.strategy; }),

      integer_key<std::size_t>({"batch.segments", "A call takes at most so many segments."}, 1, 2000,
                               [](Config& c) -> std::size_t& { return c.pipeline.batch_segments; }),
      bytes_key({"batch.bytes", "A call takes at most so many bytes, as they were received."}, 16 * kKiB, kMiB,
                [](const Config& c) { return static_cast<std::uint64_t>(c.pipeline.batch_bytes); },
                [](Config& c, std::uint64_t value) { c.pipeline.batch_bytes = value; }),
      duration_key({"batch.age", "A call is made at the latest when its oldest segment has waited so long."}, milliseconds(1), minutes(1),
                   [](Config& c) -> Duration& { return c.pipeline.batch_age; }),
      duration_key({"batch.backoff.first", "The wait before a failed call is made again; it doubles from there."}, milliseconds(10), minutes(10),
                   [](Config& c) -> Duration& { return c.pipeline.backoff.first; }),
      duration_key({"batch.backoff.max", "The longest wait before a failed call is made again."}, milliseconds(10), hours(1),
                   [](Config& c) -> Duration& { return c.pipeline.backoff.max; }),

      duration_key({"session.keep_alive", "How often the collector is told that an instance lives, give or take a tenth."}, seconds(1), hours(1),
                   [](Config& c) -> Duration& { return c.session.keep_alive; }),
      integer_key<unsigned>({"session.properties_every", "Every so many of these the instance's properties are sent too."}, 1, 1000,
                            [](Config& c) -> unsigned& { return c.session.properties_every; }),

      checked_key({"naming.instance", "What instances are called that do not name themselves; {slot} is a number, 0 for the first of a user and service."},
                  "text in quotes with any of {service}, {host}, {ip}, {pid}, {uuid}, {exe}, {slot}", check_instance_template,
                  [](Config& c) -> std::string& { return c.naming.instance; }),
      name_part_key({"naming.namespace", "Put behind the names of services: SERVICE|NAMESPACE|CLUSTER, as the Java agent does."}, kMaxNamePart,
                    [](Config& c) -> std::string& { return c.naming.name_space; },
                    [](Config& c, const std::string& text) { c.naming.name_space = text; }),
      name_part_key({"naming.cluster", "Put behind the names of services too, and before the addresses that they call: CLUSTER/HOST:PORT."}, kMaxNamePart,
                    [](Config& c) -> std::string& { return c.naming.cluster; },
                    [](Config& c, const std::string& text) {
                      c.naming.cluster = text;
                      c.ipc.peer_prefix = c.uplink.peer_prefix = text.empty() ? text : text + "/";
                    }),

      integer_key<std::int64_t>({"sampling.traces_per_3s", "How many new traces a process records in 3 seconds; -1 is all."}, -1, 1'000'000,
                                [](Config& c) -> std::int64_t& { return c.ipc.sampling; }),

      texts_key({"ignore.suffixes", "Operations that end so are not traced."}, "a suffix such as .jpg", ipc_protocol::kMaxIgnoreRules, ipc_protocol::kMaxIgnoreText,
                [](std::string_view text) { return text.rfind('.') == 0; },
                [](Config& c) -> std::vector<std::string>& { return c.ipc.ignore.suffixes; }),
      texts_key({"ignore.patterns", "Operations that match are not traced: ? stands for one character but /, * for any of these, ** for anything."},
                "a pattern such as /health/**", ipc_protocol::kMaxIgnoreRules, ipc_protocol::kMaxIgnoreText, nullptr,
                [](Config& c) -> std::vector<std::string>& { return c.ipc.ignore.patterns; }),

      texts_key({"privacy.drop_tags", "Tags and fields of logs with these names go; * stands at the beginning or the end for anything."},
                "a name such as card or *-number*", kMaxPrivacyRules, kMaxPrivacyText, valid_privacy_pattern,
                [](Config& c) -> std::vector<std::string>& { return c.uplink.privacy.drop_tags; }),
      texts_key({"privacy.mask_tags", "Tags and fields of logs with these names keep their name and lose their value; so do URLs' parameters."},
                "a name such as *password* or auth", kMaxPrivacyRules, kMaxPrivacyText, valid_privacy_pattern,
                [](Config& c) -> std::vector<std::string>& { return c.uplink.privacy.mask_tags; }),
      choice_key<UrlPrivacy>({"privacy.urls", "What URLs lose: mask the values of parameters with names of privacy.mask_tags, mask-all those of all, drop-query the whole query; each but keep credentials too."},
                             {{"keep", UrlPrivacy::keep}, {"mask", UrlPrivacy::mask}, {"mask-all", UrlPrivacy::mask_all}, {"drop-query", UrlPrivacy::drop_query}},
                             [](Config& c) -> UrlPrivacy& { return c.uplink.privacy.urls; }),

      name_key({"host", "This host's name in the names of instances; empty takes the system's."},
               [](Config& c) -> std::string& { return c.lifecycle.host; }),

      duration_key({"shutdown.deadline", "How long the daemon goes on sending what it holds after it was told to stop."}, seconds(0), minutes(10),
                   [](Config& c) -> Duration& { return c.lifecycle.shutdown_deadline; }),
  };
}
// clang-format on

}  // namespace

std::string Key::default_value() const {
  static const Config defaults;
  return show(defaults);
}

std::string Key::variable() const {
  std::string name = std::string(kVariablePrefix) + path;
  for (char& c : name) c = c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

const std::vector<Key>& config_keys() {
  static const std::vector<Key> keys = make_keys();
  return keys;
}

const Key* find_key(const std::string& path) {
  const auto& keys = config_keys();
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.path == path; });
  return found == keys.end() ? nullptr : &*found;
}

const std::vector<Relation>& config_relations() {
  static const std::vector<Relation> relations = {
      {"collector.backoff.max", "collector.backoff.first", "expected at least collector.backoff.first",
       [](const Config& c) { return c.uplink.backoff.max >= c.uplink.backoff.first; }},
      {"collector.tls.certificate", "collector.tls.key", "expected both or none of it and collector.tls.key",
       [](const Config& c) { return c.uplink.tls.certificate.empty() == c.uplink.tls.key.empty(); }},
      {"batch.backoff.max", "batch.backoff.first", "expected at least batch.backoff.first",
       [](const Config& c) { return c.pipeline.backoff.max >= c.pipeline.backoff.first; }},
      {"socket.max_connections_per_user", "socket.max_connections", "expected at most socket.max_connections",
       [](const Config& c) { return c.ipc.max_per_user.value_or(1) <= c.ipc.max_connections; }},
      {"control.path", "socket.path", "expected another path than socket.path",
       [](const Config& c) { return c.control.path != c.ipc.path; }},
  };
  return relations;
}

bool is_service_link(const std::string& variable) {
  for (const char* name : {"SW_SIDECAR_PORT", "SW_SIDECAR_SERVICE_HOST", "SW_SIDECAR_SERVICE_PORT"})
    if (variable == name) return true;
  return variable.starts_with("SW_SIDECAR_PORT_") || variable.starts_with("SW_SIDECAR_SERVICE_PORT_");
}

}  // namespace sidecar
