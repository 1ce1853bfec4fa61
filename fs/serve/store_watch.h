// SPDX-License-Identifier: Apache-2.0
//
// StoreWatch: the one thread that owns the verified store. It waits for commits, verifies them, learns new
// scope keys, shows them in the catalogue and then drops what they replace; it keeps the watermark and does
// the housekeeping that is due each quarter of a second (expired entries, counted audit lines, templates).
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "access/audit/audit.h"
#include "serve/catalogue.h"
#include "serve/invalidator.h"
#include "serve/key_ring.h"
#include "serve/node_ids.h"
#include "serve/rendered_files.h"
#include "serve/status.h"
#include "serve/unsealer.h"
#include "view/verified_store.h"

namespace coffer {

class StoreWatch {
  public:
    struct Parts {
        VerifiedStore& store;
        const Identity& host;
        Catalogue& catalogue;
        KeyRing& keys;
        Unsealer& unsealer;
        NodeIds& nodes;
        Invalidator& invalidator;
        Status& status;
        AuditLog& audit;
        RenderedFiles& rendered_files;
        bool fast_names = false;
    };
    explicit StoreWatch(const Parts& parts) : parts_(parts) {}
    ~StoreWatch() { stop(); }
    StoreWatch(const StoreWatch&) = delete;
    StoreWatch& operator=(const StoreWatch&) = delete;

    // What the store holds now, before anything is served.
    [[nodiscard]] Result<void> load();
    void start();
    void stop();  // the watermark is written

  private:
    void run();
    void catch_up();
    [[nodiscard]] Result<void> take_in(std::span<const CommitBody> commits);
    void report_alarm();
    void look_after_templates();
    void invalidate(const SecretName& name);
    void note_problem(std::string_view part, const Error& error);
    void note_solved(std::string_view part);

    const Parts parts_;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

}  // namespace coffer
