// SPDX-License-Identifier: Apache-2.0
#include "serve/version_loader.h"

#include "base/wall_clock.h"

namespace coffer {

Result<std::shared_ptr<const SealedValue>> VersionLoader::load(const Shown& shown, Worker& worker) const {
    if (is_past(shown.not_after_ms)) return fail(Code::expired, "the secret is past its expiry");
    auto sealed = unsealer.load(shown, worker.scratch, *worker.payloads);
    if (sealed) {
        // Else one that was replaced while it was loaded would stay in the cache: who replaces it shows the
        // next version first, and then drops this one.
        if (!catalogue.is_live(shown.secret, shown.version)) unsealer.drop(shown.payload);
        return sealed;
    }
    status.count(Status::Count::errors);
    const Error& error = sealed.error();
    if (error.code == Code::tampered &&
        status.raise(concat("payload ", shown.scope, '/', shown.key), error.message))
        (void)audit.note("alarm", error.message);
    return sealed;
}

}  // namespace coffer
