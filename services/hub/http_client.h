#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace quire::services::hub {

// The answer to a request, its body apart.
struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of several the last

  // The value, or "".
  std::string header(const std::string& name) const;
};

struct HttpRequest {
  std::string url;
  bool head_only = false;
  // A redirect for which this is true is the answer; others are followed. Empty: all are.
  std::function<bool(const HttpResponse& response)> is_answer;
  std::int64_t begin = 0;  // asks for the bytes from here on
  // Called with the answer before its body, then with the body in pieces; false ends the request,
  // which is then CANCELLED. A redirect's body goes nowhere. May be empty.
  std::function<bool(const HttpResponse& response)> on_response;
  std::function<bool(std::string_view piece)> on_body;
};

// HTTP over libcurl. The token goes to the host of `token_url` alone, whatever redirects say, and
// nothing follows a redirect from https to http.
//
// Thread-compatible.
class HttpClient {
 public:
  // `token` may be empty. `token_url` is a URL of the host that may see it.
  HttpClient(std::string token, const std::string& token_url);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any HTTP status is an answer. Returns UNAVAILABLE if there is none: no connection, no progress
  // for a minute, a body that ends early. INVALID_ARGUMENT for a URL that is none of http(s).
  StatusOr<HttpResponse> Send(const HttpRequest& request);

 private:
  struct Handle;

  StatusOr<HttpResponse> SendOnce(const HttpRequest& request, const std::string& url);
  bool MaySeeToken(const std::string& url) const;

  const std::string token_;
  const std::string token_origin_;  // "https://host:443"
  const std::unique_ptr<Handle> handle_;
};

// `text` with everything but letters, digits and "-._~" as %XX.
std::string EscapeSegment(std::string_view text);
// The same with slashes kept.
std::string EscapePath(std::string_view text);

}  // namespace quire::services::hub
