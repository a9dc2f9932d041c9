#pragma once

// Tracing for cpp-httplib: an entry span around a handler, an exit span around a
// call. The two functions are all that a service needs to be part of a trace.

#include <httplib.h>
#include <sidecar/shim.h>

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace shop {

// Ids of SkyWalking's component-libraries.yml; the UI shows their icons.
inline constexpr int kHttpClient = 2;

using Handler = std::function<void(const httplib::Request&, httplib::Response&, sidecar::Span&)>;

// `handler` inside an entry span named "METHOD:path", which continues the caller's trace if the request's headers
// name one. The span is the handler's too, for tags of its own.
inline httplib::Server::Handler traced(sidecar::Tracer tracer, std::string path, Handler handler) {
  return [tracer, path = std::move(path), handler = std::move(handler)](const httplib::Request& request,
                                                                        httplib::Response& response) mutable {
    sidecar::Span span = tracer.entry(request.method + ":" + path, [&request](std::string_view name) {
      return request.get_header_value(std::string(name));
    });
    span.layer(sidecar::SpanLayer::http);
    span.tag("url", "http://" + request.get_header_value("Host") + request.path);
    span.tag("http.method", request.method);
    try {
      handler(request, response, span);
    } catch (const std::exception& problem) {
      span.error("std::exception", problem.what());
      span.tag("http.status_code", 500);  // what the server will answer
      throw;
    }
    const int status = response.status < 0 ? 200 : response.status;
    span.tag("http.status_code", status);
    if (status >= 400) span.error();
  };
}

struct Answer {
  int status = 0;  // 0: none came
  std::string body;
};

// POSTs to another service inside an exit span, whose context travels in the request's headers. `parameters` are sent
// as a form; the path alone names the operation, so that there are few.
class HttpClient {
 public:
  HttpClient(sidecar::Tracer tracer, std::string address) : tracer_(tracer), address_(std::move(address)) {}

  Answer post(const std::string& path, const httplib::Params& parameters) {
    sidecar::Span span = tracer_.exit("POST:" + path, address_);
    span.layer(sidecar::SpanLayer::http).component(kHttpClient);
    span.tag("url", "http://" + address_ + path).tag("http.method", "POST");
    httplib::Headers headers;
    span.inject([&headers](std::string_view name, std::string_view value) { headers.emplace(name, value); });

    httplib::Client client("http://" + address_);
    client.set_connection_timeout(2);
    client.set_read_timeout(5);
    const httplib::Result result = client.Post(path, headers, parameters);
    if (!result) {
      span.error("httplib::Error", httplib::to_string(result.error()));
      return {};
    }
    span.tag("http.status_code", result->status);
    if (result->status >= 400) span.error();
    return {result->status, result->body};
  }

 private:
  sidecar::Tracer tracer_;
  const std::string address_;  // HOST:PORT, which is also the span's peer
};

}  // namespace shop
