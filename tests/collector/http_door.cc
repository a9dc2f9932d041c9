#include "http_door.h"

#include <httplib.h>

#include <atomic>
#include <thread>

#include "listings.h"
#include "traces.h"

namespace sidecar {
namespace {

using Fields = std::map<std::string, std::string>;

// Bytes that are not UTF-8 cannot be here (protobuf refuses them), but dump() must not throw.
void answer(httplib::Response& response, const nlohmann::json& json) {
  response.set_content(json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", "application/json");
}

Result<Fields> fields_of(const httplib::Request& request) {
  Fields fields;
  // curl calls every body a form, hence the look at the first byte rather than at the type
  if (request.body.empty() || request.body[0] != '{') {
    for (const auto& [name, value] : request.params) fields[name] = value;
    return fields;
  }
  const nlohmann::json body = nlohmann::json::parse(request.body, nullptr, false);
  if (!body.is_object()) return fail(Errc::invalid_argument, "the body is not a JSON object");
  for (const auto& [name, value] : body.items())
    fields[name] = value.is_string() ? value.get<std::string>() : value.dump();
  return fields;
}

Result<void> misbehave(TestCollector& collector, Fields fields) {
  const std::string fault = fields["fault"];
  if (fault == "none") {
    collector.behave();
  } else if (fault == "refuse") {
    collector.close();
  } else if (fault == "restart" && fields.contains("generation")) {
    const auto found = kGenerations.find(fields["generation"]);
    if (found == kGenerations.end()) return fail(Errc::invalid_argument, "generation must be one of v3, 6.0, 6.6, 7.0");
    collector.restart_as(found->second);
  } else if (fault == "restart") {
    const std::string& wipe = fields["wipe"];
    collector.restart(wipe == "true" || wipe == "1");
  } else {
    Result<Misbehaviour> parsed = parse_misbehaviour(fields);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    collector.misbehave(*parsed);
  }
  return {};
}

}  // namespace

struct HttpDoor::Impl {
  httplib::Server server;
  int port = -1;
  std::atomic<bool> ended{false};
  std::thread thread;
};

HttpDoor::HttpDoor(TestCollector& collector, int port) : impl_(std::make_unique<Impl>()) {
  httplib::Server& server = impl_->server;
  const Store& store = collector.store();
  server.Get("/traces.json",
             [&store](const auto&, auto& response) { answer(response, traces_to_json(store.segments())); });
  server.Get("/instances.json",
             [&store](const auto&, auto& response) { answer(response, instances_to_json(store.instances())); });
  server.Get("/ids.json",
             [&collector](const auto&, auto& response) { answer(response, ids_to_json(collector.ids())); });
  server.Get("/dropped.json",
             [&store](const auto&, auto& response) { answer(response, dropped_to_json(store.dropped())); });
  server.Get("/calls.json", [&store](const auto&, auto& response) { answer(response, calls_to_json(store.calls())); });
  server.Get("/traces", [&store](const auto&, auto& response) {
    response.set_content(traces_to_text(store.segments()), "text/plain; charset=utf-8");
  });
  server.Post("/misbehave", [&collector](const auto& request, auto& response) {
    Result<Fields> fields = fields_of(request);
    const Result<void> done = fields ? misbehave(collector, std::move(*fields)) : tl::unexpected<Error>(fields.error());
    if (!done) response.status = 400;
    response.set_content((done ? "ok" : done.error().message) + "\n", "text/plain");
  });
  server.Post("/stranger", [&collector](const auto& request, auto& response) {
    Result<Fields> fields = fields_of(request);
    if (!fields || !fields->contains("service") || !fields->contains("uuid")) {
      response.status = 400;
      return response.set_content("service and uuid are missing\n", "text/plain");
    }
    const auto [service, instance] = collector.add_stranger((*fields)["service"], (*fields)["uuid"]);
    answer(response, {{"service", service}, {"instance", instance}});
  });
  if (port == 0)
    impl_->port = server.bind_to_any_port("127.0.0.1");
  else if (server.bind_to_port("127.0.0.1", port))
    impl_->port = port;
  if (impl_->port > 0) {
    impl_->thread = std::thread([impl = impl_.get()] {
      impl->server.listen_after_bind();
      impl->ended = true;
    });
  }
}

HttpDoor::~HttpDoor() {
  if (!impl_->thread.joinable()) return;
  // stop() before the start would be without effect
  while (!impl_->server.is_running() && !impl_->ended) std::this_thread::yield();
  impl_->server.stop();
  impl_->thread.join();
}

std::string HttpDoor::address() const { return impl_->port > 0 ? "127.0.0.1:" + std::to_string(impl_->port) : ""; }

}  // namespace sidecar
