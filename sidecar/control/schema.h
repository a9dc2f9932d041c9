#pragma once

namespace sidecar {

// "schema" of every answer on the control socket. It changes when a field changes its meaning or
// goes, never because one is added; who knows only this one refuses another by name.
inline constexpr int kControlSchema = 1;

}  // namespace sidecar
