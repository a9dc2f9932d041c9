#include "uplink/connect_failure.h"

#include <array>

#include "log/log.h"

namespace sidecar {
namespace {

constexpr std::size_t kMaxUnknown = 300;

// The first row that fits counts. `tls`: only when we speak TLS, only when we do not, or both.
enum class When { both, tls, plain };
struct Row {
  std::string_view words;  // in what gRPC says
  When when;
  const char* meaning;
};

constexpr std::array kRows = {
    Row{"Connection refused", When::both, "connection refused: nothing listens there; check host and port"},
    Row{"unreachable", When::both, "the host cannot be reached; check the address, routes and firewalls"},
    Row{"No route to host", When::both, "the host cannot be reached; check the address, routes and firewalls"},
    Row{"timed out before receiving SETTINGS", When::both,
        "it takes connections and says nothing: no gRPC server, or one that hangs; check the port"},
    Row{"Handshake read failed", When::tls,
        "it takes connections and does not answer a TLS handshake: no TLS server, or one that hangs; check the port"},
    Row{"is not in peer certificate", When::tls,
        "its certificate is for another name; set collector.tls.server_name to a name that it holds, or use that name "
        "as address"},
    Row{"certificate verify failed", When::tls,
        "its certificate is not trusted: not signed by collector.tls.ca (or the system's authorities), expired, or not "
        "valid yet"},
    Row{"wrong version number", When::tls,
        "it does not speak TLS; set collector.tls.enabled to false, or take its TLS port"},
    Row{"missing selected ALPN", When::tls, "it speaks TLS, but not HTTP/2: no gRPC server; check the port"},
    Row{"empty address list", When::tls,
        "the files of collector.tls cannot be used: no certificates in them, or a key that is not the certificate's"},
    Row{"http1.x server", When::both, "it speaks HTTP/1, not gRPC; check the port (an OAP's gRPC port is 11800)"},
    Row{"Failed parsing HTTP/2", When::both, "it does not speak gRPC; check the port (an OAP's gRPC port is 11800)"},
    Row{"Socket closed", When::tls,
        "it ended the TLS handshake: does it want a client certificate (collector.tls.certificate and .key), or "
        "another one?"},
    Row{"Socket closed", When::plain, "it closed the connection at once: does it want TLS (collector.tls.enabled)?"},
    Row{"timed out", When::both, "no answer to the attempt to connect; check the address, routes and firewalls"},
};

}  // namespace

std::string explain_connect_failure(std::string_view detail, bool tls) {
  for (const Row& row : kRows)
    if ((row.when == When::both || (row.when == When::tls) == tls) && detail.find(row.words) != std::string_view::npos)
      return row.meaning;
  if (detail.empty()) return "no connection";
  return printable(detail, kMaxUnknown);
}

}  // namespace sidecar
