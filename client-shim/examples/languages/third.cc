// The last of three services: reads the headers of its "request" from stdin.

#include <sidecar/shim.h>

#include <iostream>
#include <map>
#include <string>

int main() {
  sidecar::TracerOptions options;
  options.service = "third";
  sidecar::Tracer tracer = sidecar::Tracer::open(options);

  std::map<std::string, std::string> request;
  for (std::string line; std::getline(std::cin, line);)
    if (const std::size_t colon = line.find(": "); colon != std::string::npos)
      request[line.substr(0, colon)] = line.substr(colon + 2);

  {
    sidecar::Span span = tracer.entry("GET:/third", [&](std::string_view name) { return request[std::string(name)]; });
    span.tag("language", "C++");
    std::cout << span.trace_id() << "\n";
  }
  return tracer.flush(std::chrono::seconds(2)) ? 0 : 1;
}
