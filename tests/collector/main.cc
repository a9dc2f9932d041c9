// The test collector as a program: see --help.

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "http_door.h"
#include "test_collector.h"

namespace {

// Of the file; empty without a name.
std::string text_of(const std::string& path) {
  if (path.empty()) return "";
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  sidecar::TestCollectorOptions options;
  int http_port = 0;
  std::string spelling = "both";
  CLI::App app{
      "A SkyWalking collector (generation v3) for tests: gRPC on 127.0.0.1, what arrived over HTTP.\n"
      "Prints one line {\"grpc\":\"127.0.0.1:PORT\",\"http\":\"127.0.0.1:PORT\"} when ready; ends on SIGTERM or "
      "SIGINT.\n"
      "GET /traces, /traces.json, /instances.json, /calls.json. POST /misbehave, for example:\n"
      "  curl -d '{\"fault\":\"hang\",\"method\":\"collectInSync\",\"times\":3}' 127.0.0.1:PORT/misbehave\n"
      "Faults: hang, slow (delay_ms), status (code), reset_stream, unimplemented, close, garbage, poison (key, value, "
      "code),\n"
      "refuse, restart (wipe), none (ends all); each with method, times, message, keep."};
  app.add_option("--port", options.port, "port for gRPC (default: any)")->check(CLI::Range(0, 65535));
  app.add_option("--http-port", http_port, "port for HTTP (default: any)")->check(CLI::Range(0, 65535));
  app.add_option("--token", options.token, "calls need this token in the header \"authentication\"");
  app.add_option("--spelling", spelling, "which method paths exist: packaged, bare, both")
      ->check(CLI::IsMember({"packaged", "bare", "both"}));
  bool no_sync = false;
  app.add_flag("--no-sync", no_sync, "collectInSync does not exist, as in 8.0 and 8.1");
  std::string tls_cert, tls_key, client_ca;
  auto* cert =
      app.add_option("--tls-cert", tls_cert, "speak TLS with this certificate (PEM)")->check(CLI::ExistingFile);
  auto* key =
      app.add_option("--tls-key", tls_key, "key of the certificate (PEM)")->check(CLI::ExistingFile)->needs(cert);
  cert->needs(key);
  app.add_option("--client-ca", client_ca, "clients need a certificate of this CA (PEM)")
      ->check(CLI::ExistingFile)
      ->needs(cert);
  app.add_option("--keep", options.max_segments, "how many segments are kept (default: 200000)");
  CLI11_PARSE(app, argc, argv);
  options.tls_cert = text_of(tls_cert);
  options.tls_key = text_of(tls_key);
  options.client_ca = text_of(client_ca);
  options.sync = !no_sync;
  options.packaged = spelling != "bare";
  options.bare = spelling != "packaged";

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before there are threads

  sidecar::TestCollector collector(options);
  sidecar::HttpDoor door(collector, http_port);
  if (door.address().empty()) {
    std::fprintf(stderr, "test-collector: cannot listen on HTTP port %d\n", http_port);
    return 1;
  }
  std::printf("{\"grpc\":\"%s\",\"http\":\"%s\"}\n", collector.address().c_str(), door.address().c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&ends, &signal);
  return 0;
}
