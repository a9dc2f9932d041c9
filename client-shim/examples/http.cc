// A client and a server of HTTP in one program. The library here is a function call; what matters is where the shim is
// called, and with what. examples/shop/traced_http.h is the same for cpp-httplib.

#include <sidecar/shim.h>

#include <iostream>
#include <map>
#include <string>

struct Request {
  std::string path;
  std::map<std::string, std::string> headers;
  std::string header(std::string_view name) const {
    const auto at = headers.find(std::string(name));
    return at == headers.end() ? std::string() : at->second;
  }
  void set_header(std::string_view name, std::string_view value) { headers[std::string(name)] = std::string(value); }
};

struct Response {
  int status = 0;
};

sidecar::Tracer tracer_of(const char* service) {
  sidecar::TracerOptions options;
  options.service = service;
  return sidecar::Tracer::open(options);
}

sidecar::Tracer tracer = tracer_of("stock");
Response find(const Request& request) { return {request.path == "/stock/7" ? 200 : 404}; }

Response handle(const Request& request) {
  sidecar::Span span = tracer.entry("GET:/stock/{id}", [&](std::string_view name) { return request.header(name); });
  span.layer(sidecar::SpanLayer::http).tag("http.method", "GET").tag("url", request.path);
  const Response response = find(request);  // calls made in there are inside the span
  span.tag("http.status_code", response.status);
  if (response.status >= 400) span.error();
  return response;
}

sidecar::Tracer client = tracer_of("orders");
Response send(const Request& request) { return handle(request); }

Response call(const std::string& path) {
  sidecar::Span span = client.exit("GET:/stock/{id}", "stock:8080");  // whom: it makes the topology
  span.layer(sidecar::SpanLayer::http).tag("http.method", "GET").tag("url", path);
  Request request{path, {}};
  span.inject([&](std::string_view name, std::string_view value) { request.set_header(name, value); });
  const Response response = send(request);
  span.tag("http.status_code", response.status);
  if (response.status >= 400) span.error();
  return response;
}

int main() {
  sidecar::Span request = client.entry("GET:/orders");
  std::cout << request.trace_id() << "\n";
  return call("/stock/7").status == 200 && call("/stock/8").status == 404 ? 0 : 1;
}
