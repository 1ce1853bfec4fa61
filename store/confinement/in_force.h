// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace coffer {

// Builds with sanitizers are not confined: their runtime forks, traces, writes code and reads /proc at its
// end.
#ifdef COFFER_UNCONFINED
inline constexpr bool kConfined = false;
#else
inline constexpr bool kConfined = true;
#endif

}  // namespace coffer
